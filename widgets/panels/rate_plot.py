"""The curve of a learning-rate range test: the loss over rates that rise tenfold and tenfold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.monitor.plot_lines import paint_faint, paint_line, to_pixels
from widgets.monitor.plot_scale import Scale, linear_ticks, log_ticks
from widgets.theme import ui_font
from workbench.analysis.learning_rate import HIGHEST, LOWEST, smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.analysis.learning_rate import RatePoint

LEFT, TOP, RIGHT, BOTTOM = 34, 6, 8, 20


class RatePlot(QWidget):
    """Draws the losses, their smoothed course, short trainings, and the suggested rate."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ratePlot")
        self.setAccessibleName("Loss over the learning rate")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._rates: np.ndarray = np.empty(0)
        self._losses: np.ndarray = np.empty(0)
        self._smooth: np.ndarray = np.empty(0)
        self._mark: float | None = None
        self._trials: Sequence[RatePoint] = ()
        theme.changed.connect(self.update)

    def show_test(
        self,
        tested: Sequence[RatePoint],
        mark: float | None,
        trials: Sequence[RatePoint] = (),
    ) -> None:
        """Show the steps done so far, and the suggested rate once there is one.

        Args:
            trials: the rates of short trainings and the losses that they ended with.
        """
        self._rates = np.log10([point.rate for point in tested])
        self._losses = np.array([point.loss for point in tested])
        self._smooth = smoothed(self._losses)
        self._mark = mark
        self._trials = [trial for trial in trials if math.isfinite(trial.loss)]
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of a small plot with its axes."""
        return QSize(200, 150)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint grid, curve and mark."""
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)
        low, high = self._ends()
        across = Scale(math.log10(LOWEST), math.log10(HIGHEST), area.left(), area.right())
        down = Scale(low, high, area.bottom(), area.top())
        self._paint_axes(painter, area, across, down)
        painter.setClipRect(area.adjusted(0, -1, 1, 1))
        colors = self._theme.colors
        paint_faint(painter, *to_pixels(across, down, self._rates, self._losses), colors.accent)
        paint_line(painter, *to_pixels(across, down, self._rates, self._smooth), colors.accent)
        if self._mark is not None:
            self._paint_mark(painter, area, across)
        self._paint_trials(painter, across, down)

    def _ends(self) -> tuple[float, float]:
        """Return the ends of the left axis: a diverging end would flatten all the rest."""
        if not len(self._smooth):
            return 0.0, 1.0
        ended = [trial.loss for trial in self._trials]
        low, first = min(float(self._smooth.min()), *ended, math.inf), float(self._smooth[0])
        high = min(float(self._smooth.max()), first + 0.5 * max(first - low, 1e-9))
        margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
        return low - margin, high + margin

    def _paint_axes(self, painter: QPainter, area: QRectF, across: Scale, down: Scale) -> None:
        colors = self._theme.colors
        painter.setFont(ui_font(8.5))
        every = max(math.ceil(9 / max(area.width() / 34, 1)), 1)
        for number, tick in enumerate(log_ticks(across.low, across.high, 100)):
            x = round(across.at(tick.value))
            painter.fillRect(QRectF(x, area.top(), 1, area.height()), QColor(colors.grid))
            if number % every == 0:
                painter.setPen(QColor(colors.text_soft))
                box = QRectF(x - 30, area.bottom() + 4, 60, 16)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, tick.label)
        for tick in linear_ticks(down.low, down.high, 4) if len(self._smooth) else ():
            if not tick.label:
                continue
            y = round(down.at(tick.value))
            painter.fillRect(QRectF(area.left(), y, area.width(), 1), QColor(colors.grid))
            painter.setPen(QColor(colors.text_soft))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 8, area.left() - 6, 16), side, tick.label)

    def _paint_mark(self, painter: QPainter, area: QRectF, across: Scale) -> None:
        x = across.at(math.log10(self._mark))
        pen = QPen(QColor(self._theme.colors.text), 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _paint_trials(self, painter: QPainter, across: Scale, down: Scale) -> None:
        """Paint a dot for each short training, or one on the curve where there were none."""
        points = [(math.log10(trial.rate), trial.loss) for trial in self._trials]
        if self._mark is not None and not points:
            place = math.log10(self._mark)
            points = [(place, float(np.interp(place, self._rates, self._smooth)))]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colors.text))
        for place, loss in points:
            painter.drawEllipse(QPointF(across.at(place), down.at(loss)), 3.5, 3.5)
