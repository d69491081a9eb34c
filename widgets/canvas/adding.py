"""New layers and networks on the canvas: the search box, and where its choice goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor

from widgets.canvas import geometry
from widgets.canvas.gestures.drop import landing_at
from widgets.canvas.gestures.drop_model import landing_of_model
from widgets.canvas.quick_add import QuickAdd
from workbench.document.joining import Landing
from workbench.session.message import Message

if TYPE_CHECKING:
    from widgets.canvas.edge_item import EdgeKey
    from widgets.canvas.gestures.base import Stage
    from widgets.canvas.gestures.drop_model import Model
    from widgets.canvas.view import CanvasView


class Adding:
    """The commands that bring something onto the canvas."""

    def __init__(self, view: CanvasView, stage: Stage) -> None:
        self._view = view
        self._stage = stage
        self._session = view.editing.session
        self._quick_add = QuickAdd(self._session.catalog, stage.theme, view)
        self._quick_add_at = QPoint()
        self._quick_add_edge: EdgeKey | None = None
        self._swapped: str | None = None
        self._quick_add.chosen.connect(self._on_layer_chosen)
        self._quick_add.closed.connect(view.setFocus)

    def add_layer(self, type_id: str) -> None:
        """Add a layer behind the selected one; with none selected, at the network's only end."""
        middle = self._view.visible_area().center()
        place = (middle.x() - geometry.NODE_WIDTH / 2, middle.y() - geometry.NODE_HEIGHT / 2)
        if self._view.editing.add_after_selection(type_id, place):
            self._view.reveal_selection()

    def import_model(self, model: Model, landing: Landing | None = None) -> None:
        """Import a network in the background, to where it was dropped, or into view."""
        if landing is None:
            middle = self._view.visible_area().center()
            middle.setY(middle.y() - geometry.ROW if self._view.network.nodes else 0.0)
            place, _ = landing_of_model(self._stage, middle)
            landing = Landing(at=place)
        info, models = self._session.data.info, self._session.models
        if models.is_busy:
            text = "Another network is being imported."
            self._session.messaged.emit(Message("info", text, "Wait for it, or cancel it first."))
            return
        text = f"{model.title or model.source} is being imported."
        self._session.messaged.emit(Message("info", text, "You can go on meanwhile."))
        classes = len(info.classes) if info is not None else 0
        models.start(
            model.source,
            published=model.published,
            classes=classes if classes > 1 else 0,
            landing=landing,
        )

    def open_quick_add(self, at: QPoint | None = None, edge: EdgeKey | None = None) -> None:
        """Open the search box at a point of the view; its choice goes there, or into `edge`."""
        if at is None:
            at = self._view.mapFromGlobal(QCursor.pos())
            if not self._view.rect().contains(at):
                at = self._view.rect().center()
        self._quick_add_at, self._quick_add_edge, self._swapped = at, edge, None
        self._quick_add.open(at)

    def swap_type(self) -> None:
        """Open the search box; its choice takes the place of the selected layer."""
        if self._view.editing.selection:
            node_id = self._view.editing.selection[-1]
            self._view.unhide(node_id)
            box = self._view.box(node_id)
            self._view.reveal(box)
            self._swapped = node_id
            self._quick_add_edge = None
            corner = self._view.mapFromScene(box).boundingRect().bottomLeft()
            self._quick_add.open(corner, f"What {node_id} becomes")

    def _on_layer_chosen(self, type_id: str) -> None:
        edge, swapped = self._quick_add_edge, self._swapped
        if swapped is not None:
            if swapped in self._view.editing.graph:
                self._view.editing.swap_type(swapped, type_id)
            return
        if edge in self._view.network.edges:
            self._view.editing.insert(type_id, edge)
        elif self._view.editing.selection:
            self.add_layer(type_id)
        else:
            landing = landing_at(self._stage, type_id, self._view.mapToScene(self._quick_add_at))
            sources = self._view.network.folding.exits(landing.source) if landing.source else ()
            self._view.editing.append(type_id, sources, landing.place)
        self._view.reveal_selection()
