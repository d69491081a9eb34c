"""The learning-rate finder against grids: real short trainings at twelve rates."""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

import resources
from benchmarks import fine_tuning, photographs
from benchmarks.rows import Row
from workbench.catalog import Catalog
from workbench.document.files import load
from workbench.document.training import SGD, Constant
from workbench.runs import events as ev
from workbench.runs.control import create_run
from workbench.runs.log import LineTail
from workbench.worker.range_test import find_rate
from workbench.worker.train import train

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment
    from workbench.document.training import Optimizer

MOMENTUM, PLAIN = SGD(momentum=0.9), SGD(momentum=0.0)
FINE_TUNED = "EfficientNet-Lite0's head"


@dataclass(frozen=True)
class Case:
    """An example with fewer epochs; all else is its own, or plain descent at a constant rate.

    Attributes:
        new: whether the rule was chosen without having seen it.
    """

    name: str
    epochs: int
    optimizer: Optimizer | None = None
    new: bool = False

    @property
    def title(self) -> str:
        """The example and, where it is not its own, the optimizer."""
        momentum = {MOMENTUM: " by SGD with momentum", PLAIN: " by plain SGD"}
        return self.name + (momentum[self.optimizer] if self.optimizer else "")


CASES = (
    Case("digits-cnn", 6),
    Case("mnist-mlp", 4),
    Case("sentiment-cnn", 2),
    Case("digits-cnn", 6, PLAIN),
    Case("sunspots-lstm", 15),
    Case("vowels-lstm", 8, MOMENTUM),
    Case("yeast-mlp", 8),
    Case("motions-gru", 30),
    Case("mnist-mlp", 4, MOMENTUM),
    Case("diabetes-mlp", 20, MOMENTUM),
    Case(FINE_TUNED, 30),
    Case("solubility-cnn", 3),
    Case("diabetes-mlp", 20, new=True),
    Case("gunpoint-fcn", 20, new=True),
    Case("gunpoint-fcn", 20, MOMENTUM, new=True),
    Case("elnino-gru", 10, new=True),
    Case("mnist-cnn", 2, new=True),
    Case("sentiment-transformer", 1, new=True),
)
"""Where losses have two valleys over the rates, as those of mnist-cnn after two epochs, trials walk
into the one nearer to where the test points. All six trials upwards would find the other, in twice
the time, but are led astray where few samples validate (motions-gru has eight)."""
GRID = tuple(10 ** (-5 + 5.5 * number / 11) for number in range(12))
"""From 1e-5 to 3, two to each power of ten."""
SEEDS = (0, 1)
"""One training is a matter of luck: neighbours on the grid often differ by less."""
FACTOR = 3.0
SLACK = 0.02
"""Rates that lose no more than this share of the grid's whole gain count as good as its best: the
lowest is flat, and which point of it is the very lowest changes with the seed."""


def run() -> list[Row]:
    """Compare each suggestion with the rates of the lowest validation losses."""
    catalog = Catalog.load()
    return [row_of(case, catalog) for case in CASES]


def row_of(case: Case, catalog: Catalog) -> Row:
    """Find a rate, train at it and over the grid, and say how far it is from the best."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        experiment = _experiment(case, folder)
        found = find_rate(
            experiment, catalog, folder, tell=lambda words: None, show=lambda point: None
        )
        losses = {rate: _loss(experiment, rate, folder, catalog) for rate in GRID}
        suggested = found.rate or math.nan
        own = _loss(experiment, suggested, folder, catalog) if found.rate else math.inf
    return compared(case, suggested, own, losses)


def compared(case: Case, suggested: float, own: float, losses: dict[float, float]) -> Row:
    """Say how far a suggestion, with which a training ends at `own`, is from the grid's best."""
    best = min(losses, key=lambda rate: losses[rate])
    gain = losses[min(losses)] - losses[best]
    good = [rate for rate in losses if losses[rate] <= losses[best] + SLACK * gain]
    apart = min(max(suggested / rate, rate / suggested) for rate in good)
    strict = max(suggested / best, best / suggested)
    epochs = f"{case.epochs} epoch{'s' if case.epochs > 1 else ''}"
    seen = " (not seen when the rule was chosen)" if case.new else ""
    return Row(
        f"learning-rate finder, {case.title}: suggestion against the best rates of a grid of 12",
        f"factor {apart:.1f}, of the very best {strict:.1f}",
        f"≤ {FACTOR:g}",
        apart <= FACTOR,
        f"{epochs}, {len(SEEDS)} seeds{seen}; suggested {suggested:g}: loss {own:.3f}; "
        f"as good as the best: {good[0]:.2g} to {good[-1]:.2g}; the very best {best:.2g}: "
        f"{losses[best]:.3f}; lost {100 * (own - losses[best]) / gain:.1f} % of what there is to "
        "gain",
    )


def _experiment(case: Case, folder: Path) -> Experiment:
    if case.name == FINE_TUNED:
        data = photographs.nature(folder / "data", 0, fine_tuning.LEARNED, fine_tuning.FEW)
        (data / "test").rename(data / "val")
        experiment = fine_tuning.imported(data, folder)
    else:
        experiment = load(resources.examples()[case.name])
    training = replace(experiment.training, epochs=case.epochs, threads=1, device="cpu")
    if case.optimizer is not None:
        training = replace(training, optimizer=case.optimizer, schedule=Constant())
    return replace(experiment, training=training)


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
