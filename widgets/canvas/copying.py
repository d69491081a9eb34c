"""Copies of layers: the clipboard, and duplicates beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from widgets.canvas import clipboard
from workbench.document.graph import Graph
from workbench.document.grouping import detached
from workbench.document.groups import fold
from workbench.session.message import Message

if TYPE_CHECKING:
    from PySide6.QtCore import QRectF

    from widgets.canvas.view import CanvasView
    from workbench.document.graph import Node


class Copying:
    """The commands for copies of the selected layers."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._session = view.editing.session

    def copy(self) -> None:
        """Put the selected layers on the clipboard, as text."""
        if self._view.editing.selection:
            chosen = set(self._view.editing.selection)
            text = clipboard.to_text(self._session.document.experiment, chosen)
            QGuiApplication.clipboard().setText(text)

    def cut(self) -> None:
        """Move the selected layers to the clipboard."""
        self.copy()
        self._view.editing.remove(self._view.editing.selection, "Cut")

    def paste(self) -> None:
        """Add the layers that are on the clipboard."""
        nodes, folded = clipboard.from_text(QGuiApplication.clipboard().text())
        if nodes:
            self._paste(nodes, folded, "Paste", self._view.visible_area())
        else:
            self._session.messaged.emit(Message("info", "There are no layers on the clipboard."))

    def duplicate(self) -> None:
        """Add copies of the selected layers beside them."""
        nodes, folded = detached(self._session.document.experiment, self._view.editing.selection)
        if nodes:
            self._paste(nodes, folded, "Duplicate")

    def _paste(
        self,
        nodes: tuple[Node, ...],
        folded: tuple[str, ...],
        title: str,
        visible: QRectF | None = None,
    ) -> None:
        copies = fold(Graph(nodes), folded).graph.nodes
        shift = clipboard.offset(copies, self._view.network.graph, visible)
        if self._view.editing.paste(nodes, shift, title, folded):
            self._view.reveal_selection()
