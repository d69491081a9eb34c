"""Turns the logs of training steps into events and epoch means."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from workbench.runs import events as ev

if TYPE_CHECKING:
    from workbench.plugin_api.backend import Model
    from workbench.worker.eventlog import EventLog
    from workbench.worker.progress import Progress


class DivergedError(Exception):
    """The loss, or a weight, became NaN or infinite.

    Attributes:
        step: the first step (from 1) that is known to be bad.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"not finite at step {step}")
        self.step = step


class StepReporter:
    """Counts steps as they are done and reports them in columns a few times a second."""

    def __init__(self, model: Model, events: EventLog, progress: Progress) -> None:
        self._model = model
        self._events = events
        self._progress = progress
        self._reported = progress.step
        self._steps: deque[tuple[int, float]] = deque()
        self._samples = 0
        self._speed = 0.0

    def step_done(self, samples: int, learning_rate: float) -> None:
        """Note one step; costs next to nothing."""
        self._steps.append((samples, learning_rate))
        self._samples += samples

    def report(self, seconds: float, *, wait: bool) -> None:
        """Write what is known of the steps since the last report.

        Args:
            seconds: of training alone since then.
            wait: for the device to finish all steps.

        Raises:
            DivergedError: a loss is not finite; the steps before it are reported.
        """
        if self._samples and seconds > 0:
            self._speed = self._samples / seconds
        self._samples = 0
        logs = self._model.drain_logs(wait=wait)
        losses = logs.get("loss", [])
        bad = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
        self._write(logs, len(losses) if bad is None else bad)
        if bad is not None:
            raise DivergedError(self._reported + 1)

    def _write(self, logs: dict[str, list[float]], count: int) -> None:
        if not count:
            return
        done = [self._steps.popleft() for _ in range(count)]
        columns = {name: values[:count] for name, values in logs.items()}
        for name, values in columns.items():
            for (samples, _), value in zip(done, values, strict=True):
                self._progress.add(name, value, samples)
        self._progress.samples += sum(samples for samples, _ in done)
        columns["learning_rate"] = [rate for _, rate in done]
        self._events.write(
            ev.Steps, first=self._reported + 1, columns=columns, samples_per_second=self._speed
        )
        self._reported += count
