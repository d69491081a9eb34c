"""One plot: lines of several runs on quiet axes that follow the data until somebody zooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPen

from widgets.monitor.labels import clock_text
from widgets.monitor.legend import Legend
from widgets.theme import ui_font

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent, QResizeEvent
    from PySide6.QtWidgets import QWidget

    from widgets.monitor.legend import Entry
    from widgets.monitor.run_curves import Axis, Curve
    from widgets.theme import Theme

MOST_SYMBOLS = 60
"""Validation points beyond which only their dashed line is drawn."""


@dataclass(frozen=True)
class Drawn:
    """One run's curve with its colour."""

    curve: Curve
    color: str


class _Lines:
    """The items of one run: raw, smoothed and validation."""

    def __init__(self, plot: pyqtgraph.PlotItem) -> None:
        self.raw = pyqtgraph.PlotCurveItem(antialias=False)
        self.smooth = pyqtgraph.PlotCurveItem(antialias=True)
        self.validation = pyqtgraph.PlotDataItem(antialias=True)
        self.items = (self.raw, self.smooth, self.validation)
        for depth, item in enumerate(self.items):
            item.setZValue(depth)
            plot.addItem(item, ignoreBounds=True)
        self._color = ""

    def draw(self, drawn: Drawn, in_log: bool, with_raw: bool) -> None:
        curve = drawn.curve
        self._set_color(drawn.color)
        self.raw.setVisible(with_raw)
        if with_raw:
            self.raw.setData(curve.x, _scaled(curve.raw, in_log), connect="finite")
        self.smooth.setData(curve.x, _scaled(curve.smooth, in_log), connect="finite")
        symbol = "o" if len(curve.points_x) <= MOST_SYMBOLS else None
        self.validation.setData(
            curve.points_x, _scaled(curve.points_y, in_log), symbol=symbol, connect="finite"
        )

    def _set_color(self, name: str) -> None:
        if name == self._color:
            return
        self._color = name
        faint = QColor(name)
        faint.setAlpha(85)
        self.raw.setPen(_pen(faint, 1))
        self.smooth.setPen(_pen(QColor(name), 2))
        dashed = _pen(QColor(name), 1.6)
        dashed.setDashPattern([4, 2.5])
        self.validation.setPen(dashed)
        self.validation.setSymbolSize(5)
        self.validation.setSymbolPen(None)
        self.validation.setSymbolBrush(QColor(name))


class _TimeAxis(pyqtgraph.AxisItem):
    """The lower axis; seconds read as minutes and hours."""

    in_seconds = False

    def tickStrings(self, values, scale, spacing):
        """Return the labels of ticks."""
        if not self.in_seconds:
            return super().tickStrings(values, scale, spacing)
        return [clock_text(value) for value in values]


