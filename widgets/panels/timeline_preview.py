"""A series that goes on in time: its splits in colour, and one window with its horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from widgets.fields import ComboBox
from widgets.monitor.labels import legend_text
from widgets.monitor.time_plot import Line, Part, TimePlot
from widgets.panels.column import wrapped

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.reading import SeenTimeline, TimelinePart
    from workbench.session import Session

NAMES = {"train": "Training", "validation": "Validation", "test": "Test"}
SERIES_HEIGHT, WINDOW_HEIGHT = 150, 110


class TimelinePreview(QWidget):
    """Two plots, fetched only while somebody looks; wheel and mouse zoom and move."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timelinePreview")
        self._session = session
        self._theme = theme
        self._wanted: object = None
        self.seen: SeenTimeline | None = None
        self._series = self._choice("previewSeries", "Series")
        self._column = self._choice("previewColumn", "Column")
        self._split = self._choice("previewSplit", "Split of the window")
        self.plot = self._make_plot("The whole series, by splits", SERIES_HEIGHT)
        self.window_plot = self._make_plot("One window and its horizon", WINDOW_HEIGHT)
        self._names = wrapped("", self)
        self._names.setObjectName("splitNames")
        self._names.setTextFormat(Qt.TextFormat.RichText)
        self._note = wrapped("", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (
            *(self._series, self._column, self.plot, self._names),
            *(self._split, self.window_plot, self._note),
        ):
            column.addWidget(part)
        self._series.activated.connect(lambda _: self._fetch())
        for box in (self._column, self._split):
            box.activated.connect(lambda _: self._draw())
        session.data.info_changed.connect(self.refresh)
        theme.changed.connect(self._draw)
        self.refresh()

    def refresh(self) -> None:
        """Offer what there is; fetch the series again if the data are others."""
        info = self._session.data.info
        timeline = info.timeline if info is not None else None
        self.setVisible(timeline is not None)
        if info is None or timeline is None:
            self._wanted = None
            return
        _offer(self._series, [name or "series" for name in timeline.series])
        _offer(self._column, [*timeline.channels, *timeline.exogenous])
        _offer(self._split, [f"A window of {NAMES[s].lower()}" for s in NAMES if s in info.counts])
        self._fetch()

    def _fetch(self) -> None:
        info = self._session.data.info
        if info is None or info.timeline is None or not self.isVisible():
            return
        series = max(self._series.currentIndex(), 0)
        data = self._session.document.experiment.data
        wanted = (series, info.fingerprint, data.source, data.split, data.preprocessing)
        if wanted != self._wanted:
            self._wanted = wanted
            self._session.data.timeline(series, lambda seen: self._on_arrived(wanted, seen))

    def _on_arrived(self, wanted: object, seen: SeenTimeline | None) -> None:
        if wanted == self._wanted:
            self.seen = seen
            self._note.setText("" if seen else "There is no preview of these data.")
            self._note.setVisible(seen is None)
            self._draw()

    def _draw(self) -> None:
        info = self._session.data.info
        if self.seen is None or info is None or info.timeline is None:
            return
        column = max(self._column.currentIndex(), 0)
        colors, ink = self._theme.colors.series, self._theme.colors.text_soft
        shades = {"train": colors[0], "validation": colors[1], "test": colors[3]}
        x = np.frombuffer(self.seen.times)
        y = np.frombuffer(self.seen.values[min(column, len(self.seen.values) - 1)])
        self.plot.show_lines(
            (Line(ink, x, y, "thin"),),
            parts=[Part(NAMES[p.split], shades[p.split], p.start, p.end) for p in self.seen.parts],
            dated=info.timeline.dated,
        )
        shown = [(NAMES[part.split], shades[part.split]) for part in self.seen.parts]
        self._names.setText(legend_text(shown))
        number = min(max(self._split.currentIndex(), 0), len(self.seen.parts) - 1)
        self._draw_window(self.seen.parts[number], column, info.timeline.dated)

    def _draw_window(self, part: TimelinePart, column: int, dated: bool) -> None:
        self.window_plot.setVisible(bool(part.window_times))
        if not part.window_times:
            return
        x = np.array(part.window_times)
        y = np.frombuffer(part.window_values[min(column, len(part.window_values) - 1)])
        ink, accent = self._theme.colors.text_soft, self._theme.colors.series[1]
        last = len(x) - part.horizon
        self.window_plot.show_lines(
            (
                Line(ink, x[:last], y[:last]),
                Line(accent, x[last - 1 :], y[last - 1 :]),
            ),
            parts=(Part("Horizon", accent, float(x[last - 1]), float(x[-1])),),
            dated=dated,
        )

    def _make_plot(self, title: str, height: int) -> TimePlot:
        plot = TimePlot(self._theme, self)
        plot.setAccessibleName(title)
        plot.setToolTip(title)
        plot.setFixedHeight(height)
        return plot

    def _choice(self, name: str, title: str) -> ComboBox:
        box = ComboBox(self)
        box.setObjectName(name)
        box.setAccessibleName(title)
        return box

    def showEvent(self, event: QShowEvent) -> None:
        """Fetch the series when it comes into sight."""
        super().showEvent(event)
        self._fetch()


def _offer(box: ComboBox, names: list[str]) -> None:
    """Offer names, if they are others than before; one alone is no choice."""
    if [box.itemText(number) for number in range(box.count())] != names:
        kept = box.currentIndex()
        box.clear()
        box.addItems(names)
        box.setCurrentIndex(kept if 0 <= kept < len(names) else 0)
    box.setVisible(len(names) > 1)
