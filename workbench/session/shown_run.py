"""One run on screen: its events folded slice by slice, its worker watched, its files loaded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.runs import events, store
from workbench.runs.follow import Follower
from workbench.runs.loader import Loader
from workbench.runs.probes import read_snapshot
from workbench.runs.results import read_results
from workbench.runs.state import RunState
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.launcher import Launcher
    from workbench.runs.folder import RunFolder
    from workbench.runs.probes import Snapshot
    from workbench.runs.results import Results
    from workbench.runs.store import RunStatus

SLICE_SECONDS = 0.008
"""Longest time a tick spends on folding events; a long log is replayed over several ticks."""

START_SECONDS = 30.0
"""A worker takes the lock before it imports anything, so it is late after this."""

LAST_WORDS_SECONDS = 0.5
"""A worker that is gone may have said why; that must have time to be read."""


class ShownRun:
    """Follows one run until it is closed.

    Attributes:
        stop_asked: a stop was asked for, so that the next one means "at once".
        resume_when_free: what to do as soon as the present worker is gone.
    """

    def __init__(
        self, folder: RunFolder, launcher: Launcher, say: Callable[[Message], None]
    ) -> None:
        self.folder = folder
        self.state = RunState()
        self.stop_asked = False
        self.resume_when_free: Callable[[], None] | None = None
        self._launcher = launcher
        self._say = say
        self._follower = Follower(folder)
        self._snapshots: Loader[Snapshot] = Loader(self._read_snapshot)
        self._left: frozenset[str] | None = None
        self._results: Loader[Results] = Loader(read_results, capacity=3)
        self._submitted: float | None = None
        self._died: float | None = None
        self._opened = time.time()
        self._running = self._follower.is_running
        self._reported_error = False
        self._skipped = 0
        self.experiment = self._read_experiment()

    @property
    def is_running(self) -> bool:
        """Whether a worker holds the lock; told only when all it has said is folded."""
        return self._running

    @property
    def is_active(self) -> bool:
        """Whether a worker lives or is being started."""
        return self._submitted is not None or self.is_running

    @property
    def is_followed(self) -> bool:
        """Whether its events are still being read."""
        return self._follower.error is None

    @property
    def status(self) -> RunStatus:
        """Status from events and lock together."""
        if self._submitted is not None and self.state.updated < self._submitted:
            return "preparing"
        return store.run_status(self.state.status, self.is_active)

    def submit(self) -> None:
        """Start a worker for the folder as it stands; raises UserError."""
        backend = self.experiment.training.backend if self.experiment else ""
        self._launcher.submit(self.folder.path, backend)
        self._submitted = time.time()
        self._died = None
        self.stop_asked = False

    def cancel(self) -> None:
        """End the worker at once."""
        pid = self.state.pid if self.is_running else 0
        self._launcher.cancel(self.folder.path, pid)

    def snapshot(self, name: str) -> Snapshot | None:
        """Return a probe file's content, or None while it is being read."""
        return self._snapshots.get(self.folder.probes / name)

    def results(self, split: SplitName) -> Results | None:
        """Return the predictions of a split, or None while they are being read."""
        return self._results.get(self._results_path(split))

    def tick(self) -> bool:
        """Fold new events, take over files, look after the worker; whether anything changed."""
        running = self._follower.is_running  # before the events, which come before its end
        folded, drained = self._fold()
        arrived = self._snapshots.tick() | self._results.tick()
        if self._left is not None:
            self.state.forget_thinned(self._left)
            self._left = None
        self._report()
        changed = self._watch_worker(running) if drained else False
        return folded or arrived or changed

    def close(self) -> None:
        """Stop following; training goes on."""
        self._follower.close()
        self._snapshots.close()
        self._results.close()

    def _fold(self) -> tuple[bool, bool]:
        deadline = time.perf_counter() + SLICE_SECONDS
        folded = False
        while time.perf_counter() < deadline:
            chunk = self._follower.next_chunk()
            if not chunk:
                return folded, self._follower.has_caught_up
            folded = True
            for event in chunk:
                self.state.apply(event)
                self._notice(event)
        return folded, False

    def _notice(self, event: events.Event) -> None:
        """Pass on what a person should read, if it happened since the run is on screen."""
        if isinstance(event, events.Evaluated):
            self._results.refresh(self._results_path(event.split))
        if event.time < self._opened:
            return
        if isinstance(event, events.Failed):
            self._say(Message("error", event.message, event.hint))
        elif isinstance(event, events.Noted):
            self._say(Message(event.severity, event.message, event.hint))

    def _report(self) -> None:
        for error in (*self._snapshots.errors, *self._results.errors):
            self._say(Message("warning", error.message, error.hint))
        self._snapshots.errors.clear()
        self._results.errors.clear()
        if self._follower.error is not None and not self._reported_error:
            self._reported_error = True
            text = f"The run is not followed any more: {self._follower.error}."
            self._say(Message("error", text, "Training goes on. Open the run again."))
        if self._follower.skipped and not self._skipped and self._follower.has_caught_up:
            self._skipped = self._follower.skipped
            text = f"{self._skipped} lines of this run's log could not be read."
            self._say(Message("warning", text, "A newer version may have written them."))

    def _watch_worker(self, running: bool) -> bool:
        """Notice that the worker came or went; only called when all its events are folded."""
        if self._submitted is not None:
            self._watch_start(self._submitted, running)
        came_or_went = running != self._running
        if self._running and not running:
            self._gone()
        self._running = running
        if not running and self._submitted is None and self.resume_when_free is not None:
            self._resume(self.resume_when_free)
        return came_or_went

    def _resume(self, resume: Callable[[], None]) -> None:
        self.resume_when_free = None
        try:
            resume()
        except UserError as error:
            self._say(Message("error", error.message, error.hint))

    def _watch_start(self, submitted: float, running: bool) -> None:
        if running or (self.state.ended and self.state.updated >= submitted):
            self._submitted = None
        elif failure := self._launcher.failure(self.folder.path):
            self._died = self._died or time.monotonic()
            if time.monotonic() - self._died > LAST_WORDS_SECONDS:
                self._submitted = None
                self._say(self._early_end(failure))
        elif time.time() - submitted > START_SECONDS:
            self._submitted = None
            text = "The training process has not begun to work."
            self._say(Message("error", text, "Look into stderr.log of the run, or resume it."))

    def _early_end(self, failure: str) -> Message:
        if self.stop_asked:
            return Message("info", "Training was ended before it began.")
        return Message("error", failure, "The whole log is in stderr.log of the run.")

    def _gone(self) -> None:
        if self.state.ended:
            return
        text = self._launcher.failure(self.folder.path) or "The training process is gone."
        if self.stop_asked:
            text = "Training was ended at once."
        self._say(Message("warning", text, "Resume goes on from the last checkpoint."))

    def _read_snapshot(self, path: Path) -> Snapshot:
        """Read a snapshot, in the background; where it has been thinned out, see what is left."""
        try:
            return read_snapshot(path)
        except UserError:
            if not path.exists():
                self._left = frozenset(file.name for file in path.parent.glob("*.safetensors"))
            raise

    def _results_path(self, split: str) -> Path:
        return self.folder.results / f"{split}.safetensors"

    def _read_experiment(self) -> Experiment | None:
        try:
            return store.read_experiment(self.folder)
        except UserError as error:
            self._say(Message("warning", error.message, error.hint))
            return None
