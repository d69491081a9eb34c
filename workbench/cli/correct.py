"""`correct`: samples of an experiment's data get another class, or are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.cli.design import open_experiment, target_of
from workbench.cli.parser import WrongUsage
from workbench.document.edits import correct_samples, revert_corrections
from workbench.document.files import save
from workbench.errors import UserError
from workbench.plugin_api.targets import expected, read_target

if TYPE_CHECKING:
    import argparse

    from workbench.cli.output import Output
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import DataInfo

LEFT_OUT = "left out"


def correct(options: argparse.Namespace, output: Output) -> int:
    """Change the corrections of an experiment file, and list them."""
    from workbench.worker.preparation import describe

    experiment = open_experiment(options.file)
    changed = _changed(experiment, options)
    _, info = describe(changed.data, Catalog.load())
    _refuse_unknown(options, info)
    if changed is not experiment:
        path = save(changed, target_of(options))
        output.say(f"{path} written.")
    labels = changed.data.corrections
    for key, label in labels.items():
        state = " (not found)" if key in info.corrected.missing else ""
        output.say(f"{key}: {LEFT_OUT if label is None else label}{state}")
    if not labels:
        output.say("No sample is corrected.")
    output.result({"corrections": labels, "missing": list(info.corrected.missing)})
    return 0


def _changed(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    labels: dict[str, str | None] = {}
    for text in options.relabel:
        key, sign, label = text.rpartition("=")
        if not sign or not key:
            raise WrongUsage(f"“{text}” names no class.", "--relabel ID=CLASS")
        labels[key] = label
    labels |= dict.fromkeys(options.leave_out)
    unknown = set(options.take_back) - experiment.data.corrections.keys()
    if unknown:
        raise WrongUsage(f"“{min(unknown)}” is not corrected.", "`correct FILE` lists what is.")
    found = revert_corrections(experiment, options.take_back) if options.take_back else experiment
    return correct_samples(found, labels) if labels else found


def _refuse_unknown(options: argparse.Namespace, info: DataInfo) -> None:
    """Refuse corrections that were asked for now and change nothing."""
    labels = {key: label for key, _, label in (text.rpartition("=") for text in options.relabel)}
    for key in sorted({*labels, *options.leave_out}.intersection(info.corrected.missing)):
        raise WrongUsage(
            f"The data have no sample “{key}”.",
            "`workbench evaluate RUN --mistakes 20` lists samples by these names.",
        )
    for key in sorted(labels.keys() & {*info.corrected.idle}):
        try:
            read_target(labels[key], info)
        except UserError as error:
            raise WrongUsage(error.message, error.hint) from error
        raise WrongUsage(
            f"“{labels[key]}” does not say as much as “{key}” is long.", expected(info)
        )
