"""The learning-rate finder against a grid: real short trainings at twelve rates."""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

import resources
from benchmarks.rows import Row
from workbench.catalog import Catalog
from workbench.document.files import load
from workbench.runs import events as ev
from workbench.runs.control import create_run
from workbench.runs.log import LineTail
from workbench.worker.range_test import find_rate
from workbench.worker.train import train

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment

EPOCHS = {"digits-cnn": 6, "mnist-mlp": 4, "sentiment-cnn": 2}
"""Few enough that the whole grid takes minutes; all else is the example's own."""
GRID = tuple(10 ** (-5 + 5.5 * number / 11) for number in range(12))
"""From 1e-5 to 3, two to each power of ten."""
SEEDS = (0, 1)
"""One training is a matter of luck: neighbours on the grid often differ by less."""
FACTOR = 3.0
SLACK = 0.02
"""Rates that lose no more than this share of the grid's whole gain count as good as its best: the
lowest is flat, and which point of it is the very lowest changes with the seed."""


def run() -> list[Row]:
    """Compare each example's suggestion with the rate of the lowest validation loss."""
    catalog = Catalog.load()
    return [_row(name, epochs, catalog) for name, epochs in EPOCHS.items()]


def _row(name: str, epochs: int, catalog: Catalog) -> Row:
    experiment = load(resources.examples()[name])
    training = replace(experiment.training, epochs=epochs, threads=1, device="cpu")
    experiment = replace(experiment, training=training)
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        found = find_rate(
            experiment, catalog, Path(folder), tell=lambda words: None, show=lambda point: None
        )
        losses = {rate: _loss(experiment, rate, Path(folder), catalog) for rate in GRID}
        best = min(losses, key=lambda rate: losses[rate])
        suggested = found.rate or math.nan
        own = _loss(experiment, suggested, Path(folder), catalog) if found.rate else math.inf
    gain = losses[GRID[0]] - losses[best]
    good = [rate for rate in GRID if losses[rate] <= losses[best] + SLACK * gain]
    apart = min(max(suggested / rate, rate / suggested) for rate in good)
    return Row(
        f"learning-rate finder, {name}: suggestion against the best rates of a grid of 12",
        f"factor {apart:.1f}",
        f"≤ {FACTOR:g}",
        apart <= FACTOR,
        f"{epochs} epochs, {len(SEEDS)} seeds; suggested {suggested:g}: loss {own:.3f}; as good as "
        f"the best: {good[0]:.2g} to {good[-1]:.2g}; the very best {best:.2g}: {losses[best]:.3f}",
    )


def _loss(experiment: Experiment, rate: float, folder: Path, catalog: Catalog) -> float:
    """Return a run's lowest validation loss, the mean over the seeds; infinite if one diverged."""
    optimizer = replace(experiment.training.optimizer, learning_rate=rate)
    changed = replace(experiment, training=replace(experiment.training, optimizer=optimizer))
    lowest = []
    for seed in SEEDS:
        run_folder = create_run(replace(changed, seed=seed), folder)
        with contextlib.redirect_stderr(None):
            train(run_folder.path, catalog)
        events = [ev.decode(line) for line in LineTail(run_folder.events).read()]
        epochs = [event for event in events if isinstance(event, ev.EpochFinished)]
        lowest.append(min((event.metrics["val/loss"] for event in epochs), default=math.inf))
    return statistics.fmean(lowest)
