"""A small picture of the whole network in the corner; dragging in it moves the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from widgets.canvas.navigation import NavigableView
    from widgets.canvas.scene import NetworkScene
    from widgets.theme import Theme

_SIZE = QSize(150, 190)
_FEWEST = 25
"""Smaller networks need no map."""
_PADDING = 8
_LEAST_SPOT = 4.0
"""Pixels that a layer has across at least, however long the network is."""


class Minimap(QWidget):
    """Draws the layers once an edit, and the visible part at every movement."""

    def __init__(self, scene: NetworkScene, theme: Theme, view: NavigableView) -> None:
        super().__init__(view)
        self.setObjectName("minimap")
        self.setAccessibleName("Map of the network")
        self.setToolTip("Drag to move the view")
        self.resize(_SIZE)
        self._scene = scene
        self._theme = theme
        self._view = view
        self._picture: QPixmap | None = None
        scene.mirrored.connect(self._on_mirrored)
        theme.changed.connect(self._on_mirrored)
        view.horizontalScrollBar().valueChanged.connect(self._on_scrolled)
        view.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        view.installEventFilter(self)
        self._on_mirrored()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep to the corner when the view changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the kept picture, and a frame around what is in view."""
        if self._picture is None:
            self._picture = self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        scale, shift = self._projection()
        seen = self._view.visible_area()
        frame = QRectF(seen.topLeft() * scale + shift, seen.size() * scale)
        painter.setPen(QPen(QColor(self._theme.colors.accent), 1.5))
        painter.drawRect(frame.intersected(QRectF(self.rect()).adjusted(1, 1, -1.5, -1.5)))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the view there."""
        self._go_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the view along."""
        self._go_to(event.position())

    def _go_to(self, point: QPointF) -> None:
        scale, shift = self._projection()
        self._view.centerOn((point - shift) / scale)

    def _on_mirrored(self) -> None:
        self._picture = None
        self.setVisible(len(self._scene.nodes) >= _FEWEST)
        self._place()
        self.update()

    def _on_scrolled(self) -> None:
        self.update()

    def _place(self) -> None:
        area = self._view.viewport().size()
        self.move(area.width() - self.width() - 12, area.height() - self.height() - 12)

    def _projection(self) -> tuple[float, QPointF]:
        """Return the scale and the shift from the scene to this widget."""
        content = self._scene.content()
        room = self.size() - QSize(2 * _PADDING, 2 * _PADDING)
        scale = min(
            room.width() / max(content.width(), 1.0), room.height() / max(content.height(), 1.0)
        )
        middle = QPointF(self.width() / 2, self.height() / 2)
        return scale, middle - content.center() * scale

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        colors = self._theme.colors
        picture.fill(QColor(colors.panel))
        painter = QPainter(picture)
        scale, shift = self._projection()
        for item in self._scene.nodes.values():
            box = item.shape().boundingRect().translated(item.pos())
            spot = QRectF(box.topLeft() * scale + shift, box.size() * scale)
            wider = max(_LEAST_SPOT - spot.width(), 0.0) / 2
            spot.adjust(-wider, 0, wider, 0.0 if spot.height() >= 1 else 1 - spot.height())
            painter.fillRect(spot, QColor(item.face.color))
        painter.setPen(QPen(QColor(colors.border)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        return picture
