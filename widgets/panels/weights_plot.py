"""The distribution of a layer's weights, drawn from a run's newest snapshot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.texts import decimal, grouped

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.runs.probes import Histogram

AXIS_HEIGHT = 22


class WeightsPlot(QWidget):
    """One histogram with a labelled axis."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("weightsPlot")
        self.setAccessibleName("Weights")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._histogram: Histogram | None = None
        theme.changed.connect(self.update)

    def show_histogram(self, histogram: Histogram) -> None:
        """Show another distribution."""
        self._histogram = histogram
        count = int(histogram.counts.sum())
        between = f"{decimal(_short(histogram.low))} and {decimal(_short(histogram.high))}"
        self.setToolTip(f"{grouped(count)} weights between {between}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of the plot with its axis."""
        return QSize(200, 112)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars as one shape, and the axis."""
        if self._histogram is None or not self._histogram.counts.max():
            return
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(0, 4, 0, -AXIS_HEIGHT)
        painter.fillPath(self._bars(area), QColor(self._theme.colors.accent))
        self._paint_axis(painter, area)

    def _bars(self, area: QRectF) -> QPainterPath:
        counts = self._histogram.counts
        width, highest = area.width() / len(counts), counts.max()
        path = QPainterPath(area.bottomLeft())
        for index, count in enumerate(counts):
            top = area.bottom() - area.height() * float(count) / float(highest)
            path.lineTo(area.left() + index * width, top)
            path.lineTo(area.left() + (index + 1) * width, top)
        path.lineTo(area.bottomRight())
        return path

    def _paint_axis(self, painter: QPainter, area: QRectF) -> None:
        colors, histogram = self._theme.colors, self._histogram
        y = area.bottom() + 4
        painter.setPen(QColor(colors.border))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        span = histogram.high - histogram.low
        if span <= 0:
            return
        painter.setPen(QColor(colors.text_soft))
        for value in ticks(histogram.low, histogram.high):
            x = area.left() + (value - histogram.low) / span * area.width()
            painter.drawLine(QPointF(x, y), QPointF(x, y + 3))
            text = decimal(value).replace("-", "−")
            room = painter.fontMetrics().horizontalAdvance(text) + 2
            left = min(max(x - room / 2, area.left()), area.right() - room)
            box = QRectF(left, y + 3, room, AXIS_HEIGHT - 6)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers between two others, at most so many."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return []
    rough = span / most
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= rough)
    first = math.ceil(low / step)
    return [_short(i * step) for i in range(first, math.floor(high / step) + 1)]


def _short(number: float) -> float:
    return float(f"{number:.4g}")
