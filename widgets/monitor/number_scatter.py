"""Predicted numbers over true ones: on the diagonal an answer is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.monitor.plot_scale import Scale, linear_ticks
from widgets.theme import ui_font

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from widgets.theme import Theme

LEFT, BOTTOM, TOP, RIGHT = 56, 36, 8, 10
RADIUS = 3.0
REACH = 8.0
"""Pixels around the mouse in which a point is taken for the one that is meant."""
MOST = 4000
"""Points that are drawn; of more, evenly spread ones."""
ALPHA = 150


class NumberScatter(QWidget):
    """One point a sample, on two axes of one scale.

    Signals:
        pointed(object): row of the point under the mouse, or None.
        chosen(int): row of the point that was clicked.
    """

    pointed = Signal(object)
    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("numberScatter")
        self.setAccessibleName("Predicted numbers over true ones")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._true = self._said = np.zeros(0)
        self._rows = np.zeros(0, np.int64)
        self._name = ""
        self._marked: int | None = None
        theme.changed.connect(self.update)

    def show_numbers(
        self, true: NDArray[np.floating], said: NDArray[np.floating], name: str
    ) -> None:
        """Show other numbers.

        Args:
            name: of the quantity, for the axes.
        """
        count = len(true)
        self._rows = np.unique(np.linspace(0, max(count - 1, 0), MOST).astype(int))[:count]
        self._true = np.asarray(true, np.float64)[self._rows]
        self._said = np.nan_to_num(np.asarray(said, np.float64)[self._rows])
        self._name, self._marked = name, None
        self.update()

    def mark(self, row: int | None) -> None:
        """Let one sample stand out."""
        if row != self._marked:
            self._marked = row
            self.update()

    @property
    def area(self) -> QRectF:
        """Where the points are: a square."""
        room = QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)
        side = max(min(room.width(), room.height()), 1.0)
        left = room.left() + max((room.width() - side) / 2 - LEFT / 2, 0)
        return QRectF(left, room.top() + (room.height() - side) / 2, side, side)

    def places(self) -> NDArray[np.float64]:
        """Return where the points are, in the widget's coordinates."""
        across, up = self._scales()
        return np.stack([across.to_pixels(self._true), up.to_pixels(self._said)], axis=1)

    def row_at(self, place: QPointF) -> int | None:
        """Return the sample that is meant by a place."""
        if not len(self._true):
            return None
        apart = np.hypot(*(self.places() - [place.x(), place.y()]).T)
        nearest = int(apart.argmin())
        return int(self._rows[nearest]) if apart[nearest] <= REACH else None

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(360, 300)

    def minimumSizeHint(self) -> QSize:
        """Room for a cloud."""
        return QSize(180, 150)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the axes, the diagonal and the points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font(8.5))
        if not len(self._true):
            return
        self._paint_axes(painter)
        color = QColor(self._theme.colors.series[0])
        color.setAlpha(ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        places = self.places()
        for x, y in places.tolist():
            painter.drawEllipse(QPointF(x, y), RADIUS, RADIUS)
        if self._marked is not None and (found := np.flatnonzero(self._rows == self._marked)).size:
            painter.setPen(QPen(QColor(self._theme.colors.text), 1.5))
            painter.setBrush(QColor(self._theme.colors.series[1]))
            painter.drawEllipse(QPointF(*places[found[0]]), RADIUS + 2, RADIUS + 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which sample is under the mouse."""
        row = self.row_at(event.position())
        self.mark(row)
        self.pointed.emit(row)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked sample."""
        row = self.row_at(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(row)

    def leaveEvent(self, event: object) -> None:
        """Nothing is under the mouse any more."""
        self.mark(None)
        self.pointed.emit(None)

    def _scales(self) -> tuple[Scale, Scale]:
        both = np.concatenate([self._true, self._said])
        low, high = float(both.min()), float(both.max())
        margin = 0.04 * (high - low) or 1.0
        area = self.area
        return (
            Scale(low - margin, high + margin, area.left(), area.right()),
            Scale(low - margin, high + margin, area.bottom(), area.top()),
        )

    def _paint_axes(self, painter: QPainter) -> None:
        colors, area = self._theme.colors, self.area
        across, up = self._scales()
        for tick in linear_ticks(across.low, across.high, max(int(area.width() // 50), 2)):
            x, y = across.at(tick.value), up.at(tick.value)
            if not tick.label:
                continue
            painter.setPen(QColor(colors.grid))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(colors.text_soft))
            below = QRectF(x - 40, area.bottom() + 2, 80, 14)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, tick.label)
            beside = QRectF(area.left() - 64, y - 7, 60, 14)
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(beside, side, tick.label)
        painter.setPen(QPen(QColor(colors.text_faint), 1, Qt.PenStyle.DashLine))
        painter.drawLine(area.bottomLeft(), area.topRight())
        painter.setPen(QColor(colors.text_soft))
        metrics = painter.fontMetrics()
        name = metrics.elidedText(
            f"True {self._name}", Qt.TextElideMode.ElideRight, int(area.width())
        )
        under = QRectF(area.left(), area.bottom() + 17, area.width(), 16)
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, name)
        painter.drawText(
            QRectF(area.left() + 6, area.top() + 4, area.width() - 12, 16), 0, "Predicted"
        )
