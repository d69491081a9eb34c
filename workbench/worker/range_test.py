"""Finding a learning rate: a range test (Smith, 2017), then short trainings at a few rates.

In the test the rate rises at every step. Each short training begins anew and has the experiment's
schedule compressed into its steps: without its fall at the end a short training favours rates that
are too small (Wu et al., 2018, on the short-horizon bias).
"""

from __future__ import annotations

import itertools
import math
import statistics
from typing import TYPE_CHECKING, Any

from workbench.analysis.learning_rate import (
    HIGHEST,
    LOWEST,
    STEPS,
    RatePoint,
    Suggestion,
    between,
    for_longer,
    has_diverged,
    next_trial,
    suggest,
    tried,
)
from workbench.document.training import Constant
from workbench.runs.control import create_run
from workbench.runs.events import Preparing
from workbench.worker.assembly import assemble
from workbench.worker.evaluation import evaluate
from workbench.worker.importing import import_framework
from workbench.worker.loop import grouped, steps_per_epoch
from workbench.worker.parting import with_kept_features
from workbench.worker.start import first_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.document.training import Training
    from workbench.plugin_api.backend import Model
    from workbench.worker.assembly import Assembly

DIFFERENT = 8
"""Steps whose batches differ."""
TRIAL = 100
"""Steps of a short training, or all of a training that has fewer."""
TAIL = 0.2
"""Share of a short training's steps whose losses count within the first pass over the data."""


def find_rate(
    experiment: Experiment,
    catalog: Catalog,
    folder: Path,
    tell: Callable[[str], None],
    show: Callable[[RatePoint], None],
    *,
    trials: bool = True,
) -> Suggestion:
    """Test an experiment as a run would begin, and suggest its learning rate.

    Args:
        folder: where a copy of the experiment and its module go; it may be removed afterwards.
        tell: called with what is being done, in words.
        show: called with every step of the test.
        trials: go on with short trainings; without, the test alone decides, in a fifth of the time.

    Raises:
        UserError: the data cannot be used, the design has an error, the device is not there.
        NodeError, OutOfMemoryError: from the model.
    """
    tell("Reading the experiment and its data")
    assembly = assemble(create_run(experiment, folder), catalog)
    try:
        tell(f"Starting {assembly.backend.title}")
        import_framework(assembly.backend)
        model = assembly.build()
        weights, _ = first_weights(assembly.network, assembly.experiment, assembly.folder)
        model.load_weights(weights)
        model = with_kept_features(assembly, model, _Unasked(), _Words(tell))
        first = model.weights(), model.state().without_weights()
        tell("Raising the learning rate step by step")
        tested: list[RatePoint] = []
        for point in range_test(assembly, model):
            tested.append(point)
            show(point)
            if has_diverged(tested):
                break
        found = suggest(tested)
        total = steps_per_epoch(assembly) * assembly.experiment.training.epochs
        steps = min(TRIAL, total)
        while trials and (rate := next_trial(found)) is not None:
            tell(f"Training {steps} steps at {rate:g}")
            model.load_weights(first[0])
            model.load_state(first[1])
            loss = short_training(assembly, model, rate, steps, tested[0].loss)
            found = tried(found, RatePoint(rate, loss), steps)
        if found.trials:
            found = between(found, tested[0].loss)
        if isinstance(assembly.experiment.training.schedule, Constant):
            found = for_longer(found, steps, total)
    finally:
        assembly.feed.close()
    return found


def short_training(
    assembly: Assembly, model: Model, rate: float, steps: int, before: float
) -> float:
    """Train some steps and return what they came to; infinite where that is nothing.

    Within the first pass over the data every batch is new when its loss is computed, so the mean
    of the last losses tells how samples fare that nothing was learned from (Blum et al., 1999, on
    progressive validation). Later on, losses tell of samples seen before, which large rates learn
    by heart: there it is the lowest validation loss after any pass, as a run is judged by it.

    All trainings see the same batches, so that what differs is the rate alone.

    Args:
        before: the loss before any training; to end above it is to come to nothing.
    """
    training, once = assembly.experiment.training, steps_per_epoch(assembly)
    scales = _compressed(training, steps, once * training.epochs)
    repeats = steps > once and assembly.feed.counts.get("validation", 0) > 0
    losses: list[float] = []
    held_out: list[float] = []
    batches = itertools.chain.from_iterable(map(assembly.feed.train_batches, itertools.count()))
    groups = grouped(batches, training.accumulate)
    for step, (group, scale) in enumerate(zip(groups, scales, strict=False), 1):
        model.train_step(group, rate * scale)
        losses += model.drain_logs(wait=True)["loss"]
        if not math.isfinite(losses[-1]):
            return math.inf
        if repeats and (step % once == 0 or step == steps):
            seen = evaluate(assembly, model, "validation", step).evaluation.metrics["loss"]
            held_out.append(seen if seen <= before else math.inf)
    if repeats:
        return min(held_out)
    return statistics.fmean(losses[-max(round(TAIL * steps), 1) :])


def _compressed(training: Training, steps: int, total: int) -> Iterator[float]:
    """Yield the factors on the rate that a whole training has, within fewer steps."""
    warm_up = training.warmup_steps * steps / total
    for step in range(steps):
        scale = training.schedule.scale(step, steps, max(steps // training.epochs, 1))
        yield scale * min((step + 1) / max(warm_up, 1.0), 1.0)


class _Unasked:
    """Nobody stops a test from outside: its process is ended."""

    stop = False

    def poll(self) -> None:
        """Read no commands."""


class _Words:
    """Tells what a run would write into its log."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def write(self, kind: type[Any], /, **fields: Any) -> None:
        """Pass on what is being prepared."""
        if kind is Preparing:
            self._tell(fields["message"])


def range_test(assembly: Assembly, model: Model, steps: int = STEPS) -> Iterator[RatePoint]:
    """Yield one step after the other until the loss is not finite or all steps are done.

    The steps are those that training would do first, accumulated as the settings say; after
    `DIFFERENT` of them the same batches come again. On new batches at every step the loss of a
    hard task hardly falls within so few steps, and differs more from batch to batch than from rate
    to rate. For the same reason each batch is compared with itself: a loss is told as the mean of
    all batches' first losses, plus what it differs from its own batch's first. The model is trained
    by it, and of no use afterwards.
    """
    accumulate = assembly.experiment.training.accumulate
    batches = list(itertools.islice(assembly.feed.train_batches(0), DIFFERENT * accumulate))
    groups = list(grouped(batches, accumulate))
    first: list[RatePoint] = []
    for step, group in enumerate(itertools.islice(itertools.cycle(groups), steps)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(steps - 1, 1))
        model.train_step(group, rate)
        loss = model.drain_logs(wait=True)["loss"][-1]
        if not math.isfinite(loss):
            if step < len(groups):
                yield from first
            return
        if step < len(groups):
            first.append(RatePoint(rate, loss))
            if len(first) == len(groups):
                usual = statistics.fmean(point.loss for point in first)
                yield from (RatePoint(point.rate, usual) for point in first)
        else:
            yield RatePoint(rate, usual + loss - first[step % len(groups)].loss)
