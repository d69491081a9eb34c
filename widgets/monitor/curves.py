"""Loss and another metric side by side, of the shown run and of those it is compared with."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QWidget,
)

from widgets.monitor.pane import Pane
from widgets.monitor.run_curves import RunCurves
from widgets.theme import ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from widgets.monitor.run_curves import Axis
    from widgets.theme import Theme
    from workbench.session import Session

DEFAULT_SMOOTHING = 0.8
SHARE = 0.015
"""Of one processor's time that drawing may take."""
LONGEST_PAUSE = 0.5
AXES: tuple[tuple[Axis, str], ...] = (("step", "Step"), ("epoch", "Epoch"), ("time", "Time"))


class CurvesView(QWidget):
    """Two plots; what is drawn comes from the session's shown run and its comparison."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("curves")
        self.setAccessibleName("Curves")
        self._session = session
        self._theme = theme
        self._curves: dict[str, RunCurves] = {}
        self._is_stale = True
        self._rest_until = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.redraw)
        self.left = Pane("loss", theme, self)
        self.right = Pane("accuracy", theme, self)
        self._add_smoothing(self.left)
        self._add_axis(self.right)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.setSpacing(8)
        for pane in self._panes:
            layout.addWidget(pane, 1)
            pane.changed.connect(self.redraw)
            pane.plot.hovered.connect(pane.on_hovered)
        session.run.opened.connect(self._on_opened)
        session.run.updated.connect(self._on_changed)
        session.run.runs_changed.connect(self._on_changed)
        session.comparison.changed.connect(self._on_changed)
        theme.changed.connect(self._on_theme_changed)
        self._on_opened()

    @property
    def axis(self) -> Axis:
        """What the lower axes count."""
        return self._axis_choice.currentData()

    @property
    def smoothing(self) -> float:
        """Weight of the running average, 0 to 0.99."""
        return self._smoothing.value() / 100

    def redraw(self) -> None:
        """Draw now if somebody can see it, else when the plots are shown next."""
        self._is_stale = not self.isVisible()
        self._timer.stop()
        if self._is_stale:
            return
        begin = time.thread_time()
        self._follow_runs()
        colors = self._theme.colors.series
        comparison = self._session.comparison
        chosen = {name: colors[(comparison.slot(name) or 0) % len(colors)] for name in self._curves}
        for pane in self._panes:
            pane.draw(self._curves, chosen, comparison.titles, self.axis, self.smoothing)
        painting = sum(pane.plot.paint_seconds for pane in self._panes)
        pause = (time.thread_time() - begin + painting) / SHARE
        self._rest_until = time.monotonic() + min(pause, LONGEST_PAUSE)

    @property
    def _panes(self) -> tuple[Pane, Pane]:
        return self.left, self.right

    def _follow_runs(self) -> None:
        session = self._session
        states = {}
        if session.run.folder is not None:
            states[session.run.folder.name] = session.run.state
        for name, compared in session.comparison.runs.items():
            states.setdefault(name, compared.state)
        for name in [name for name in self._curves if name not in states]:
            del self._curves[name]
        if session.run.folder is not None:
            self.right.suggest(session.run.state.headline)
        for name, state in states.items():
            known = self._curves.get(name)
            if known is None or known.state is not state:
                self._curves[name] = RunCurves(state, self.smoothing)

    def _add_smoothing(self, pane: Pane) -> None:
        self._smoothing = QSlider(Qt.Orientation.Horizontal)
        self._smoothing.setObjectName("smoothing")
        self._smoothing.setAccessibleName("Smoothing")
        self._smoothing.setRange(0, 99)
        self._smoothing.setValue(round(DEFAULT_SMOOTHING * 100))
        self._smoothing.setFixedWidth(76)
        self._smoothing_label = QLabel()
        self._smoothing_label.setFont(ui_font(8.5))
        self._smoothing_label.setProperty("soft", True)
        self._smoothing_label.setIndent(5)
        self._smoothing.valueChanged.connect(self._on_smoothing_changed)
        pane.add_left(self._smoothing)
        pane.add_left(self._smoothing_label)
        self._show_smoothing()

    def _add_axis(self, pane: Pane) -> None:
        self._axis_choice = QComboBox()
        self._axis_choice.setObjectName("axis")
        self._axis_choice.setAccessibleName("Lower axis")
        self._axis_choice.setToolTip("What the lower axis counts")
        self._axis_choice.setFont(ui_font(8.5))
        for axis, title in AXES:
            self._axis_choice.addItem(title, axis)
        self._axis_choice.currentIndexChanged.connect(self._on_axis_changed)
        pane.add_right(self._axis_choice)

    def _show_smoothing(self) -> None:
        text = f"{self.smoothing:.2f}"
        self._smoothing_label.setText(f"Smoothing {text}")
        self._smoothing.setToolTip(
            f"Smoothing {text}: weight of the past in the running average; 0 draws every step"
        )

    def _on_smoothing_changed(self) -> None:
        self._show_smoothing()
        for curves in self._curves.values():
            curves.smooth_with(self.smoothing)
        self.redraw()

    def _on_axis_changed(self) -> None:
        for pane in self._panes:
            pane.plot.set_axis(self.axis)
        self.redraw()

    def _on_opened(self) -> None:
        self._curves.clear()
        for pane in self._panes:
            pane.plot.set_axis(self.axis)
        self.redraw()

    def _on_changed(self) -> None:
        """Draw soon, but leave the processor to the training: long curves are drawn less often."""
        wait = self._rest_until - time.monotonic()
        if wait <= 0 or not self.isVisible():
            self.redraw()
        elif not self._timer.isActive():
            self._timer.start(math.ceil(wait * 1000))

    def _on_theme_changed(self) -> None:
        for pane in self._panes:
            pane.plot.redraw()
        self.redraw()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._is_stale:
            self.redraw()
