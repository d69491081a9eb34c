"""Decides when checkpoints are written, and never writes one that is not finite."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.runs import events as ev
from workbench.worker.checkpoints import checkpoint_name
from workbench.worker.progress import Progress
from workbench.worker.reporter import DivergedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Model, ModelState
    from workbench.worker.checkpoints import Checkpoints
    from workbench.worker.control import Control
    from workbench.worker.eventlog import EventLog
    from workbench.worker.interruptions import Stopwatch
    from workbench.worker.reporter import StepReporter

SHORTEST_INTERVAL = 1.0
"""Seconds between two checkpoints at the ends of epochs; many a small network's epoch takes less
time than a checkpoint."""


@dataclass(frozen=True)
class _Best:
    """The best epoch, waiting in memory for the next checkpoint to be written."""

    weights: dict[str, NDArray[np.float32]]
    state: ModelState
    progress: Progress


class Saver:
    """Saves the present, and with it the best if that is not on the disk yet.

    Args:
        clock: of the running epoch.
    """

    def __init__(
        self,
        *,
        model: Model,
        checkpoints: Checkpoints,
        control: Control,
        events: EventLog,
        progress: Progress,
        reporter: StepReporter,
        clock: Stopwatch,
    ) -> None:
        self._model = model
        self._checkpoints = checkpoints
        self._control = control
        self._events = events
        self._progress = progress
        self._reporter = reporter
        self._clock = clock
        self._saved_at = time.perf_counter()
        self._saved = (-1, -1)
        self._best: _Best | None = None

    def seconds_since(self, now: float) -> float:
        """Seconds since the last checkpoint."""
        return now - self._saved_at

    def epoch_finished(self, *, is_best: bool) -> None:
        """Save, unless that was done a moment ago; the best epoch is at least remembered.

        Raises:
            DivergedError: there are weights that are not finite.
            UserError: the disk is full.
        """
        due = self.seconds_since(time.perf_counter()) >= SHORTEST_INTERVAL
        if is_best:
            weights, state = self._taken()
            self._best = _Best(weights, state, _copied(self._progress))
        if due:
            self.save()

    def save(self) -> None:
        """Save a checkpoint; raises like `epoch_finished`."""
        self._reporter.report(0.0, wait=True)
        weights, state = self._taken()
        best, self._best = self._best, None
        if best is not None and best.progress.step < self._progress.step:
            self._checkpoints.save(best.weights, best.state, best.progress)
        self._checkpoints.save(weights, state, self._progress)
        self._saved_at = time.perf_counter()
        self._saved = (self._progress.step, self._progress.epoch)
        self._control.save = False
        step = self._progress.step
        name = checkpoint_name(step)
        self._events.write(ev.CheckpointSaved, step=step, name=name, kind="last")
        if best is not None:
            at = best.progress.step
            self._events.write(ev.CheckpointSaved, step=at, name=checkpoint_name(at), kind="best")

    def save_if_new(self) -> None:
        """Save unless the present is on the disk already; raises like `epoch_finished`."""
        if self._saved != (self._progress.step, self._progress.epoch):
            self.save()

    def _taken(self) -> tuple[dict[str, NDArray[np.float32]], ModelState]:
        progress = self._progress
        weights, state = self._model.weights(), self._model.state()
        if not _finite(weights):
            raise DivergedError(progress.step + 1)
        progress.commands_read, progress.commands_sum = self._control.mark()
        progress.epoch_seconds = self._clock.seconds
        return weights, state


def _finite(weights: Mapping[str, NDArray[np.float32]]) -> bool:
    return all(bool(np.isfinite(value).all()) for value in weights.values())


def _copied(progress: Progress) -> Progress:
    return msgspec.json.decode(msgspec.json.encode(progress), type=Progress)
