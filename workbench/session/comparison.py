"""The runs that are compared with the shown one: their events, their settings, their colours."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.errors import UserError
from workbench.runs import store
from workbench.runs.follow import Follower
from workbench.runs.state import RunState

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment
    from workbench.runs.folder import RunFolder
    from workbench.session.run import RunSession

TICK_SECONDS = 0.004
"""Time a tick may take for folding events in; a long run arrives in several ticks."""


@dataclass
class ComparedRun:
    """One run beside the shown one.

    Attributes:
        experiment: what it trained; None if that cannot be read.
        state: its events folded; grows while it trains.
    """

    folder: RunFolder
    experiment: Experiment | None
    follower: Follower
    state: RunState = field(default_factory=RunState)


class Comparison:
    """Holds the checked runs and gives every run on screen a colour of its own.

    Signals:
        changed(): other runs are checked, or something of them has arrived.
        failed(UserError): a run could not be read; it is checked no more.
    """

    changed = Signal()
    failed = Signal(UserError)

    def __init__(self, run: RunSession) -> None:
        self._run = run
        self._slots: dict[str, int] = {}
        self.runs: dict[str, ComparedRun] = {}
        run.opened.connect(self._on_opened)

    def check(self, folder: RunFolder, on: bool) -> None:
        """Compare a run, or no longer; its events are read in the background."""
        if on == (folder.name in self.runs):
            return
        if on:
            self.runs[folder.name] = ComparedRun(folder, _experiment(folder), Follower(folder))
        else:
            self.runs.pop(folder.name).follower.close()
        self._assign_slots()
        self.changed.emit()

    def slot(self, name: str) -> int | None:
        """Return the number of a run's colour while it is on screen."""
        return self._slots.get(name)

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the runs on screen, by the runs' names, as the list of runs has them."""
        listed = {run.folder.name: run.title for run in self._run.runs}
        experiments = self.experiments
        return {
            name: listed.get(name) or (experiments[name].name if name in experiments else name)
            for name in self._slots
        }

    @property
    def experiments(self) -> dict[str, Experiment]:
        """What the runs on screen train, by the runs' names, the shown one first."""
        known: dict[str, Experiment] = {}
        if self._run.folder is not None and self._run.experiment is not None:
            known[self._run.folder.name] = self._run.experiment
        return known | {name: run.experiment for name, run in self.runs.items() if run.experiment}

    def tick(self) -> None:
        """Fold in what was read, for a few milliseconds at most."""
        until = time.perf_counter() + TICK_SECONDS
        took = [self._fold(run, until) for run in list(self.runs.values())]
        if any(took):
            self.changed.emit()

    def close(self) -> None:
        """Stop reading."""
        for run in self.runs.values():
            run.follower.close()

    def _fold(self, run: ComparedRun, until: float) -> bool:
        took = False
        while time.perf_counter() < until and (chunk := run.follower.next_chunk()):
            took = True
            for event in chunk:
                run.state.apply(event)
        if run.follower.error is not None:
            self.check(run.folder, False)
            self.failed.emit(
                UserError(
                    f"The run {run.folder.name} cannot be compared: {run.follower.error}.",
                    "Its folder may have been deleted or damaged.",
                )
            )
        return took

    def _on_opened(self) -> None:
        self._assign_slots()
        self.changed.emit()

    def _assign_slots(self) -> None:
        shown = self._run.folder.name if self._run.folder else ""
        names = [name for name in dict.fromkeys((shown, *self.runs)) if name]
        kept = {name: slot for name, slot in self._slots.items() if name in names}
        for name in names:
            if name not in kept:
                taken = set(kept.values())
                kept[name] = next(slot for slot in range(len(names)) if slot not in taken)
        self._slots = kept


def _experiment(folder: RunFolder) -> Experiment | None:
    try:
        return store.read_experiment(folder)
    except UserError:
        return None
