"""The Forecast tab: forecasts on the truth, what they miss, and what simple forecasts reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.choices import NO_RUN, SplitChoice, choice
from widgets.monitor.empty import EmptyState
from widgets.monitor.forecast_rows import ForecastRows, path_of, rows_of
from widgets.monitor.forecast_scores import ForecastScores, ResidualBars, against_naive
from widgets.monitor.labels import legend_text
from widgets.monitor.saved import saved_info
from widgets.monitor.time_plot import Band, Line, TimePlot
from widgets.texts import grouped
from widgets.theme import ui_font
from workbench.plugin_api.forecast_results import ForecastResults
from workbench.plugin_api.timelines import TimelineInfo

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.plugin_api.data import SplitName
    from workbench.runs.folder import RunFolder
    from workbench.session import Session

NO_RESULTS = (
    "Nothing has been forecast yet",
    "Forecasts appear after the first epoch; those of the test split when training ends.",
)
OTHER_TASK = ("This run does not forecast", "Its results are in another tab.")


class ForecastsPanel(QWidget):
    """Forecasts of one split of the shown run; follows the training epoch by epoch."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("forecasts")
        self.setAccessibleName("Forecasts")
        self._session = session
        self._theme = theme
        self._results: object = None
        self._forecasts: ForecastResults | None = None
        self._step = 0
        self._info = TimelineInfo(channels=("",))
        self._info_of: RunFolder | None = None
        self.rows: ForecastRows | None = None
        self.plot = TimePlot(theme)
        self.plot.setAccessibleName("Truth and forecasts")
        self.misses = TimePlot(theme)
        self.misses.setAccessibleName("Errors over time")
        self.misses.with_times = False
        self.scores = ForecastScores(theme, against_naive)
        self.bars = ResidualBars(theme, "forecast")
        self._make_choices()
        self._empty = EmptyState(theme, "picture", *NO_RUN)
        self._splitter = self._make_splitter()
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._splitter)
        self._connect()

    @property
    def split(self) -> SplitName | None:
        """The split that is shown."""
        return self._split.split

    def refresh(self) -> None:
        """Show the newest forecasts; costs nothing unseen or when nothing is new."""
        if not self.isVisible():
            return
        run = self._session.run
        if self._split.offer(run.state.evaluations):
            self._forget()
        evaluation = run.state.evaluations.get(self.split or "")
        if evaluation is None:
            self._show_empty(*(NO_RESULTS if run.folder else NO_RUN))
            return
        results = run.results(self.split)
        if results is not None and results is not self._results:
            self._results, self._step = results, results.step
            self._forecasts = ForecastResults.of(results.arrays)
            self._learn_names()
            self._draw()
        if self._results is not None and self._forecasts is None:
            self._show_empty(*OTHER_TASK)
            return
        self.scores.show_scores(evaluation)
        self._layout.setCurrentWidget(self._splitter)

    def _show_empty(self, title: str, text: str) -> None:
        self._empty.show_text(title, text)
        self._layout.setCurrentWidget(self._empty)

    def _draw(self) -> None:
        found = self._forecasts
        if found is None:
            return
        place = (self._series.currentIndex(), self._channel.currentIndex())
        series, channel = (max(number, 0) for number in place)
        rows = rows_of(found, series, channel, max(self._ahead.currentIndex(), 0))
        self.rows = rows
        blue, orange, grey = self._theme.colors.series[:3]
        ink = self._theme.colors.text_soft
        bands = (Band(blue, rows.x, rows.low, rows.high),) if rows.has_band else ()
        self.plot.show_lines(
            (
                Line(grey, rows.x, rows.naive, "thin"),
                Line(ink, rows.x, rows.truth),
                Line(blue, rows.x, rows.forecast),
            ),
            bands,
            dated=self._info.dated,
        )
        zero = Line(grey, rows.x, rows.x * 0, "thin")
        errors = Line(orange, rows.x, rows.residuals, "thin")
        self.misses.show_lines((zero, errors), dated=self._info.dated, around_zero=True)
        self.bars.show_residuals(rows.residuals)
        self._name_lines(None)

    def _on_pointed(self, place: float | None) -> None:
        """Read out what is under the mouse, and draw all steps forecast from there."""
        row = self.rows.nearest(place) if self.rows is not None and place is not None else None
        for plot in (self.plot, self.misses):
            plot.set_cursor(None if row is None else float(self.rows.x[row]))
        if self.rows is not None:
            self._name_lines(row)
        if row is None or self._forecasts is None:
            self.plot.show_path(())
        elif self._forecasts.forecasts.shape[1] > 1:
            self._show_path(row)

    def _name_lines(self, row: int | None) -> None:
        """Name the lines, with their values at a row if there is one."""
        rows, colors = self.rows, self._theme.colors
        names = {
            "Truth": (rows.truth, colors.text_soft),
            "Forecast": (rows.forecast, colors.series[0]),
            "Naive": (rows.naive, colors.series[2]),
        }
        if row is None:
            told = f"{grouped(len(rows.x))} windows, step {grouped(self._step)}"
            entries = [(name, color) for name, (_, color) in names.items()]
        else:
            told = self._info.text(float(rows.x[row]))
            entries = [(f"{name} {y[row]:.5g}", color) for name, (y, color) in names.items()]
            if rows.has_band:
                band = f"{rows.low[row]:.5g} … {rows.high[row]:.5g}"
                entries[1] = (f"{entries[1][0]} ({band})", entries[1][1])
        self._count.setText(told)
        self._names.setText(legend_text(entries))

    def _show_path(self, row: int) -> None:
        series, channel = (max(b.currentIndex(), 0) for b in (self._series, self._channel))
        path = path_of(self._forecasts, series, channel, row)
        accent = self._theme.colors.series[1]
        bands = (Band(accent, path.x, path.low, path.high),) if path.has_band else ()
        self.plot.show_path((Line(accent, path.x, path.forecast),), bands)

    def _learn_names(self) -> None:
        """Take channels and series from what the run saved; offer what there is to choose."""
        folder, found = self._session.run.folder, self._forecasts
        if found is None or folder is None:
            return
        if folder != self._info_of:
            self._info_of, self._info = folder, saved_info(folder).timeline or self._info
        horizon, channels = found.forecasts.shape[1:3]
        names = self._info.channels
        if len(names) != channels:
            names = tuple(f"channel {number + 1}" for number in range(channels))
        _offer(self._channel, names)
        step = self._info.step_words or "step"
        _offer(self._ahead, tuple(f"{_steps(n + 1, step)} ahead" for n in range(horizon)))
        _offer(self._series, tuple(name or "series" for name in self._info.series))

    def _forget(self) -> None:
        self._results = self._forecasts = self.rows = None
        for plot in (self.plot, self.misses):
            plot.show_everything()

    def _on_opened(self) -> None:
        self._info_of = None
        self._forget()
        self.refresh()

    def _on_split_changed(self) -> None:
        self._forget()
        self.refresh()

    def _on_zoomed(self) -> None:
        """Let both plots show the same part of time."""
        sender, other = self.plot, self.misses
        if self.sender() is self.misses:
            sender, other = other, sender
        self._fit.setVisible(sender.is_zoomed)
        if sender.is_zoomed and other.x_range != sender.x_range:
            other.show_part(sender.x_range)
        elif not sender.is_zoomed and other.is_zoomed:
            other.show_everything()
        if not sender.is_zoomed:
            self._draw()

    def _connect(self) -> None:
        for plot in (self.plot, self.misses):
            plot.pointed.connect(self._on_pointed)
            plot.moved.connect(self._on_zoomed)
        for box in (self._series, self._channel, self._ahead):
            box.currentIndexChanged.connect(self._draw)
        self._split.currentIndexChanged.connect(self._on_split_changed)
        self._fit.clicked.connect(self.plot.show_everything)
        self._session.run.opened.connect(self._on_opened)
        self._session.run.updated.connect(self.refresh)
        self._theme.changed.connect(self._draw)

    def _make_choices(self) -> None:
        self._split = SplitChoice()
        self._series = choice("series", "Series")
        self._channel = choice("channel", "Channel")
        self._ahead = choice("ahead", "How far ahead forecasts were made")
        self._count = QLabel()
        self._count.setObjectName("count")
        self._count.setProperty("soft", True)
        self._names = QLabel()
        self._names.setObjectName("lineNames")
        self._names.setFont(ui_font(8.5))
        self._fit = QToolButton()
        self._fit.setObjectName("fit")
        self._fit.setText("Fit")
        self._fit.setToolTip("Show the whole series again")
        self._fit.setProperty("flat", True)
        self._fit.hide()

    def _make_splitter(self) -> QSplitter:
        drawn = QWidget()
        column = QVBoxLayout(drawn)
        column.setContentsMargins(10, 6, 6, 4)
        column.setSpacing(4)
        bar = QHBoxLayout()
        for tool in (self._split, self._series, self._channel, self._ahead, self._count):
            bar.addWidget(tool)
        bar.addStretch(1)
        bar.addWidget(self._names)
        bar.addWidget(self._fit)
        column.addLayout(bar)
        column.addWidget(self.plot, 5)
        column.addWidget(self.misses, 2)
        told = QWidget()
        beside = QVBoxLayout(told)
        beside.setContentsMargins(6, 6, 10, 6)
        beside.addWidget(self.scores, 3)
        beside.addWidget(self.bars, 2)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(drawn)
        splitter.addWidget(told)
        splitter.setSizes([860, 440])
        splitter.setStretchFactor(0, 1)
        return splitter

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what there is no room for."""
        super().resizeEvent(event)
        self.bars.setVisible(self.height() >= 230)
        self.misses.setVisible(self.height() >= 200)


def _steps(count: int, step: str) -> str:
    if step[:1].isdigit():
        return f"{count} × {step}"
    return f"{count} {step}{'s' if count > 1 else ''}"


def _offer(box: QComboBox, names: tuple[str, ...]) -> None:
    """Offer names, if they are others than before; one alone is no choice."""
    if tuple(box.itemText(number) for number in range(box.count())) != names:
        kept = box.currentIndex()
        box.blockSignals(True)
        box.clear()
        box.addItems(names)
        box.setCurrentIndex(kept if 0 <= kept < len(names) else 0)
        box.blockSignals(False)
    box.setVisible(len(names) > 1)
