"""Applying a file of adapters to the open experiment: look at it, then take it, never blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench import preferences
from workbench.document.edits import replace
from workbench.errors import UserError
from workbench.reading import AdaptersTaken, Refused, Reply, TakeAdapters
from workbench.session.reader import COMMAND, Reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.analysis.adapters_report import AdaptersReport
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import DataInfo
    from workbench.session.document import DocumentSession


class AdaptersLoading:
    """Asks a process of its own what a file makes of the experiment, and edits it when told to.

    Signals:
        changed(): read `is_busy`, `report` and `error`.
    """

    changed = Signal()

    def __init__(
        self,
        document: DocumentSession,
        info: DataInfo | None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._document = document
        self._info = info
        self._reader = Reader(command)
        self._asked = 0
        self._base: Experiment | None = None
        self._adapted: Experiment | None = None
        self._path: Path | None = None
        self.report: AdaptersReport | None = None
        self.error: UserError | None = None
        self.is_busy = False

    def look(self, path: Path) -> None:
        """Find out what of a file fits; an earlier question is dropped."""
        if self.is_busy:
            self._reader.close()  # nobody wants the answer, and it may take its time
        self._path, self._base, self._adapted = path, self._document.experiment, None
        self.report = self.error = None
        self._asked = self._reader.ask(
            TakeAdapters(
                experiment=self._base,
                info=self._info,
                path=str(path),
                folder=str(preferences.weights_folder()),
            )
        )
        self.is_busy = True
        self.changed.emit()

    def apply(self) -> bool:
        """Give the experiment what was looked at, as one step of undo; looks again if it changed.

        Returns:
            Whether it was done.
        """
        found, path = self._adapted, self._path
        if found is None or path is None:
            return False
        if self._base is not self._document.experiment:
            self.look(path)
            return False
        self._document.edit(
            lambda experiment: replace(experiment, graph=found.graph, start=found.start),
            f"Apply adapters of {path.name}",
        )
        return True

    def tick(self) -> None:
        """Take over what has been answered."""
        for reply in self._reader.replies():
            if reply.id == self._asked:
                self._take(reply)

    def close(self) -> None:
        """End the process; what was asked is not answered any more."""
        self.is_busy = False
        self._reader.close()

    def _take(self, reply: Reply) -> None:
        self.is_busy = False
        if isinstance(reply, AdaptersTaken):
            self._adapted, self.report = reply.experiment, reply.report
        elif isinstance(reply, Refused):
            self.error = UserError(reply.message, reply.hint)
        self.changed.emit()
