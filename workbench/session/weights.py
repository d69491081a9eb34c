"""Loading weights into the open experiment: look at a file, then take it, never blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench import preferences
from workbench.document.edits import replace
from workbench.reading import MatchWeights, Reply, TakeWeights, WeightsMatched, WeightsTaken
from workbench.runs.start import Fit, find, fit, shapes_in
from workbench.session.asking import Asking

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.analysis.weights import By
    from workbench.analysis.weights_report import WeightsReport
    from workbench.document.experiment import StartingWeights
    from workbench.session.document import DocumentSession


class WeightsLoading(Asking):
    """Looks at a file of weights, and takes it when told to.

    Signals:
        loaded(): the experiment starts from the file now.
    """

    loaded = Signal()
    path: Path | None = None
    by: By = "name"
    report: WeightsReport | None = None

    def look(self, path: Path, by: By) -> None:
        """Find out what of a file matches; an earlier question is dropped."""
        self.path, self.by = path, by
        self.report = None
        self._ask(
            MatchWeights(
                experiment=self._document.experiment, info=self._info, path=str(path), by=by
            )
        )

    def load(self, *, partial: bool) -> None:
        """Take what was looked at; the experiment is edited when it is there."""
        if self.path is None or self.report is None:
            return
        self._ask(
            TakeWeights(
                experiment=self._document.experiment,
                info=self._info,
                path=str(self.path),
                by=self.by,
                partial=partial,
                folder=str(preferences.weights_folder()),
            )
        )

    def _answered(self, reply: Reply) -> None:
        match reply:
            case WeightsMatched():
                self.report = reply.report
            case WeightsTaken():
                set_start(self._document, reply.start)
                self.loaded.emit()


def set_start(document: DocumentSession, start: StartingWeights | None) -> None:
    """Let training start from weights, or from the seed (None); one step of undo."""
    title = "Start from the seed" if start is None else f"Load weights from {start.name}"
    document.edit(lambda experiment: replace(experiment, start=start), title)


class StartingFit:
    """How the starting weights fit the network as it is now; reads a file's head only once."""

    def __init__(self) -> None:
        self._known: tuple[str, dict[str, tuple[int, ...]]] | None = None

    def of(self, document: DocumentSession) -> Fit | None:
        """Return the fit; None if training starts from the seed.

        Raises:
            UserError: the weights are gone, or cannot be read.
        """
        start = document.experiment.start
        if start is None:
            return None
        if self._known is None or self._known[0] != start.sha256:
            self._known = start.sha256, shapes_in(find(start))
        return fit(document.report.network, self._known[1], start.names)
