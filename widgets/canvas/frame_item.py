"""The frame around the layers of an unfolded group: a title above, and room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from widgets.canvas.node_style import NodeStyle, paint_chevron
from workbench.analysis.group_layout import HEADER

if TYPE_CHECKING:
    from workbench.analysis.group_layout import Box

_TITLE = QRectF(0, 0, 0, HEADER - 8)
_READABLE = 0.5
_FAR = 0.2


class FrameItem(QGraphicsItem):
    """Paints a frame; the layers in it are items of their own."""

    def __init__(self, path: str, style: NodeStyle) -> None:
        super().__init__()
        self.path = path
        self.is_chosen = False
        self._style = style
        self._box = QRectF()
        self._about = ""
        self.setZValue(-2 + 0.01 * min(path.count("/"), 99))

    @property
    def box(self) -> QRectF:
        """Where it is, in scene units."""
        return self._box

    @property
    def title_box(self) -> QRectF:
        """The strip that is taken hold of, in scene units."""
        return QRectF(self._box.topLeft(), self._box.size()).adjusted(
            0, 0, 0, _TITLE.height() - self._box.height()
        )

    def is_on_chevron(self, at: QPointF) -> bool:
        """Return whether a point of the scene is on what folds it."""
        return self.title_box.contains(at) and at.x() < self._box.left() + 26

    def place(self, box: Box, about: str) -> None:
        """Draw it around a box, with some words behind its name."""
        rect = QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom))
        if (rect, about) != (self._box, self._about):
            self.prepareGeometryChange()
            self._box, self._about = rect, about
            self.setToolTip("")
            self.update()

    def show_chosen(self, chosen: bool) -> None:
        """Mark it as selected."""
        if chosen != self.is_chosen:
            self.is_chosen = chosen
            self.update()

    def restyle(self, style: NodeStyle) -> None:
        """Take over another theme."""
        self._style = style
        self.update()

    def boundingRect(self) -> QRectF:
        """Return the box with its outline."""
        return self._box.adjusted(-2, -2, 2, 2)

    def shape(self) -> QPainterPath:
        """Return what answers to the pointer: the title."""
        path = QPainterPath()
        path.addRect(self.title_box)
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint the box, and the title where it can be read."""
        style, scale = self._style, painter.worldTransform().m11()
        painter.setPen(style.accent if self.is_chosen else style.frame_border)
        painter.setBrush(style.frame)
        painter.drawRoundedRect(self._box, 10, 10)
        if scale < _FAR:
            return
        left, top = self._box.left() + 10, self._box.top()
        paint_chevron(painter, left, top + 9, style.soft, unfolded=True)
        font = style.title_font if scale >= _READABLE else style.far_font
        metrics = QFontMetricsF(font)
        name = self.path.rpartition("/")[2]
        room = self._box.width() - 40
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
        at = QPointF(left + 17, top + (18 if scale >= _READABLE else 22))
        self._write(painter, shown, at, style.text, font)
        end = metrics.horizontalAdvance(shown) + 8
        about = QFontMetricsF(style.soft_font).horizontalAdvance(self._about)
        if scale >= _READABLE and end + about < room:
            at.setX(at.x() + end)
            self._write(painter, self._about, at, style.soft, style.soft_font)

    def _write(self, painter: QPainter, text: str, at: QPointF, pen: QPen, font: object) -> None:
        painter.setPen(pen)
        painter.setFont(font)
        painter.drawText(at, text)
