"""One layer on the canvas: category bar, title, settings, shape, parameters and thumbnail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from widgets.canvas.face import NodeFace
from widgets.canvas.geometry import NODE_HEIGHT, NODE_WIDTH, PORT_RADIUS, Position
from widgets.theme import mono_font, ui_font

if TYPE_CHECKING:
    from widgets.theme import Colors

_BOX = QRectF(0, 0, NODE_WIDTH, NODE_HEIGHT)
_BAR = QRectF(7, 8, 4.5, NODE_HEIGHT - 16)
_THUMBNAIL = QRectF(NODE_WIDTH - 46, 6, 40, 40)
_TEXT_LEFT = 19.0
_BASELINES = (18.0, 31.0, 44.0)
_SIGN_TOP = 8.0
_READABLE = 0.5
"""Below this scale only the title is drawn, below half of it only the box."""


class NodeStyle:
    """Pens, brushes and fonts of all nodes, made once a theme."""

    def __init__(self, colors: Colors) -> None:
        self.title_font = _pixels(ui_font(weight=QFont.Weight.DemiBold), 12)
        self.far_font = _pixels(ui_font(weight=QFont.Weight.DemiBold), 19)
        self.soft_font = _pixels(ui_font(), 11)
        self.mono_font = _pixels(mono_font(), 9)
        self.node = QBrush(QColor(colors.node))
        self.ground = QBrush(QColor(colors.window))
        self.text = QPen(QColor(colors.text))
        self.soft = QPen(QColor(colors.text_soft))
        self.faint = QPen(QColor(colors.text_faint))
        self.border = QPen(QColor(colors.border), 1.2)
        self.hover = QPen(QColor(colors.text_faint), 1.2)
        self.port = QPen(QColor(colors.edge), 1.2)
        self.accent = QPen(QColor(colors.accent), 2)
        self.found = QPen(QColor(colors.warning), 2, Qt.PenStyle.DotLine)
        self.lock = QColor(colors.accent)
        self.severity = {"error": QColor(colors.error), "warning": QColor(colors.warning)}
        self.on_badge = QColor(colors.window if colors.window < "#8" else "#ffffff")


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
        self.setZValue(1)

    @property
    def place(self) -> Position:
        """Where it is shown, which during a drag is not yet where the document has it."""
        return (self.x(), self.y())

    def show_face(self, face: NodeFace) -> None:
        """Show another face; nothing happens for an equal one."""
        if face != self.face:
            self.face = face
            self._bar = QBrush(QColor(face.color))
            self.setToolTip(face.tip)
            self.update()

    def show_thumbnail(self, thumbnail: QPixmap | None) -> None:
        """Show another picture, or none."""
        if thumbnail is not self._thumbnail:
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
        if scale < _READABLE / 2:
            self._paint_far(painter)
            return
        style = self._style
        painter.setPen(self._outline())
        painter.setBrush(style.node)
        painter.drawRoundedRect(_BOX, 7, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._bar)
        painter.drawRoundedRect(_BAR, 2, 2)
        self._paint_ports(painter)
        if self._thumbnail:
            self._paint_thumbnail(painter, self._thumbnail)
        if scale < _READABLE:
            painter.setFont(style.far_font)
            painter.setPen(style.text)
            self._paint_text(painter, _TEXT_LEFT, 33, self.face.title, self._text_right())
        else:
            self._paint_texts(painter)
        self._paint_signs(painter)

    def _outline(self) -> QPen:
        if self.is_chosen:
            return self._style.accent
        if self.is_found:
            return self._style.found
        return self._style.hover if self.is_hovered else self._style.border

    def _paint_far(self, painter: QPainter) -> None:
        severity = self._style.severity.get(self.face.severity)
        outlined = self.is_chosen or self.is_found
        painter.fillRect(_BOX, self._outline().brush() if outlined else self._style.node)
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

    def _paint_texts(self, painter: QPainter) -> None:
        style, face = self._style, self.face
        signs = 16.0 * (bool(face.severity) + face.frozen)
        title_right = (_THUMBNAIL.left() if signs or self._thumbnail else NODE_WIDTH) - 6 - signs
        painter.setFont(style.title_font)
        painter.setPen(style.text)
        end = self._paint_text(painter, _TEXT_LEFT, _BASELINES[0], face.title, title_right)
        painter.setFont(style.soft_font)
        if face.name and end + 24 < title_right:
            painter.setPen(style.faint)
            self._paint_text(painter, end + 7, _BASELINES[0], face.name, title_right)
        painter.setPen(style.soft)
        right = self._text_right()
        self._paint_text(painter, _TEXT_LEFT, _BASELINES[1], face.summary, right)
        painter.setFont(style.mono_font)
        end = self._paint_text(painter, _TEXT_LEFT, _BASELINES[2], face.shape, right)
        if face.parameters and face.shape:
            metrics = QFontMetricsF(style.mono_font)
            text = face.parameters
            if end + 12 + metrics.horizontalAdvance(text) > right:
                text = text.removesuffix(" params")
            self._paint_text(painter, end + 12, _BASELINES[2], text, right)

    def _paint_text(
        self, painter: QPainter, left: float, baseline: float, text: str, right: float
    ) -> float:
        """Draw one line, shortened if it must be; return where it ends."""
        metrics = QFontMetricsF(painter.font())
        width = metrics.horizontalAdvance(text)
        if width > right - left:
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(right - left, 0))
            width = right - left
        painter.drawText(QPointF(left, baseline), text)
        return left + width

    def _paint_signs(self, painter: QPainter) -> None:
        right = _THUMBNAIL.left() - 6
        painter.setPen(Qt.PenStyle.NoPen)
        if self.face.frozen:
            paint_lock(painter, right - 9, _SIGN_TOP, self._style.lock)
            right -= 16
        color = self._style.severity.get(self.face.severity)
        if color:
            paint_badge(painter, right - 11, _SIGN_TOP, color, self._style.on_badge)


def paint_lock(painter: QPainter, x: float, y: float, color: QColor) -> None:
    """Paint a closed lock, 9 × 11."""
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(x, y + 5, 9, 6.5), 1.2, 1.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 1.5))
    painter.drawArc(QRectF(x + 2, y + 0.8, 5, 8), 0, 180 * 16)
    painter.setPen(Qt.PenStyle.NoPen)


def paint_badge(painter: QPainter, x: float, y: float, color: QColor, mark: QColor) -> None:
    """Paint a round badge with an exclamation mark, 12 × 12."""
    painter.setBrush(color)
    painter.drawEllipse(QRectF(x, y, 12, 12))
    painter.setBrush(mark)
    painter.drawRoundedRect(QRectF(x + 5.2, y + 2.6, 1.6, 4.4), 0.8, 0.8)
    painter.drawEllipse(QRectF(x + 5.1, y + 8, 1.8, 1.8))


def _pixels(font: QFont, size: int) -> QFont:
    font.setPixelSize(size)
    return font
