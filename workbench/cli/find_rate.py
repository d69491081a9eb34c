"""`find-lr`: the learning-rate range test."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.analysis.learning_rate import smoothed
from workbench.catalog import Catalog
from workbench.cli.design import examine, open_experiment, problems_of, say_problems
from workbench.cli.parser import WrongUsage
from workbench.cli.settings import apply
from workbench.cli.text_plot import rate_plot
from workbench.document.edits import set_training
from workbench.document.files import save, with_suffix
from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError, OutOfMemoryError

if TYPE_CHECKING:
    import argparse

    from workbench.analysis.learning_rate import RatePoint, Suggestion
    from workbench.cli.output import Output
    from workbench.document.experiment import Experiment


def find_rate(options: argparse.Namespace, output: Output) -> int:
    """Raise the learning rate step by step, draw the loss, and suggest a rate."""
    catalog = Catalog.load()
    experiment = apply(open_experiment(options.file), options.set)
    wanted = {name: getattr(options, name) for name in ("device", "backend")}
    experiment = set_training(experiment, **{k: v for k, v in wanted.items() if v is not None})
    if experiment.training.backend not in catalog.backends:
        known = ", ".join(backend.id for backend in catalog.backends)
        raise WrongUsage(
            f"There is no backend called “{experiment.training.backend}” here.",
            f"There are: {known}.",
        )
    report = examine(experiment, catalog)
    say_problems(report, output)
    if report.errors:
        first = report.errors[0]
        output.result({"error": first.message, "hint": first.hint, "problems": problems_of(report)})
        return 1
    tested, found = _tested(experiment, catalog, output, trials=not options.quick)
    _say(tested, found, output)
    written = _written(options, experiment, found, output)
    output.result({"tested": tested, **_plain(found), "file": written})
    return 0


def _tested(
    experiment: Experiment, catalog: Catalog, output: Output, *, trials: bool
) -> tuple[list[RatePoint], Suggestion]:
    from workbench.worker.failures import failure
    from workbench.worker.range_test import find_rate as test

    tested: list[RatePoint] = []
    with tempfile.TemporaryDirectory(prefix="workbench-rates-", ignore_cleanup_errors=True) as name:
        try:
            found = test(
                experiment,
                catalog,
                Path(name),
                tell=lambda words: output.note(f"{words} …"),
                show=tested.append,
                trials=trials,
            )
        except (NodeError, OutOfMemoryError, MemoryError) as error:
            said = failure(error)
            raise UserError(said["message"], said["hint"]) from error
    return tested, found


def _say(tested: list[RatePoint], found: Suggestion, output: Output) -> None:
    if output.as_json:
        return
    if len(tested) > 1:
        curve = smoothed([point.loss for point in tested]).tolist()
        for line in rate_plot([point.rate for point in tested], curve, found.rate):
            output.say(line)
    for trial in found.trials:
        output.say(f"trained with {trial.rate:<8g} loss {trial.loss:.4g}")
    if found.rate is not None:
        output.say(f"Suggested learning rate: {found.rate:g}")
    output.say(found.words)


def _written(
    options: argparse.Namespace, experiment: Experiment, found: Suggestion, output: Output
) -> str | None:
    """Write the experiment with the rate, if that is asked for, and return where."""
    if options.output is None:
        return None
    if found.rate is None:
        raise UserError("Nothing was written, for no rate can be suggested.", found.words)
    optimizer = replace(experiment.training.optimizer, learning_rate=found.rate)
    target = save(set_training(experiment, optimizer=optimizer), with_suffix(options.output))
    output.say(f"{target} written. Train it with: workbench train {target}")
    return str(target)


def _plain(found: Suggestion) -> dict[str, object]:
    trials = [[trial.rate, trial.loss] for trial in found.trials if math.isfinite(trial.loss)]
    return {
        "learning_rate": found.rate,
        "lowest_at": found.lowest_at,
        "trials": trials,
        "words": found.words,
    }
