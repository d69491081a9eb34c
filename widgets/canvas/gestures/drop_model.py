"""Dragging a whole network from the Models tab onto the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from widgets.canvas import geometry
from widgets.canvas.gestures.base import Gesture, Pointer, Stage
from widgets.canvas.gestures.drop import open_end_above
from workbench.document.joining import Landing

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL_MIME = "application/x-neural-workbench-model"
"""Drag format: a `Model` as JSON."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A network to import: "importer:name" or a file, and the name of published weights."""

    source: str
    published: str = ""
    title: str = ""

    def encoded(self) -> bytes:
        """Return it as it is dragged."""
        return msgspec.json.encode(self)

    @staticmethod
    def decoded(content: bytes) -> Model | None:
        """Return what was dragged; None for anything else."""
        try:
            return msgspec.json.decode(content, type=Model)
        except msgspec.DecodeError:
            return None


class DropModel(Gesture):
    """Shows where the network would land, and which layer would feed it.

    Args:
        take: called with the network and where it lands.
    """

    def __init__(
        self, stage: Stage, start: Pointer, model: Model, take: Callable[[Model, Landing], object]
    ) -> None:
        super().__init__(stage, start)
        self._model = model
        self._take = take
        self._ghost = QGraphicsPathItem()
        self._ghost.setPen(QPen(QColor(stage.theme.colors.accent), 1.5, Qt.PenStyle.DashLine))
        self._ghost.setZValue(8)
        stage.scene.addItem(self._ghost)
        self.move(start)

    def move(self, pointer: Pointer) -> None:
        """Draw the outline of a folded group, connected to what would feed it."""
        place, key = landing_of_model(self.stage, pointer.at)
        path = QPainterPath()
        path.addRoundedRect(geometry.node_rect(place), 7, 7)
        for lower in (3.0, 6.0):
            path.moveTo(place[0] + 2 * lower, place[1] + geometry.NODE_HEIGHT + lower)
            path.lineTo(
                place[0] + geometry.NODE_WIDTH - 2 * lower, place[1] + geometry.NODE_HEIGHT + lower
            )
        if key:
            start = geometry.output_port(self.stage.scene.nodes[key].place)
            path.addPath(geometry.edge_path(start, geometry.input_port(place)))
        self._ghost.setPath(path)

    def finish(self, pointer: Pointer) -> None:
        """Ask for the network there."""
        self.cancel()
        place, key = landing_of_model(self.stage, pointer.at)
        source = self.stage.scene.folding.exits(key)[0] if key else ""
        self._take(self._model, Landing(at=place, source=source))

    def cancel(self) -> None:
        """Hide the preview."""
        if self._ghost.scene():
            self.stage.scene.removeItem(self._ghost)


def landing_of_model(stage: Stage, at: QPointF) -> tuple[geometry.Position, str]:
    """Return the place of a network dropped at a point, and the node above that would feed it."""
    place = (round(at.x() - geometry.NODE_WIDTH / 2), round(at.y() - geometry.NODE_HEIGHT / 2))
    key = open_end_above(stage, at)
    if key:
        above = stage.scene.nodes[key].place
        place = (place[0], max(place[1], above[1] + geometry.ROW))
    taken = [item.place for item in stage.scene.nodes.values()]
    return geometry.free_place(place, taken), key
