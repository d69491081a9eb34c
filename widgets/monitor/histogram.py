"""The distribution of a weight."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.monitor.labels import value_text
from widgets.texts import grouped
from widgets.theme import ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from widgets.theme import Theme
    from workbench.runs.probes import Histogram

AXIS_HEIGHT = 22


class HistogramView(QWidget):
    """Bars over an axis of values; empty before the first snapshot."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("histogram")
        self.setAccessibleName("Distribution of the weights")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._histogram: Histogram | None = None
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As in the side panel."""
        return QSize(260, 112)

    def set_histogram(self, histogram: Histogram | None) -> None:
        """Show a distribution, or none."""
        self._histogram = histogram
        self.update()

    def describe(self, x: float) -> str:
        """Return the bin at a place in words."""
        histogram = self._histogram
        if histogram is None or not len(histogram.counts):
            return ""
        count = len(histogram.counts)
        index = min(max(int(x / max(self.width(), 1) * count), 0), count - 1)
        step = (histogram.high - histogram.low) / count
        low = histogram.low + index * step
        number = grouped(int(histogram.counts[index]))
        return f"{value_text(low)} to {value_text(low + step)}: {number}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars and axis."""
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(0, 2, 0, -AXIS_HEIGHT)
        histogram = self._histogram
        if histogram is None or not len(histogram.counts) or not histogram.counts.max():
            painter.setPen(QColor(self._theme.colors.text_faint))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Train to see the weights.")
            return
        self._paint_bars(painter, area, histogram)
        self._paint_axis(painter, area, histogram)

    def _paint_bars(self, painter: QPainter, area: QRectF, histogram: Histogram) -> None:
        count, highest = len(histogram.counts), int(histogram.counts.max())
        color = QColor(self._theme.colors.accent)
        pitch = area.width() / count
        for index, value in enumerate(histogram.counts):
            height = float(value) / highest * area.height()
            left, right = round(index * pitch), round((index + 1) * pitch)
            bar = QRectF(area.left() + left, area.bottom() - height, right - left, height)
            painter.fillRect(bar, color)

    def _paint_axis(self, painter: QPainter, area: QRectF, histogram: Histogram) -> None:
        colors = self._theme.colors
        y = area.bottom() + 3
        painter.setPen(QPen(QColor(colors.edge), 1))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setFont(ui_font(8.5))
        metrics = painter.fontMetrics()
        span = (histogram.high - histogram.low) or 1.0
        for value in ticks(histogram.low, histogram.high):
            x = area.left() + (value - histogram.low) / span * area.width()
            painter.setPen(QPen(QColor(colors.edge), 1))
            painter.drawLine(QPointF(x, y), QPointF(x, y + 3))
            text = f"{value:g}"
            left = x - metrics.horizontalAdvance(text) / 2
            left = min(max(left, 0.0), self.width() - metrics.horizontalAdvance(text))
            painter.setPen(QColor(colors.text_soft))
            painter.drawText(QPointF(left, y + 5 + metrics.ascent()), text)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the bin under the mouse out."""
        text = self.describe(event.position().x())
        if text:
            QToolTip.showText(event.globalPosition().toPoint(), text, self)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers between two values, `most` at most."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [round(index * step, 12) for index in range(first, math.floor(high / step) + 1)]
