"""The training loop: the same for every backend, and exact across interruptions."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench.runs import events as ev
from workbench.worker.checkpoints import checkpoint_name
from workbench.worker.evaluation import evaluate
from workbench.worker.interruptions import INTERVAL, Interruptions, StoppedError, Stopwatch
from workbench.worker.judgement import judge, monitored, out_of_patience
from workbench.worker.reporter import DivergedError, StepReporter
from workbench.worker.saving import Saver
from workbench.worker.schedule import LearningRates
from workbench.worker.thawing import begin_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from workbench.plugin_api.backend import Batch, Model
    from workbench.plugin_api.data import SplitName
    from workbench.worker.assembly import Assembly
    from workbench.worker.checkpoints import Checkpoints
    from workbench.worker.control import Control
    from workbench.worker.evaluation import Evaluated
    from workbench.worker.eventlog import EventLog
    from workbench.worker.probes import Prober
    from workbench.worker.progress import Progress

Reason = Literal["completed", "stopped", "early_stopped"]


@dataclass(frozen=True)
class Tools:
    """What the loop works with."""

    assembly: Assembly
    model: Model
    events: EventLog
    checkpoints: Checkpoints
    control: Control
    prober: Prober


class TrainingLoop:
    """Trains from `progress` to its planned epochs; between steps it obeys and reports.

    Args:
        last_step: after which training is done, in the middle of an epoch too; 0: there is none.
    """

    def __init__(self, tools: Tools, progress: Progress, last_step: int = 0) -> None:
        self.progress = progress
        self._last_step = last_step
        self._tools = tools
        self._training = tools.assembly.experiment.training
        self._feed = tools.assembly.feed
        steps = steps_per_epoch(tools.assembly)
        self._rates = LearningRates(self._training, steps, progress.epochs)
        self._reporter = StepReporter(tools.model, tools.events, progress)
        self._clock = Stopwatch()
        self._saver = Saver(
            model=tools.model,
            checkpoints=tools.checkpoints,
            control=tools.control,
            events=tools.events,
            progress=progress,
            reporter=self._reporter,
            clock=self._clock,
        )
        self._interruptions = Interruptions(
            control=tools.control,
            prober=tools.prober,
            events=tools.events,
            progress=progress,
            save=self._saver.save,
            clock=self._clock,
        )

    def run(self) -> Reason:
        """Train until all epochs or steps are done, patience is at its end, or a stop is asked for.

        Raises:
            DivergedError: the loss or a weight is not finite; the last checkpoint is good.
            UserError: the data vanished, the disk is full.
            NodeError, OutOfMemoryError: from the model.
        """
        progress = self.progress
        try:
            self._interruptions.look()
            while progress.epoch < progress.epochs and not self._is_at_last_step:
                if out_of_patience(progress, self._training):
                    break
                self._clock.restart(progress.epoch_seconds)
                self._train_epoch()
                if progress.batch < self._feed.batches_per_epoch:
                    break
                self._finish_epoch()
                self._interruptions.attend()
            self._saver.save_if_new()
        except StoppedError:
            self._interruptions.look_finally()
            return "stopped"
        self._interruptions.look_finally()
        return "early_stopped" if out_of_patience(progress, self._training) else "completed"

    def test(self, step: int) -> Evaluated:
        """Evaluate the test split with whatever weights the model holds; saves no checkpoint.

        Raises:
            StoppedError: told to stop.
        """
        return self._evaluate("test", step, self._interruptions.attend_without_saving)

    @property
    def _is_at_last_step(self) -> bool:
        return 0 < self._last_step <= self.progress.step

    def _train_epoch(self) -> None:
        progress, reporter, rates = self.progress, self._reporter, self._rates
        if told := begin_epoch(self._tools.model, self._tools.assembly, progress):
            self._tools.events.write(ev.Noted, severity="info", message=told)
        train_step, clock = self._tools.model.train_step, time.perf_counter
        last_step = self._last_step
        since = clock()
        due = since + INTERVAL
        batches = self._feed.train_batches(progress.epoch, progress.batch)
        for group in grouped(batches, self._training.accumulate):
            rate = rates.rate(progress)
            train_step(group, rate)
            progress.step += 1
            progress.batch += len(group)
            reporter.step_done(sum(map(len, group)), rate)
            if progress.step == last_step:
                break
            now = clock()
            if now >= due:
                reporter.report(now - since, wait=False)
                self._between_steps(now)
                since = clock()
                due = since + INTERVAL
        reporter.report(clock() - since, wait=True)

    def _between_steps(self, now: float) -> None:
        if self.progress.batch >= self._feed.batches_per_epoch:
            return  # the end of the epoch attends to everything
        self._interruptions.attend()
        self._interruptions.look_if_due(now)
        if self._saver.seconds_since(now) >= self._training.checkpoint_seconds:
            self._saver.save()

    def _finish_epoch(self) -> None:
        tools, progress = self._tools, self.progress
        metrics = {f"train/{name}": value for name, value in progress.means().items()}
        if self._feed.counts.get("validation"):
            metrics |= self._validate()
        name, mode = tools.assembly.monitor
        value, loss = monitored(metrics, name), monitored(metrics, "loss")
        is_best = judge(progress, self._training, value, loss, mode)
        if is_best:
            progress.best_name = checkpoint_name(progress.step)
        seconds = self._clock.seconds
        progress.metrics = metrics
        progress.finish_epoch()
        self._clock.restart()
        for message in tools.model.warnings():
            tools.events.write(ev.Noted, severity="warning", message=message)
        tools.events.write(
            ev.EpochFinished,
            epoch=progress.epoch,
            step=progress.step,
            metrics=metrics,
            seconds=seconds,
            is_best=is_best,
        )
        made = tools.assembly.task.sample(
            tools.model.predict, tools.assembly.context, progress.epoch
        )
        if made:
            tools.events.write(ev.Noted, severity="info", message=made)
        self._saver.epoch_finished(is_best=is_best)

    def _validate(self) -> dict[str, float]:
        step = self.progress.step
        found = self._evaluate("validation", step, self._interruptions.attend_now_and_then)
        if not math.isfinite(found.evaluation.metrics["loss"]):
            raise DivergedError(step + 1)
        self._tools.events.write(
            ev.Evaluated, split="validation", step=step, evaluation=found.for_event()
        )
        return {f"val/{name}": value for name, value in found.evaluation.metrics.items()}

    def _evaluate(self, split: SplitName, step: int, between: Callable[[], None]) -> Evaluated:
        assembly = self._tools.assembly
        found = evaluate(assembly, self._tools.model, split, step, between)
        found.write(assembly.folder.results, split)
        return found


def grouped(batches: Iterable[Batch], size: int) -> Iterator[tuple[Batch, ...]]:
    """Yield `size` batches at a time; the last group may be smaller."""
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield tuple(group)
            group.clear()
    if group:
        yield tuple(group)


def steps_per_epoch(assembly: Assembly) -> int:
    """Return the optimizer steps of one epoch."""
    return -(-assembly.feed.batches_per_epoch // assembly.experiment.training.accumulate)
