"""What one does to groups on the canvas: make and dissolve them, fold and unfold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF

from workbench.document.groups import members, paths
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from widgets.canvas.view import CanvasView


class Groups:
    """The commands for groups of layers; each is one undoable edit."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view

    def make(self) -> None:
        """Put the selected layers into a new group."""
        if self._view.editing.make_group(self._view.editing.selection):
            self._view.rename()

    def dissolve(self) -> None:
        """Dissolve the selected groups, or the one that the selected layers are in."""
        self._view.editing.ungroup(self._selected())

    def toggle(self) -> None:
        """Unfold the selected groups; with none of them folded, fold them."""
        view, folding = self._view, self._view.network.folding
        keys = folding.shown(view.editing.selection)
        hidden = [key[:-1] for key in keys if key in folding.inside]
        chosen = hidden or self._selected()
        if not chosen:
            text = "No group is selected."
            hint = "Select a layer of a group, or make a group of layers with Ctrl+G."
            view.editing.session.messaged.emit(Message("info", text, hint))
        elif self.fold(chosen, folded=not hidden) and not hidden:
            view.editing.select([i for path in chosen for i in members(view.editing.graph, path)])

    def fold(self, chosen: Sequence[str], *, folded: bool) -> bool:
        """Fold groups, or unfold them, and keep them in view."""
        view = self._view
        if not view.editing.fold(chosen, folded=folded):
            return False
        if folded:
            view.reveal(view.box(f"{chosen[-1]}/"))
        elif len(chosen) == 1 and chosen[0] in view.network.frames:
            box = view.network.frames[chosen[0]].box
            room = view.visible_area()
            view.reveal(QRectF(box.topLeft(), box.size().boundedTo(room.size() * 0.9)))
        return True

    def fold_all(self) -> None:
        """Fold every group that can be folded, inner ones first."""
        folding = self._view.network.folding
        self._view.editing.fold(
            [path for path in reversed(folding.frames) if path not in folding.loose], folded=True
        )

    def unfold_all(self) -> None:
        """Unfold every group."""
        self._view.editing.fold(paths(self._view.editing.graph), folded=False)

    def _selected(self) -> list[str]:
        """Return the groups that are selected, or else the innermost around selected layers."""
        editing, folding = self._view.editing, self._view.network.folding
        if path := editing.group:
            return [path]
        found = (folding.path(key) for key in folding.shown(editing.selection))
        return [path for path in dict.fromkeys(found) if path]
