"""`correct`: samples of an experiment's data get another class, or are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.cli.arguments import WrongUsage
from workbench.cli.design import open_experiment, target_of
from workbench.document.edits import correct_samples, revert_corrections
from workbench.document.files import save

if TYPE_CHECKING:
    import argparse

    from workbench.cli.output import Output
    from workbench.document.experiment import Experiment

LEFT_OUT = "left out"


def correct(options: argparse.Namespace, output: Output) -> int:
    """Change the corrections of an experiment file, and list them."""
    from workbench.worker.preparation import describe

    experiment = open_experiment(options.file)
    changed = _changed(experiment, options)
    _, info = describe(changed.data, Catalog.load())
    _refuse_unknown(options, (*info.corrected.missing, *info.corrected.idle))
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
        if not sign or not key or not label:
            raise WrongUsage(f"“{text}” names no class.", "--relabel ID=CLASS")
        labels[key] = label
    labels |= dict.fromkeys(options.leave_out)
    unknown = set(options.take_back) - experiment.data.corrections.keys()
    if unknown:
        raise WrongUsage(f"“{min(unknown)}” is not corrected.", "`correct FILE` lists what is.")
    found = revert_corrections(experiment, options.take_back) if options.take_back else experiment
    return correct_samples(found, labels) if labels else found


def _refuse_unknown(options: argparse.Namespace, without_effect: tuple[str, ...]) -> None:
    """Refuse corrections that were asked for now and change nothing."""
    asked = {text.rpartition("=")[0] for text in options.relabel} | set(options.leave_out)
    wrong = sorted(asked & set(without_effect))
    if wrong:
        raise WrongUsage(
            f"The data have no sample “{wrong[0]}”, or no such class.",
            "`workbench evaluate RUN --mistakes 20` lists samples by these names.",
        )
