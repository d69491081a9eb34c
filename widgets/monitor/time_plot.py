"""A plot of series over their own time: lines, bands between two lines, shaded parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from widgets.monitor.plot import BOTTOM, Plot
from widgets.monitor.plot_lines import paint_dashes, paint_line, to_pixels
from widgets.monitor.plot_scale import Tick, linear_ticks
from widgets.monitor.time_ticks import date_ticks, plain_ticks
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QWidget

    from widgets.theme import Theme

Style = Literal["line", "thin", "dashes"]
BAND_ALPHA = 60


@dataclass(frozen=True)
class Line:
    """A series; x ascends, gaps are NaN."""

    color: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    style: Style = "line"


@dataclass(frozen=True)
class Band:
    """What lies between two lines."""

    color: str
    x: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A stretch of the lower axis in a faint colour, with its name where there is room."""

    name: str
    color: str
    start: float
    end: float


class TimePlot(Plot):
    """Lines that are thinned to what can be seen; the lower axis counts dates or numbers.

    Signals:
        pointed(object): the place on the lower axis under the mouse, or None.
    """

    pointed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._lines: Sequence[Line] = ()
        self._bands: Sequence[Band] = ()
        self._parts: Sequence[Part] = ()
        self._path: tuple[Sequence[Line], Sequence[Band]] = ((), ())
        self._dated = False
        self._zero = False
        self.with_times = True
        """Whether the lower axis has labels."""
        self.moved.connect(self._refit)
        self.hovered.connect(self.pointed)

    @property
    def area(self) -> QRectF:
        """Where the lines are, between the axes."""
        found = super().area
        return found if self.with_times else found.adjusted(0, 0, 0, BOTTOM - 6)

    def show_lines(
        self,
        lines: Sequence[Line],
        bands: Sequence[Band] = (),
        parts: Sequence[Part] = (),
        *,
        dated: bool = False,
        around_zero: bool = False,
    ) -> None:
        """Draw these; a part that was zoomed into stays.

        Args:
            dated: the lower axis counts seconds since 1970.
            around_zero: zero is in the middle of the left axis.
        """
        self._lines, self._bands, self._parts = lines, bands, parts
        self._dated, self._zero = dated, around_zero
        if not self.is_zoomed:
            self._fit_lower_axis()
        self._refit()

    def show_path(self, lines: Sequence[Line], bands: Sequence[Band] = ()) -> None:
        """Draw these above the others, quickly: what belongs to the place under the mouse."""
        self._path = lines, bands
        self.update()

    def set_cursor(self, place: float | None) -> None:
        """Show the cursor at a place of the lower axis."""
        if place != self.cursor_at:
            self.cursor_at = place
            self.update()

    def _refit(self) -> None:
        self._fit_left_axis(ignore_outliers=False)
        self.redraw()

    def _fit_lower_axis(self) -> None:
        ends = [line.x[[0, -1]] for line in self._lines if len(line.x)]
        if not ends:
            self.x_range = (0.0, 1.0)
            return
        low, high = float(np.min(ends)), float(np.max(ends))
        margin = (high - low) * 0.015 or 1.0
        self.x_range = (low - margin, high + margin)

    def _fit_left_axis(self, ignore_outliers: bool) -> None:
        seen = [self._visible([(line.x, line.y)]) for line in self._lines]
        for band in self._bands:
            seen += [self._visible([(band.x, band.low), (band.x, band.high)])]
        values = np.concatenate(seen) if seen else np.empty(0)
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        if self._zero:
            high = max(abs(low), abs(high))
            low = -high
        margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        self.y_range = (low - margin, high + margin)

    def _ticks(self) -> tuple[list[Tick], list[Tick]]:
        area = self.area
        across, down = max(int(area.width() // 84), 2), max(int(area.height() // 34), 2)
        below = (date_ticks if self._dated else plain_ticks)(*self.x_range, across)
        if not self.with_times:
            below = [Tick(tick.value) for tick in below]
        return below, linear_ticks(*self.y_range, down)

    def _paint_lines(self, painter: QPainter) -> None:
        self._paint_parts(painter)
        most = max(2 * int(self.area.width()), 400)
        for band in self._bands:
            self._paint_band(painter, band, most)
        for line in self._lines:
            self._paint_one(painter, line, most)

    def _paint_parts(self, painter: QPainter) -> None:
        area, across = self.area, self.scales[0]
        painter.setFont(ui_font(8.5))
        for part in self._parts:
            left, right = across.at(part.start), across.at(part.end)
            box = QRectF(left, area.top(), right - left, area.height()).intersected(area)
            color = QColor(part.color)
            color.setAlpha(26)
            painter.fillRect(box, color)
            painter.setPen(QColor(part.color))
            if painter.fontMetrics().horizontalAdvance(part.name) < box.width() - 6:
                painter.drawText(box.adjusted(4, 2, 0, 0), Qt.AlignmentFlag.AlignLeft, part.name)

    def _paint_band(self, painter: QPainter, band: Band, most: int) -> None:
        x, low = thinned(band.x, band.low, self.x_range, most, "low")
        _, high = thinned(band.x, band.high, self.x_range, most, "high")
        lower, upper = to_pixels(*self.scales, x, low), to_pixels(*self.scales, x, high)
        points = [QPointF(*pair) for pair in zip(*(a.tolist() for a in lower), strict=True)]
        back = [QPointF(*pair) for pair in zip(*(a.tolist() for a in upper), strict=True)]
        color = QColor(band.color)
        color.setAlpha(BAND_ALPHA)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([*points, *reversed(back)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_one(self, painter: QPainter, line: Line, most: int) -> None:
        x, y = thinned(line.x, line.y, self.x_range, most)
        at = to_pixels(*self.scales, x, y)
        if line.style == "dashes":
            paint_dashes(painter, *at, line.color)
        elif line.style == "line":
            paint_line(painter, *at, line.color)
        else:
            paint_line(painter, *at, line.color, width=1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the picture, and above it what belongs to the place under the mouse."""
        super().paintEvent(event)
        lines, bands = self._path
        if not lines:
            return
        painter = QPainter(self)
        painter.setClipRect(self.area)
        for band in bands:
            self._paint_band(painter, band, 1000)
        for line in lines:
            self._paint_one(painter, line, 1000)
            painter.setPen(QPen(QColor(self._theme.colors.panel), 1))
            painter.setBrush(QColor(line.color))
            x, y = to_pixels(*self.scales, line.x, line.y)
            for point in zip(x.tolist(), y.tolist(), strict=True):
                painter.drawEllipse(QPointF(*point), 3, 3)


def thinned(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    part: tuple[float, float],
    most: int,
    keep: Literal["both", "low", "high"] = "both",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what of a line can be seen: of many points, the extremes of each small bucket.

    Args:
        part: ends of the lower axis.
        most: points to return at most, about.
    """
    start = max(int(np.searchsorted(x, part[0])) - 1, 0)
    stop = int(np.searchsorted(x, part[1], side="right")) + 1
    x, y = x[start:stop], y[start:stop]
    if len(x) <= most:
        return x, y
    size = -(-len(x) // (most // 2))
    whole = len(x) // size * size
    buckets = y[:whole].reshape(-1, size)
    first = np.arange(len(buckets)) * size
    low = np.where(np.isfinite(buckets), buckets, np.inf).argmin(axis=1) + first
    high = np.where(np.isfinite(buckets), buckets, -np.inf).argmax(axis=1) + first
    if keep != "both":
        return x[first], y[low if keep == "low" else high]
    chosen = np.sort(np.concatenate((low, high)))
    return x[chosen], y[chosen]
