"""One layer on the canvas: category bar, title, settings, shape, parameters and thumbnail."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from widgets.canvas.face import NodeFace
from widgets.canvas.geometry import NODE_HEIGHT, NODE_WIDTH, PORT_RADIUS, Position
from widgets.canvas.node_style import (
    Line,
    NodeStyle,
    far_lines,
    near_lines,
    paint_badge,
    paint_chevron,
    paint_factors,
    paint_lock,
)

_BOX = QRectF(0, 0, NODE_WIDTH, NODE_HEIGHT)
_BAR = QRectF(7, 8, 4.5, NODE_HEIGHT - 16)
_THUMBNAIL = QRectF(NODE_WIDTH - 46, 6, 40, 40)
_SIGN_TOP = 8.0
_CARDS = ((12.0, 6.0), (6.0, 3.0))
"""Of the cards below the face of a group: how much narrower and how much lower they are."""
_READABLE = 0.5
_FAR = 0.3
"""Below the first scale only the title is drawn, below the second only the box."""


class NodeItem(QGraphicsItem):
    """Paints a face at a place. Knows nothing of the document."""

    def __init__(self, node_id: str, style: NodeStyle) -> None:
        super().__init__()
        self.node_id = node_id
        self.face = NodeFace("")
        self.is_chosen = False
        self.is_found = False
        self.is_hovered = False
        self._style = style
        self._thumbnail: QPixmap | None = None
        self._bar = QBrush(Qt.GlobalColor.gray)
        self._lines: tuple[tuple[Line, ...], tuple[Line, ...]] | None = None
        self.setZValue(1)

    def is_on_chevron(self, at: QPointF) -> bool:
        """Return whether a point of the scene is on what unfolds a group."""
        right = self._text_right()
        box = QRectF(right - 16, 0, NODE_WIDTH - right + 16, 24)
        return self.face.is_group and box.contains(at - self.pos())

    @property
    def place(self) -> Position:
        """Where it is shown, which during a drag is not yet where the document has it."""
        return (self.x(), self.y())

    def show_face(self, face: NodeFace) -> None:
        """Show another face; nothing happens for an equal one."""
        if face != self.face:
            self.face = face
            self._bar = QBrush(QColor(face.color))
            self._lines = None
            self.setToolTip(face.tip)
            self.update()

    def show_thumbnail(self, thumbnail: QPixmap | None) -> None:
        """Show another picture, or none."""
        if thumbnail is not self._thumbnail:
            if bool(thumbnail) != bool(self._thumbnail):
                self._lines = None
            self._thumbnail = thumbnail
            self.update()

    def show_state(
        self,
        *,
        chosen: bool | None = None,
        found: bool | None = None,
        hovered: bool | None = None,
    ) -> None:
        """Change how it is marked; None leaves a mark as it is."""
        state = (
            self.is_chosen if chosen is None else chosen,
            self.is_found if found is None else found,
            self.is_hovered if hovered is None else hovered,
        )
        if state != (self.is_chosen, self.is_found, self.is_hovered):
            self.is_chosen, self.is_found, self.is_hovered = state
            self.setZValue(2 if self.is_chosen else 1)
            self.update()

    def restyle(self, style: NodeStyle) -> None:
        """Take over another theme."""
        self._style = style
        self._lines = None
        self.update()

    def boundingRect(self) -> QRectF:
        """Return the box with its outline and ports."""
        margin = PORT_RADIUS + 2
        return _BOX.adjusted(-2, -margin, 2, margin)

    def shape(self) -> QPainterPath:
        """Return what answers to the pointer: the box."""
        path = QPainterPath()
        path.addRect(_BOX)
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint as much as can be made out at the present scale."""
        scale = painter.worldTransform().m11()
        if scale < _FAR:
            self._paint_far(painter)
            return
        style = self._style
        painter.setPen(self._outline())
        painter.setBrush(style.node)
        if self.face.is_group:
            for inset, lower in _CARDS:
                painter.drawRoundedRect(_BOX.adjusted(inset, 20, -inset, lower), 6, 6)
        painter.drawRoundedRect(_BOX, 7, 7)
        self._paint_bar(painter, _BAR)
        self._paint_ports(painter)
        if self._thumbnail:
            self._paint_thumbnail(painter, self._thumbnail)
        if self._lines is None:
            right = self._text_right()
            self._lines = (near_lines(self.face, style, right), far_lines(self.face, style, right))
        self._paint_lines(painter, self._lines[scale < _READABLE])
        self._paint_signs(painter)

    def _outline(self) -> QPen:
        if self.is_chosen:
            return self._style.accent
        if self.is_found:
            return self._style.found
        return self._style.hover if self.is_hovered else self._style.border

    def _paint_bar(self, painter: QPainter, box: QRectF) -> None:
        """Paint the category, or those of the layers in a group by their shares."""
        painter.setPen(Qt.PenStyle.NoPen)
        if not self.face.is_group:
            painter.setBrush(self._bar)
            painter.drawRoundedRect(box, 2, 2)
            return
        total, top = sum(count for _, count in self.face.shares), box.top()
        for color, count in self.face.shares:
            height = box.height() * count / total
            painter.fillRect(QRectF(box.left(), top, box.width(), height), QColor(color))
            top += height

    def _paint_far(self, painter: QPainter) -> None:
        severity = self._style.severity.get(self.face.severity)
        outlined = self.is_chosen or self.is_found
        painter.fillRect(_BOX, (self._outline() if outlined else self._style.border).brush())
        if self.face.is_group:
            self._paint_bar(painter, QRectF(0, 0, 44, NODE_HEIGHT))
        else:
            painter.fillRect(QRectF(0, 0, 44, NODE_HEIGHT), self._bar)
        if severity:
            painter.fillRect(QRectF(NODE_WIDTH - 44, 0, 44, NODE_HEIGHT), severity)

    def _paint_ports(self, painter: QPainter) -> None:
        painter.setPen(self._style.accent if self.is_chosen else self._style.port)
        painter.setBrush(self._style.ground)
        if self.face.has_input:
            painter.drawEllipse(QPointF(NODE_WIDTH / 2, 0), PORT_RADIUS, PORT_RADIUS)
        if self.face.has_output:
            painter.drawEllipse(QPointF(NODE_WIDTH / 2, NODE_HEIGHT), PORT_RADIUS, PORT_RADIUS)

    def _paint_thumbnail(self, painter: QPainter, thumbnail: QPixmap) -> None:
        size = thumbnail.size().scaled(40, 40, Qt.AspectRatioMode.KeepAspectRatio)
        box = QRectF(0, 0, size.width(), size.height())
        box.moveCenter(_THUMBNAIL.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(box, thumbnail, QRectF(thumbnail.rect()))

    def _text_right(self) -> float:
        return _THUMBNAIL.left() - 6 if self._thumbnail else NODE_WIDTH - 10

    def _paint_lines(self, painter: QPainter, lines: tuple[Line, ...]) -> None:
        for line in lines:
            painter.setFont(line.font)
            painter.setPen(line.pen)
            painter.drawText(line.at, line.text)

    def _paint_signs(self, painter: QPainter) -> None:
        right = self._text_right()
        painter.setPen(Qt.PenStyle.NoPen)
        if self.face.is_group:
            paint_chevron(painter, right - 10, _SIGN_TOP + 1, self._style.soft, unfolded=False)
            right -= 16
        if self.face.frozen:
            paint_lock(painter, right - 9, _SIGN_TOP, self._style.lock)
            right -= 16
        if self.face.adapted:
            paint_factors(painter, right - 11, _SIGN_TOP, self._style.lock)
            right -= 16
        color = self._style.severity.get(self.face.severity)
        if color:
            paint_badge(painter, right - 11, _SIGN_TOP, color, self._style.on_badge)
