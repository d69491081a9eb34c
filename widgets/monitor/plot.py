"""One plot: lines of several runs on quiet axes that follow the data until somebody zooms."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.monitor.legend import Legend
from widgets.monitor.plot_lines import paint_dashes, paint_faint, paint_line, to_pixels
from widgets.monitor.plot_scale import Scale, Tick, linear_ticks, log_ticks, time_ticks
from widgets.theme import ui_font

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from widgets.monitor.legend import Entry
    from widgets.monitor.run_curves import Axis, Curve
    from widgets.theme import Theme

LEFT, TOP, RIGHT, BOTTOM = 44, 4, 8, 22
Range = tuple[float, float]


@dataclass(frozen=True)
class Drawn:
    """One run's curve with its colour."""

    curve: Curve
    color: str


class Plot(QWidget):
    """Draws curves into a picture, so that a moving cursor costs nothing.

    The wheel zooms into the lower axis, dragging moves it, a double click shows everything
    again; so do plus, minus, the arrow keys and Home. The left axis always fits what is visible.
    """

    hovered = Signal(object)
    """Place on the lower axis under the mouse, or None."""
    zoomed = Signal(bool)
    """Somebody looks at a part, or at everything again."""
    moved = Signal()
    """The visible part is another."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("plot")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._picture: QImage | None = None
        self._axis: Axis = "step"
        self._with_raw = True
        self._dragged_from: tuple[float, Range] | None = None
        self.runs: dict[str, Drawn] = {}
        self.x_range: Range = (0.0, 1.0)
        self.y_range: Range = (0.0, 1.0)
        self.cursor_at: float | None = None
        self.is_zoomed = False
        self.in_log = False
        self.paint_seconds = 0.0
        """What the last picture cost."""
        self.legend = Legend(theme, self)
        self._legend_at_bottom = False

    def minimumSizeHint(self) -> QSize:
        """Room for axes and a line."""
        return QSize(150, 80)

    @property
    def area(self) -> QRectF:
        """Where the lines are, between the axes."""
        return QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)

    @property
    def scales(self) -> tuple[Scale, Scale]:
        """The lower and the left axis."""
        area = self.area
        return (
            Scale(*self.x_range, area.left(), area.right()),
            Scale(*self.y_range, area.bottom(), area.top()),
        )

    @property
    def visible_part(self) -> Range | None:
        """The ends of the lower axis if only a part is looked at."""
        return self.x_range if self.is_zoomed else None

    def set_axis(self, axis: Axis) -> None:
        """Say what the lower axis counts; everything is shown again."""
        self._axis = axis
        self._set_zoomed(False)

    def draw(self, runs: dict[str, Drawn], *, with_raw: bool, ignore_outliers: bool) -> None:
        """Draw these runs, by name, and no others."""
        self.runs, self._with_raw = runs, with_raw
        if not self.is_zoomed:
            self._fit_lower_axis()
        self._fit_left_axis(ignore_outliers)
        self.redraw()

    def redraw(self) -> None:
        """Paint the picture anew, in other colours perhaps."""
        self._picture = None
        self.update()

    def show_legend(self, entries: tuple[Entry, ...], heading: str, cursor: float | None) -> None:
        """Show the legend in a free corner, and the cursor."""
        self.legend.show_entries(entries, heading)
        if cursor != self.cursor_at:
            self.cursor_at = cursor
            self.update()
        self.legend.place(self.area, self._legend_at_bottom)

    def show_everything(self) -> None:
        """Leave the part that was zoomed into."""
        self._set_zoomed(False)
        self.moved.emit()

    def zoom(self, factor: float, around: float) -> None:
        """Show a smaller (factor below 1) or larger part around a place of the lower axis."""
        low, high = self.x_range
        self.show_part((around - (around - low) * factor, around + (high - around) * factor))

    def show_part(self, part: Range) -> None:
        """Show a part of the lower axis."""
        if part[1] - part[0] > 1e-9:
            self.x_range = part
            self._set_zoomed(True)
            self.moved.emit()

    def _set_zoomed(self, on: bool) -> None:
        if on != self.is_zoomed:
            self.is_zoomed = on
            self.zoomed.emit(on)

    def _fit_lower_axis(self) -> None:
        ends = [
            float(x)
            for drawn in self.runs.values()
            for array in (drawn.curve.x, drawn.curve.points_x)
            for x in array[-1:]
        ]
        last = max(ends, default=1.0) or 1.0
        self.x_range = (-last * 0.02, last * 1.02)

    def _fit_left_axis(self, ignore_outliers: bool) -> None:
        curves = [drawn.curve for drawn in self.runs.values()]
        smooth = self._visible([(curve.smooth_x, curve.smooth) for curve in curves])
        raw = self._visible([(curve.x, curve.raw) for curve in curves])
        points = self._visible([(curve.points_x, curve.points_y) for curve in curves])
        if ignore_outliers and len(raw) > 20:
            # One outlier stays in the running average for long, so only raw values decide.
            training = np.percentile(raw, [2, 98])
        else:
            training = np.concatenate((smooth, raw))
        values = np.concatenate((training, points))
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        self.y_range = (low - margin, high + margin)
        ends = self._in_axis(np.array([c.smooth[-1] for c in curves if len(c.smooth)]))
        ends = ends[np.isfinite(ends)]
        self._legend_at_bottom = bool(len(ends) and ends.mean() > (low + high) / 2)

    def _visible(self, lines: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Return all finite values between the ends of the lower axis."""
        low, high = self.x_range
        parts = [self._in_axis(y[(x >= low) & (x <= high)]) for x, y in lines]
        joined = np.concatenate(parts) if parts else np.empty(0)
        return joined[np.isfinite(joined)]

    def _in_axis(self, values: np.ndarray) -> np.ndarray:
        """Return values as the left axis counts; its logarithms know no zero."""
        if not self.in_log:
            return values
        return np.log10(np.where(values > 0, values, np.nan))

    def _ticks(self) -> tuple[list[Tick], list[Tick]]:
        area = self.area
        across, down = max(int(area.width() // 70), 2), max(int(area.height() // 34), 2)
        below = (time_ticks if self._axis == "time" else linear_ticks)(*self.x_range, across)
        left = (log_ticks if self.in_log else linear_ticks)(*self.y_range, down)
        return below, left

    def _painted(self) -> QImage:
        ratio = self.devicePixelRatioF()
        picture = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(self._theme.colors.panel))
        painter = QPainter(picture)
        below, left = self._ticks()
        self._paint_grid(painter, below, left)
        painter.setClipRect(self.area.adjusted(0, -1, 1, 1))
        self._paint_lines(painter)
        painter.setClipping(False)
        self._paint_axes(painter, below, left)
        painter.end()
        return picture

    def _paint_lines(self, painter: QPainter) -> None:
        for drawn in self.runs.values():
            self._paint_run(painter, drawn)

    def _paint_run(self, painter: QPainter, drawn: Drawn) -> None:
        curve, (across, down) = drawn.curve, self.scales
        if self._with_raw:
            raw = to_pixels(across, down, curve.x, self._in_axis(curve.raw))
            paint_faint(painter, *raw, drawn.color)
        smooth = to_pixels(across, down, curve.smooth_x, self._in_axis(curve.smooth))
        paint_line(painter, *smooth, drawn.color)
        points = to_pixels(across, down, curve.points_x, self._in_axis(curve.points_y))
        paint_dashes(painter, *points, drawn.color)

    def _paint_grid(self, painter: QPainter, below: list[Tick], left: list[Tick]) -> None:
        (across, down), colors = self.scales, self._theme.colors
        area = self.area.toRect()
        # Opaque colours and whole pixels: blending took half of all drawing time.
        strong, faint = QColor(colors.grid), mixed(colors.panel, colors.grid, 0.35)
        for tick in below:
            x = round(across.at(tick.value))
            color = strong if tick.label else faint
            painter.fillRect(QRect(x, area.top(), 1, area.height()), color)
        for tick in left:
            y = round(down.at(tick.value))
            color = strong if tick.label else faint
            painter.fillRect(QRect(area.left(), y, area.width(), 1), color)

    def _paint_axes(self, painter: QPainter, below: list[Tick], left: list[Tick]) -> None:
        area, (across, down), colors = self.area, self.scales, self._theme.colors
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        inside, edge = area.toRect(), mixed(colors.panel, colors.edge, 0.67)
        painter.fillRect(QRect(inside.left(), inside.top(), 1, inside.height() + 1), edge)
        painter.fillRect(QRect(inside.left(), inside.bottom() + 1, inside.width(), 1), edge)
        painter.setFont(ui_font(8.5))
        painter.setPen(QColor(colors.text_soft))
        middle, right = Qt.AlignmentFlag.AlignCenter, Qt.AlignmentFlag.AlignRight
        for tick in below:
            if tick.label:
                half = painter.fontMetrics().horizontalAdvance(tick.label) / 2
                at = min(across.at(tick.value), self.width() - half)  # not cut by the edge
                box = QRectF(at - 40, area.bottom() + 4, 80, 16)
                painter.drawText(box, middle, tick.label)
        for tick in left:
            if tick.label:
                box = QRectF(0, down.at(tick.value) - 8, area.left() - 6, 16)
                painter.drawText(box, right | Qt.AlignmentFlag.AlignVCenter, tick.label)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the picture, and the cursor above it."""
        if self._picture is None:
            begin = time.thread_time()
            self._picture = self._painted()
            self.paint_seconds = time.thread_time() - begin
        painter = QPainter(self)
        painter.drawImage(0, 0, self._picture)
        if self.cursor_at is not None:
            x = round(self.scales[0].at(self.cursor_at)) + 0.5
            painter.setPen(QPen(QColor(self._theme.colors.text_faint), 1))
            painter.drawLine(QPointF(x, self.area.top()), QPointF(x, self.area.bottom()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew, and keep the legend in its corner."""
        self._picture = None
        self.legend.place(self.area, self._legend_at_bottom)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything again."""
        self.show_everything()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the lower axis."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged_from = event.position().x(), self.x_range

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the lower axis, or say where the mouse is on it."""
        place = event.position()
        if self._dragged_from is not None and event.buttons() & Qt.MouseButton.LeftButton:
            start, (low, high) = self._dragged_from
            shift = (start - place.x()) * (high - low) / max(self.area.width(), 1)
            if self.is_zoomed:
                self.show_part((low + shift, high + shift))
            return
        inside = self.area.contains(place)
        self.hovered.emit(self.scales[0].value_at(place.x()) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End moving."""
        self._dragged_from = None

    def leaveEvent(self, event: QEvent) -> None:
        """Say that the mouse is gone."""
        self.hovered.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        turns = event.angleDelta().y() / 120
        self.zoom(0.85**turns, self.scales[0].value_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom, move and show everything by keyboard."""
        low, high = self.x_range
        middle, tenth = (low + high) / 2, (high - low) / 10
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(0.8, middle)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.25, middle)
        elif key == Qt.Key.Key_Home:
            self.show_everything()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self.is_zoomed:
            shift = tenth if key == Qt.Key.Key_Right else -tenth
            self.show_part((low + shift, high + shift))
        else:
            super().keyPressEvent(event)


def mixed(under: str, over: str, share: float) -> QColor:
    """Return the opaque colour that `over` gives when it covers `under` by a share."""
    low, high = QColor(under), QColor(over)
    parts = zip(low.getRgb()[:3], high.getRgb()[:3], strict=True)
    return QColor(*(round(a + (b - a) * share) for a, b in parts))
