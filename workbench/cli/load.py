"""`load`: an experiment gets weights of a file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.weights import shape_words
from workbench.catalog import Catalog
from workbench.cli.design import check_whole, examine, open_experiment, start_of, target_of
from workbench.document.edits import replace
from workbench.document.files import save

if TYPE_CHECKING:
    import argparse

    from workbench.analysis.weights_report import WeightsReport
    from workbench.cli.output import Output

SHOWN = 10
"""So many weights that do not match are named; --json has them all."""


def load(options: argparse.Namespace, output: Output) -> int:
    """Match a weights file with an experiment's network, and let training start from it."""
    from workbench.worker.weights.loading import load_weights

    catalog = Catalog.load()
    target = target_of(options)
    experiment = open_experiment(options.file)
    network = examine(experiment, catalog).network
    check_whole(network, experiment)
    beside = start_of(target)
    report, start = load_weights(
        Path(options.weights), network, catalog, beside, options.by, partial=options.partial
    )
    written = save(replace(experiment, start=start), target)
    if not output.as_json:
        _say(report, output)
    output.say(f"{written} starts from {start.name}. Train it with: workbench train {written}")
    output.result(
        {"file": str(written), "start": start, "report": report, "complete": report.is_complete}
    )
    return 0


def _say(report: WeightsReport, output: Output) -> None:
    total = len(report.matched) + len(report.unmatched)
    output.say(f"{report.kind}: {len(report.matched)} of {total} weights match.")
    changed = [item for item in report.matched if item.stored_shape != item.shape]
    if changed:
        output.say(f"{len(changed)} of them were laid out anew, as {changed[0].layout} has them.")
    for item in report.unmatched[:SHOWN]:
        output.note(f"not loaded: {item.ours} ({shape_words(item.shape)}): {item.reason}")
    if len(report.unmatched) > SHOWN:
        output.note(f"not loaded: {len(report.unmatched) - SHOWN} more")
    if report.unused:
        more = f" and {len(report.unused) - SHOWN} more" if len(report.unused) > SHOWN else ""
        output.note(f"not used of the file: {', '.join(report.unused[:SHOWN])}{more}")
    for warning in report.warnings:
        output.note(f"warning: {warning}")
