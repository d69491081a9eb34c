"""Brings a run's newest pictures onto the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from widgets.canvas.view import CanvasView
    from workbench.document.graph import Graph
    from workbench.document.groups import Folding
    from workbench.runs.probes import Snapshot
    from workbench.session import Session


class LivePictures:
    """Follows the shown run; a snapshot of another network is not shown."""

    def __init__(self, session: Session, view: CanvasView) -> None:
        self._run = session.run
        self._view = view
        self._shown: Snapshot | None = None
        self._on: Folding | None = None
        session.run.updated.connect(self.refresh)
        session.run.opened.connect(self.on_run_opened)

    def on_run_opened(self) -> None:
        """Forget the pictures of the run before."""
        self._shown = None
        self._view.set_thumbnails({})
        self._view.set_picture(None)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest snapshot that is loaded."""
        run = self._run
        if run.experiment is None or not run.state.probes:
            return
        snapshot = run.snapshot(run.state.probes[-1][1])
        folding = self._view.network.folding
        if snapshot is None or (snapshot is self._shown and folding is self._on):
            return
        self._shown, self._on = snapshot, folding
        known = _same_layers(run.experiment.graph, folding.whole)
        self._view.set_thumbnails({i: t for i, t in snapshot.thumbnails.items() if i in known})
        self._view.set_picture(snapshot.picture)


def _same_layers(trained: Graph, shown: Graph) -> set[str]:
    return {n.id for n in shown.nodes if n.id in trained and trained[n.id].type == n.type}
