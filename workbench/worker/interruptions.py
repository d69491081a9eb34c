"""Between two steps: other rates, checkpoints, pauses, stops, and looking inside."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.runs import events as ev

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.worker.control import Control
    from workbench.worker.eventlog import EventLog
    from workbench.worker.probes import Prober
    from workbench.worker.progress import Progress

INTERVAL = 0.1
"""Seconds between two looks at logs, commands, probes and the clock."""


class StoppedError(Exception):
    """A stop was asked for; everything is saved."""


class Stopwatch:
    """Counts seconds, but for those between `halt` and `go_on`."""

    def __init__(self) -> None:
        self.restart()

    def restart(self, seconds: float = 0.0) -> None:
        """Begin anew, as if so many seconds had passed."""
        self._since = time.perf_counter() - seconds
        self._halted: float | None = None

    def halt(self) -> None:
        """Stop counting."""
        self._halted = time.perf_counter()

    def go_on(self) -> None:
        """Count again."""
        if self._halted is not None:
            self._since += time.perf_counter() - self._halted
            self._halted = None

    @property
    def seconds(self) -> float:
        """Seconds counted so far."""
        now = time.perf_counter() if self._halted is None else self._halted
        return now - self._since


class Interruptions:
    """Obeys commands where a step has ended.

    Args:
        save: saves a checkpoint.
        clock: of the running epoch; halted during a pause.
    """

    def __init__(
        self,
        *,
        control: Control,
        prober: Prober,
        events: EventLog,
        progress: Progress,
        save: Callable[[], None],
        clock: Stopwatch,
    ) -> None:
        self._control = control
        self._prober = prober
        self._events = events
        self._progress = progress
        self._save = save
        self._clock = clock
        self._attended = 0.0

    def attend(self) -> None:
        """Do what was asked for; raises StoppedError after saving when that is to stop."""
        control = self._control
        control.poll()
        self._take_learning_rates()
        if control.save:
            self._save()
        if control.paused and not control.stop:
            self._pause()
        if control.stop:
            self._events.write(ev.Stopping, step=self._progress.step)
            self._save()
            raise StoppedError

    def attend_now_and_then(self) -> None:
        """Attend if that was not done for a while; for the gaps between evaluation batches."""
        now = time.perf_counter()
        if now - self._attended >= INTERVAL:
            self.attend()
            self._attended = time.perf_counter()

    def attend_without_saving(self) -> None:
        """Wait or stop; for when the model holds other weights than those in training."""
        control = self._control
        now = time.perf_counter()
        if now - self._attended < INTERVAL:
            return
        control.poll()
        if control.paused and not control.stop:
            self._wait(lambda: None)
        if control.stop:
            self._events.write(ev.Stopping, step=self._progress.step)
            raise StoppedError
        self._attended = time.perf_counter()

    def look_if_due(self, now: float) -> None:
        """Take a snapshot if something new can be shown and the budget allows it."""
        self._prober.watch(self._control.watch)
        if self._prober.due(now, self._progress.step):
            self.look()

    def look(self) -> None:
        """Take a snapshot; a sample that cannot be read costs the picture, not the training."""
        self._prober.watch(self._control.watch)
        self._look()

    def _look(self) -> None:
        try:
            self._prober.take(self._progress.step)
        except UserError as error:
            self._prober.give_up()
            self._events.write(ev.Noted, severity="warning", message=error.message, hint=error.hint)

    def look_finally(self) -> None:
        """Show what training ended with in every layer, whatever the budget says."""
        self._prober.watch(self._control.watch)
        if not self._prober.has_given_up:
            self._prober.widen()
            self._look()

    def _pause(self) -> None:
        self._save()
        self._wait(self._while_paused)

    def _wait(self, idle: Callable[[], None]) -> None:
        self._clock.halt()
        self._events.write(ev.Paused, step=self._progress.step)
        self._control.wait_while_paused(idle)
        self._clock.go_on()
        if not self._control.stop:
            self._events.write(ev.Continued, step=self._progress.step)

    def _while_paused(self) -> None:
        self.look_if_due(time.perf_counter())
        if self._control.learning_rates or self._control.save:
            self._take_learning_rates()
            self._save()

    def _take_learning_rates(self) -> None:
        rates, progress = self._control.learning_rates, self._progress
        if rates:
            progress.learning_rate = rates[-1]
            rates.clear()
            self._events.write(
                ev.LearningRateChanged, step=progress.step, learning_rate=progress.learning_rate
            )
