"""Dragging layers to another place, with snapping to the columns and rows of others."""

from __future__ import annotations

from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsLineItem

from widgets.canvas.geometry import Position, Snap, snap
from widgets.canvas.gestures.base import Gesture, Pointer, Stage

_PULL = 10.0
"""Pixels within which a layer snaps."""


class MoveNodes(Gesture):
    """Moves the selected layers; the document hears of it once, at the end. Alt: no snapping."""

    cursor = Qt.CursorShape.SizeAllCursor

    def __init__(self, stage: Stage, start: Pointer, grabbed: str) -> None:
        super().__init__(stage, start)
        scene = stage.scene
        self._grabbed = grabbed
        chosen = scene.folding.shown(stage.editing.selection)
        ids = chosen if grabbed in chosen else (grabbed,)
        self._origins = {i: scene.nodes[i].place for i in ids}
        self._places: dict[str, Position] = dict(self._origins)
        near = (scene.nodes[i] for i in scene.nodes_in(stage.visible()) if i not in self._origins)
        self._others = [item.place for item in near]
        pen = QPen(QColor(stage.theme.colors.accent), 1, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        self._guides = [QGraphicsLineItem(), QGraphicsLineItem()]
        for guide in self._guides:
            guide.setPen(pen)
            guide.hide()
            scene.addItem(guide)

    def move(self, pointer: Pointer) -> None:
        """Show the layers where they would land."""
        moved = pointer.at - self.start.at
        x, y = self._origins[self._grabbed]
        found = Snap()
        if not pointer.holds(Qt.KeyboardModifier.AltModifier):
            pull = min(max(_PULL / self.stage.scale(), 8.0), 20.0)
            found = snap((x + moved.x(), y + moved.y()), self._others, pull)
        dx, dy = moved.x() + found.shift[0], moved.y() + found.shift[1]
        self._places = {
            i: (round(left + dx), round(top + dy)) for i, (left, top) in self._origins.items()
        }
        self.stage.scene.preview(self._places)
        self._show_guides(found)

    def finish(self, pointer: Pointer) -> None:
        """Make the move one edit."""
        self._clear()
        if not self.stage.editing.move(self._places_of_layers()):
            self.stage.scene.mirror_places(self._origins)

    def cancel(self) -> None:
        """Put everything back."""
        self._clear()
        self.stage.scene.mirror_places(self._origins)

    def _places_of_layers(self) -> dict[str, Position]:
        """Return where all layers come to be; those in a folded group move with its face."""
        folding = self.stage.scene.folding
        places: dict[str, Position] = {}
        for key, (x, y) in self._places.items():
            from_x, from_y = self._origins[key]
            for node_id in folding.layers((key,)):
                at_x, at_y = folding.whole[node_id].position
                places[node_id] = (at_x + x - from_x, at_y + y - from_y)
        return places

    def _show_guides(self, found: Snap) -> None:
        area = self.stage.visible()
        upright, level = self._guides
        upright.setVisible(found.x is not None)
        level.setVisible(found.y is not None)
        if found.x is not None:
            upright.setLine(QLineF(found.x, area.top(), found.x, area.bottom()))
        if found.y is not None:
            level.setLine(QLineF(area.left(), found.y, area.right(), found.y))

    def _clear(self) -> None:
        for guide in self._guides:
            self.stage.scene.removeItem(guide)
