"""One plot below its title, which chooses the metric, with its switches and its legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from widgets.monitor.labels import clock_text, metric_title, told_apart, value_text
from widgets.monitor.legend import Entry
from widgets.monitor.plot import Drawn, Plot
from widgets.monitor.run_curves import metrics_of
from widgets.texts import grouped
from widgets.theme import ui_font

if TYPE_CHECKING:
    from widgets.monitor.run_curves import Axis, Reading, RunCurves
    from widgets.theme import Theme

HEADER = 32


class Pane(QWidget):
    """Draws one metric of all runs it is given, and reads it out under the mouse."""

    changed = Signal()
    """Something has to be drawn anew."""

    def __init__(self, metric: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(f"plot_{metric}")
        self.metric = metric
        self._theme = theme
        self._curves: dict[str, RunCurves] = {}
        self._colors: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        self._axis: Axis = "step"
        self._smoothing = 0.0
        self._hovered: float | None = None
        self._is_chosen = False
        self.plot = Plot(theme, self)
        self.plot.setAccessibleName(metric_title(metric))
        self.plot.moved.connect(self.changed)
        self.title = QToolButton()
        self.title.setObjectName("metric")
        self.title.setProperty("flat", True)
        self.title.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.title.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.title.setMenu(QMenu(self.title))
        self.title.menu().aboutToShow.connect(self._fill_menu)
        self._fit = self._switch("fit", "Fit", "Show the whole curves again", checkable=False)
        self._fit.clicked.connect(self.plot.show_everything)
        self._fit.hide()
        self.plot.zoomed.connect(self._fit.setVisible)
        self.log = self._switch("log", "Log", "Logarithmic axis")
        self.log.toggled.connect(self._on_log_toggled)
        self.clip = self._switch("clip", "Clip", "Ignore outliers: fit the axis to 96 % of values")
        self.clip.toggled.connect(self.changed)
        self._lay_out()
        self._show_title()

    def add_left(self, widget: QWidget) -> None:
        """Put a control to the left of the title."""
        self._left.insertWidget(self._left.count() - 1, widget)

    def add_right(self, widget: QWidget) -> None:
        """Put a control to the right of the title."""
        self._right.addWidget(widget)

    def draw(
        self,
        curves: dict[str, RunCurves],
        colors: dict[str, str],
        titles: dict[str, str],
        axis: Axis,
        smoothing: float,
    ) -> None:
        """Draw this pane's metric of these runs; colours and titles are by the runs' names."""
        self._curves, self._colors, self._titles = curves, colors, told_apart(titles)
        self._axis, self._smoothing = axis, smoothing
        part = self.plot.visible_part
        most = max(2 * int(self.plot.area.width()), 400)
        drawn = {
            name: Drawn(run.curve(self.metric, axis, part, most), colors[name])
            for name, run in curves.items()
        }
        self.plot.draw(drawn, with_raw=smoothing > 0, ignore_outliers=self.clip.isChecked())
        self._show_legend()

    def on_hovered(self, x: float | None) -> None:
        """Read the curves out at a place of the lower axis."""
        self._hovered = x
        self._show_legend()

    def _show_legend(self) -> None:
        readings = {}
        if self._hovered is not None:
            for name, run in self._curves.items():
                reading = run.reading(self.metric, self._axis, self._hovered)
                if reading is not None:
                    readings[name] = reading
        entries = [
            entry for name in self._curves for entry in self._entries(name, readings.get(name))
        ]
        if len(self._curves) > 1 and any(len(d.curve.points_x) for d in self.plot.runs.values()):
            entries.append(Entry(self._theme.colors.text_soft, "validation", is_dashed=True))
        is_needed = len(entries) > 1 or readings
        heading = self._heading(list(readings.values()))
        self.plot.show_legend(
            tuple(entries) if is_needed else (), heading, self._hovered if readings else None
        )
        thinned = any(drawn.curve.is_thinned for drawn in self.plot.runs.values())
        self.plot.legend.setToolTip(
            "There are more steps than pixels: the lowest and highest value of each piece are"
            " drawn. Zoom in to see every step."
            if thinned
            else "Every step is drawn."
        )

    def _entries(self, name: str, reading: Reading | None) -> list[Entry]:
        """Return a run's rows: one each for training and validation, or one if there are more."""
        curve = self.plot.runs[name].curve if name in self.plot.runs else None
        if curve is None:
            return []
        color, has_training = self._colors[name], len(curve.x) > 0
        training = self._training_text(reading) if has_training else ""
        validation = ""
        if reading is not None and reading.validation is not None:
            validation = value_text(reading.validation)
        if len(self._curves) > 1:
            values = " · ".join(text for text in (training, validation) if text)
            title = self._titles.get(name, name)
            return [Entry(color, title, values, is_dashed=not has_training)]
        made = [Entry(color, "train", training)] if has_training else []
        if len(curve.points_x):
            made.append(Entry(color, "validation", validation, is_dashed=True))
        return made

    def _training_text(self, reading: Reading | None) -> str:
        if reading is None or reading.smooth is None or reading.raw is None:
            return ""
        raw = f" ({value_text(reading.raw)})" if self._smoothing else ""
        return value_text(reading.smooth) + raw

    def _heading(self, readings: list[Reading]) -> str:
        if not readings or self._hovered is None:
            return ""
        heading = f"Step {grouped(readings[0].step)}"
        if self._axis == "epoch":
            heading += f" · epoch {self._hovered:.2f}"
        elif self._axis == "time":
            heading += f" · {clock_text(round(self._hovered, 1))}"
        return heading

    def _fill_menu(self) -> None:
        menu = self.title.menu()
        menu.clear()
        group = QActionGroup(menu)
        names = dict.fromkeys(
            name for run in self._curves.values() for name in metrics_of(run.state)
        )
        for name in names or {self.metric: None}:
            action = menu.addAction(metric_title(name))
            action.setCheckable(True)
            action.setChecked(name == self.metric)
            group.addAction(action)
            action.triggered.connect(lambda _=False, chosen=name: self.choose(chosen))

    def suggest(self, metric: str) -> None:
        """Draw another metric unless a person has chosen one."""
        if not self._is_chosen and metric != self.metric:
            self.metric = metric
            self._show_title()

    def choose(self, metric: str) -> None:
        """Draw another metric."""
        self._is_chosen = True
        self.metric = metric
        self._show_title()
        self.plot.show_everything()

    def _show_title(self) -> None:
        self.title.setText(metric_title(self.metric))
        self.title.setToolTip("Choose another metric")
        self.title.setAccessibleName(f"Metric: {metric_title(self.metric)}")
        self.plot.setAccessibleName(metric_title(self.metric))

    def _on_log_toggled(self, on: bool) -> None:
        self.plot.in_log = on
        self.changed.emit()

    def _switch(self, name: str, text: str, tip: str, *, checkable: bool = True) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setProperty("flat", True)
        button.setCheckable(checkable)
        button.setFont(ui_font(8.5))
        return button

    def _lay_out(self) -> None:
        self._left, self._right = QHBoxLayout(), QHBoxLayout()
        for side in (self._left, self._right):
            side.setSpacing(2)
        self._left.addStretch(1)
        self._right.addStretch(1)
        for button in (self._fit, self.clip, self.log):
            self._right.addWidget(button)
        bar = QWidget()
        bar.setFixedHeight(HEADER)
        header = QHBoxLayout(bar)
        header.setContentsMargins(6, 0, 0, 0)
        header.addLayout(self._left, 1)
        header.addWidget(self.title)
        header.addLayout(self._right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.plot, 1)
