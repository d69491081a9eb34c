"""How nodes look: pens, brushes and fonts of a theme, lines of text, small signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen

from widgets.theme import mono_font, ui_font

if TYPE_CHECKING:
    from widgets.canvas.face import NodeFace
    from widgets.theme import Colors

_LEFT = 19.0
_BASELINES = (18.0, 31.0, 44.0)
_FAR_BASELINE = 33.0
_GAP = 12.0


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
        self.frame = QBrush(_between(QColor(colors.window), QColor(colors.panel)))
        self.frame_border = QPen(QColor(colors.border), 1.2)
        self.on_badge = QColor(colors.window if colors.window < "#8" else "#ffffff")


class Line(NamedTuple):
    """A piece of text, placed and shortened to its room."""

    text: str
    at: QPointF
    font: QFont
    pen: QPen


def near_lines(face: NodeFace, style: NodeStyle, right: float) -> tuple[Line, ...]:
    """Return all that a node says, left of `right`: title, settings, shape, parameters."""
    top, middle, bottom = (QPointF(_LEFT, baseline) for baseline in _BASELINES)
    room = right - 16.0 * face.signs
    lines, end = _placed(face.title, top, room, style.title_font, style.text)
    if face.name and end + 24 < room:
        top.setX(end + 7)
        lines += _placed(face.name, top, room, style.soft_font, style.faint)[0]
    lines += _placed(face.summary, middle, right, style.soft_font, style.soft)[0]
    shape, end = _placed(face.shape, bottom, right, style.mono_font, style.soft)
    lines += shape
    if face.shape and face.parameters:
        bottom.setX(end + _GAP)
        text = face.parameters
        if bottom.x() + QFontMetricsF(style.mono_font).horizontalAdvance(text) > right:
            text = text.removesuffix(" params")
        lines += _placed(text, bottom, right, style.mono_font, style.soft)[0]
    return lines


def far_lines(face: NodeFace, style: NodeStyle, right: float) -> tuple[Line, ...]:
    """Return what can still be read from afar: a large title."""
    room = right - 16.0 * face.signs
    return _placed(face.title, QPointF(_LEFT, _FAR_BASELINE), room, style.far_font, style.text)[0]


def _placed(
    text: str, at: QPointF, right: float, font: QFont, pen: QPen
) -> tuple[tuple[Line, ...], float]:
    """Return the text at its place, shortened if it must be, and where it ends."""
    metrics = QFontMetricsF(font)
    room = max(right - at.x(), 0.0)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    end = at.x() + metrics.horizontalAdvance(shown)
    return ((Line(shown, QPointF(at), font, pen),) if shown else ()), end


def paint_chevron(painter: QPainter, x: float, y: float, pen: QPen, *, unfolded: bool) -> None:
    """Paint what folds and unfolds a group, 10 × 10: pointing right when it is folded."""
    points = [QPointF(1.5, 3), QPointF(5, 6.8), QPointF(8.5, 3)]
    if not unfolded:
        points = [QPointF(3, 1.5), QPointF(6.8, 5), QPointF(3, 8.5)]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(pen.color(), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPolyline([point + QPointF(x, y) for point in points])
    painter.setPen(Qt.PenStyle.NoPen)


def paint_lock(painter: QPainter, x: float, y: float, color: QColor) -> None:
    """Paint a closed lock, 9 × 11."""
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(x, y + 5, 9, 6.5), 1.2, 1.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 1.5))
    painter.drawArc(QRectF(x + 2, y + 0.8, 5, 8), 0, 180 * 16)
    painter.setPen(Qt.PenStyle.NoPen)


def paint_factors(painter: QPainter, x: float, y: float, color: QColor) -> None:
    """Paint the two factors of adapters, 11 × 11: a tall narrow matrix and a wide flat one."""
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(x, y + 0.5, 3.2, 11), 0.8, 0.8)
    painter.drawRoundedRect(QRectF(x + 4.8, y + 4.4, 6.2, 3.2), 0.8, 0.8)


def paint_badge(painter: QPainter, x: float, y: float, color: QColor, mark: QColor) -> None:
    """Paint a round badge with an exclamation mark, 12 × 12."""
    painter.setBrush(color)
    painter.drawEllipse(QRectF(x, y, 12, 12))
    painter.setBrush(mark)
    painter.drawRoundedRect(QRectF(x + 5.2, y + 2.6, 1.6, 4.4), 0.8, 0.8)
    painter.drawEllipse(QRectF(x + 5.1, y + 8, 1.8, 1.8))


def _between(one: QColor, other: QColor) -> QColor:
    """Return the colour halfway from one to the other."""
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)
    return QColor(*((a + b) // 2 for a, b in pairs))


def _pixels(font: QFont, size: int) -> QFont:
    font.setPixelSize(size)
    return font
