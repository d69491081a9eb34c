"""The runs that are compared with the shown one: their events, their settings, their colours."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import msgspec
from psygnal import Signal

from workbench.document.files import load
from workbench.errors import UserError
from workbench.runs import events
from workbench.runs.log import LineTail
from workbench.runs.state import RunState

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment
    from workbench.runs.folder import RunFolder
    from workbench.session.run import RunSession

SECONDS_BETWEEN_LOOKS = 1.0


@dataclass
class ComparedRun:
    """One run beside the shown one.

    Attributes:
        experiment: what it trained; None if that cannot be read.
        state: its events folded; grows while it trains.
    """

    folder: RunFolder
    experiment: Experiment | None = None
    state: RunState = field(default_factory=RunState)


class Comparison:
    """Holds the checked runs and gives every run on screen a colour of its own.

    Signals:
        changed(): other runs are checked, or something of them has arrived.
        failed(UserError): a run could not be read; it is unchecked again.
    """

    changed = Signal()
    failed = Signal(UserError)

    def __init__(self, run: RunSession) -> None:
        self._run = run
        self._checked: dict[str, RunFolder] = {}
        self._slots: dict[str, int] = {}
        self._arrived: SimpleQueue[tuple[_Reader, object]] = SimpleQueue()
        self._readers: dict[str, _Reader] = {}
        self.runs: dict[str, ComparedRun] = {}
        run.opened.connect(self._on_opened)

    @property
    def checked(self) -> tuple[str, ...]:
        """Names of the checked runs, in the order of checking."""
        return tuple(self._checked)

    def check(self, folder: RunFolder, on: bool) -> None:
        """Compare a run, or no longer; its events are read in the background."""
        if on == (folder.name in self._checked):
            return
        if on:
            self._checked[folder.name] = folder
            self._readers[folder.name] = _Reader(folder, self._arrived)
        else:
            del self._checked[folder.name]
            self._readers.pop(folder.name).stop()
            self.runs.pop(folder.name, None)
        self._assign_slots()
        self.changed.emit()

    def slot(self, name: str) -> int | None:
        """Return the number of a run's colour while it is on screen."""
        return self._slots.get(name)

    def tick(self) -> None:
        """Take over what was read."""
        took = False
        while True:
            try:
                reader, item = self._arrived.get_nowait()
            except Empty:
                break
            took |= self._take(reader, item)
        if took:
            self.changed.emit()

    def close(self) -> None:
        """Stop reading."""
        for reader in self._readers.values():
            reader.stop()
        self._readers.clear()

    def _take(self, reader: _Reader, item: object) -> bool:
        name = reader.folder.name
        if self._readers.get(name) is not reader:
            return False
        if isinstance(item, UserError):
            self.check(reader.folder, False)
            self.failed.emit(item)
        elif isinstance(item, ComparedRun):
            self.runs[name] = item
        elif isinstance(item, list):
            for event in item:
                self.runs[name].state.apply(event)
        return True

    def _on_opened(self) -> None:
        self._assign_slots()
        self.changed.emit()

    def _assign_slots(self) -> None:
        shown = self._run.folder.name if self._run.folder else ""
        names = [name for name in (shown, *self._checked) if name]
        kept = {name: slot for name, slot in self._slots.items() if name in names}
        for name in names:
            if name not in kept:
                taken = set(kept.values())
                kept[name] = next(slot for slot in range(len(names)) if slot not in taken)
        self._slots = kept


class _Reader:
    """Replays a run's events on a thread of its own, then follows them until the run ends."""

    def __init__(
        self, folder: RunFolder, arrived: SimpleQueue[tuple[_Reader, object]]
    ) -> None:
        self.folder = folder
        self._arrived = arrived
        self._stopped = threading.Event()
        threading.Thread(target=self._read, name=f"compare {folder.name}", daemon=True).start()

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()

    def _read(self) -> None:
        try:
            self._follow()
        except (OSError, msgspec.DecodeError) as error:
            problem = UserError(
                f"The run {self.folder.name} cannot be compared: {error}.",
                "Its folder may have been deleted or damaged.",
            )
            self._arrived.put((self, problem))

    def _follow(self) -> None:
        tail = LineTail(self.folder.events)
        run = ComparedRun(self.folder, _experiment(self.folder))
        while lines := tail.read():
            for line in lines:
                run.state.apply(events.decode(line))
        ended = run.state.ended
        self._arrived.put((self, run))  # from here on the state belongs to the other thread
        while not ended and not self._stopped.wait(SECONDS_BETWEEN_LOOKS):
            fresh = [events.decode(line) for line in tail.read()]
            if fresh:
                self._arrived.put((self, fresh))
                ended = isinstance(fresh[-1], events.Finished | events.Failed)


def _experiment(folder: RunFolder) -> Experiment | None:
    try:
        return load(folder.experiment)
    except UserError:
        return None
