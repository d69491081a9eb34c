"""Applying a file of adapters to the open experiment: look at it, then take it, never blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import preferences
from workbench.document.edits import replace
from workbench.reading import AdaptersTaken, Reply, TakeAdapters
from workbench.session.asking import Asking

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.analysis.adapters_report import AdaptersReport
    from workbench.document.experiment import Experiment


class AdaptersLoading(Asking):
    """Asks what a file makes of the experiment, and edits it when told to."""

    report: AdaptersReport | None = None
    _base: Experiment | None = None
    _adapted: Experiment | None = None
    _path: Path | None = None

    def look(self, path: Path) -> None:
        """Find out what of a file fits; an earlier question is dropped."""
        self._path, self._base, self._adapted = path, self._document.experiment, None
        self.report = None
        self._ask(
            TakeAdapters(
                experiment=self._base,
                info=self._info,
                path=str(path),
                folder=str(preferences.weights_folder()),
            )
        )

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

    def _answered(self, reply: Reply) -> None:
        if isinstance(reply, AdaptersTaken):
            self._adapted, self.report = reply.experiment, reply.report
