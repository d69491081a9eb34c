"""Drawing a box around layers selects them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPen
from PySide6.QtWidgets import QGraphicsRectItem

from widgets.canvas.gestures.base import Gesture, Pointer, Stage


class SelectBox(Gesture):
    """Selects what the box touches; with Ctrl or Shift it adds to the selection."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, stage: Stage, start: Pointer) -> None:
        super().__init__(stage, start)
        self._before = stage.editing.selection
        color = QColor(stage.theme.colors.accent)
        pen = QPen(color, 1)
        pen.setCosmetic(True)
        color.setAlpha(36)
        self._box = QGraphicsRectItem()
        self._box.setPen(pen)
        self._box.setBrush(QBrush(color))
        self._box.setZValue(9)
        stage.scene.addItem(self._box)

    def move(self, pointer: Pointer) -> None:
        """Select what is in the box now."""
        box = QRectF(self.start.at, pointer.at).normalized()
        self._box.setRect(box)
        found = self.stage.scene.folding.layers(self.stage.scene.nodes_in(box))
        adds = self.start.modifiers & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        )
        kept = [i for i in self._before if i not in found] if adds else []
        self.stage.editing.select((*kept, *found))

    def finish(self, pointer: Pointer) -> None:
        """Keep the selection."""
        self.stage.scene.removeItem(self._box)

    def cancel(self) -> None:
        """Return to the selection before."""
        self.stage.scene.removeItem(self._box)
        self.stage.editing.select(self._before)