class Plot(pyqtgraph.PlotWidget):
    """Draws curves; scrolls and zooms by mouse; a double click shows everything again."""

    hovered = Signal(object)
    """Place on the lower axis under the mouse, or None."""
    zoomed = Signal(bool)
    """Somebody looks at a part, or at everything again."""
    moved = Signal()
    """The visible part is another."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        axis = _TimeAxis("bottom")
        super().__init__(parent, background=None, axisItems={"bottom": axis})
        self._theme = theme
        self._axis = axis
        self._lines: dict[str, _Lines] = {}
        self.is_zoomed = False
        self.in_log = False
        self.plotItem.hideButtons()
        self.plotItem.setMenuEnabled(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.getViewBox().disableAutoRange()
        self.getViewBox().sigRangeChangedManually.connect(self._on_zoomed)
        self._cursor = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self.plotItem.addItem(self._cursor, ignoreBounds=True)
        self.legend = Legend(theme, self)
        self._legend_at_bottom = False
        self.setMouseTracking(True)
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take over the theme's colours."""
        colors = self._theme.colors
        for name in ("left", "bottom"):
            axis = self.plotItem.getAxis(name)
            axis.setPen(QPen(QColor(colors.edge), 1))
            axis.setTextPen(QColor(colors.text_soft))
            axis.setTickFont(ui_font(8.5))
            axis.setStyle(tickLength=0, tickTextOffset=6)
            axis.setGrid(38)
        self._cursor.setPen(QPen(QColor(colors.text_faint), 1))
        for lines in self._lines.values():
            lines._color = ""
        self.legend.update()

    def set_axis(self, axis: Axis) -> None:
        """Say what the lower axis counts."""
        self._axis.in_seconds = axis == "time"
        self._axis.picture = None
        self._axis.update()

    def set_log(self, in_log: bool) -> None:
        """Show the values on a logarithmic axis; values that are not positive have no place."""
        self.in_log = in_log
        self.plotItem.getAxis("left").setLogMode(y=in_log)

    def draw(self, runs: dict[str, Drawn], *, with_raw: bool, ignore_outliers: bool) -> None:
        """Draw these runs, by name, and no others."""
        for name in [name for name in self._lines if name not in runs]:
            for item in self._lines.pop(name).items:
                self.plotItem.removeItem(item)
        for name, drawn in runs.items():
            if name not in self._lines:
                self._lines[name] = _Lines(self.plotItem)
            self._lines[name].draw(drawn, self.in_log, with_raw)
        if not self.is_zoomed:
            self._show_all(list(runs.values()), ignore_outliers)

    def show_legend(self, entries: tuple[Entry, ...], heading: str, cursor: float | None) -> None:
        """Show the legend in a free corner, and the cursor."""
        self.legend.show_entries(entries, heading)
        self._cursor.setVisible(cursor is not None)
        if cursor is not None:
            self._cursor.setPos(cursor)
        self._place_legend()

    def visible_part(self) -> tuple[float, float] | None:
        """Return the ends of the lower axis if only a part is looked at."""
        if not self.is_zoomed:
            return None
        low, high = self.getViewBox().viewRange()[0]
        return low, high

    def show_everything(self) -> None:
        """Leave the part that was zoomed into."""
        self.is_zoomed = False
        self.zoomed.emit(False)
        self.moved.emit()

    def _show_all(self, runs: list[Drawn], ignore_outliers: bool) -> None:
        x = _joined([array for d in runs for array in (d.curve.x, d.curve.points_x)])
        y = _joined([_scaled(d.curve.smooth, self.in_log) for d in runs])
        raw = _joined([_scaled(d.curve.raw, self.in_log) for d in runs])
        points = _joined([_scaled(d.curve.points_y, self.in_log) for d in runs])
        if ignore_outliers and len(raw) > 20:
            # One outlier stays in the running average for long, so only raw values decide.
            y = np.percentile(raw, [2, 98])
        else:
            y = np.concatenate((y, raw))
        values = np.concatenate((y, points))
        if not len(x) or not len(values):
            return
        low, high = float(values.min()), float(values.max())
        margin = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
        left, right = min(float(x.min()), 0.0), max(float(x.max()), 1e-9)
        self.getViewBox().setRange(
            xRange=(left - right * 0.02, right * 1.02),
            yRange=(low - margin, high + margin),
            padding=0,
            disableAutoRange=False,
        )
        last = [float(d.curve.smooth[-1]) for d in runs if len(d.curve.smooth)]
        if last:
            ends = _scaled(np.array(last), self.in_log)
            self._legend_at_bottom = bool(np.nanmean(ends) > (low + high) / 2)

    def _place_legend(self) -> None:
        area = self.getViewBox().sceneBoundingRect()
        self.legend.place(QRectF(area), self._legend_at_bottom)

    def _on_zoomed(self) -> None:
        if not self.is_zoomed:
            self.is_zoomed = True
            self.zoomed.emit(True)
        self.moved.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything again."""
        self.show_everything()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say where the mouse is on the lower axis."""
        super().mouseMoveEvent(event)
        box = self.getViewBox()
        place = self.mapToScene(event.position().toPoint())
        inside = box.sceneBoundingRect().contains(place)
        self.hovered.emit(box.mapSceneToView(QPointF(place)).x() if inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Say that the mouse is gone."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the legend in its corner."""
        super().resizeEvent(event)
        if hasattr(self, "legend"):  # the base class resizes before it is complete
            self._place_legend()


def _scaled(values: np.ndarray, in_log: bool) -> np.ndarray:
    if not in_log:
        return values
    positive = np.where(values > 0, values, np.nan)
    return np.log10(positive)


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    joined = np.concatenate(arrays) if arrays else np.empty(0)
    return joined[np.isfinite(joined)]


def _pen(color: QColor, width: float) -> QPen:
    pen = QPen(color, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen
