"""How far training is, and the buttons that steer it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.fields import set_property
from widgets.monitor.labels import metric_title, score_text
from widgets.texts import duration, grouped

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QResizeEvent

    from widgets.actions import Actions
    from widgets.theme import Theme
    from workbench.runs.state import RunState
    from workbench.session import Session

ENDINGS = {
    "completed": "Done",
    "early_stopped": "Stopped early",
    "stopped": "Stopped",
    "failed": "Failed",
}


READING_SECONDS = 0.25
"""Numbers that change more often than this cannot be read."""


class ProgressBlock(QWidget):
    """How far the shown run is, in words and as a slim bar."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("progressBlock")
        self._session = session
        self._said = ""
        self._shown: tuple[object, ...] = ()
        self._next = 0.0
        self._text = QLabel(self)
        self._text.setObjectName("progressText")
        self._text.setAccessibleName("Training progress")
        self._text.setProperty("soft", True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._bar = QProgressBar(self)
        self._bar.setAccessibleName("Training progress")
        self._bar.setTextVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        session.run.opened.connect(self.refresh)
        session.run.updated.connect(self._on_updated)
        self.refresh()

    def _on_updated(self) -> None:
        run = self._session.run
        if (run.is_active, run.state.status) != self._shown or time.monotonic() >= self._next:
            self.refresh()

    def refresh(self) -> None:
        """Show the run's state."""
        run = self._session.run
        self._shown = run.is_active, run.state.status
        self._next = time.monotonic() + READING_SECONDS
        self._said = text = progress_text(run.state, run.is_active) if run.folder else ""
        self._text.setToolTip(text)
        self._elide()
        waiting = run.is_active and run.state.status in ("new", "preparing")
        self._bar.setRange(0, 0 if waiting else 1000)
        if not waiting:
            self._bar.setValue(round(run.state.progress * 1000))
        self._bar.setVisible(bool(text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        """Leave out the middle parts that do not fit, then cut."""
        metrics, width = self._text.fontMetrics(), self._text.width()
        parts = self._said.split(" · ")
        while len(parts) > 2 and metrics.horizontalAdvance(" · ".join(parts)) > width:
            del parts[1]
        text = " · ".join(parts)
        self._text.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, width))


class RunButtons(QWidget):
    """Train, or Pause / Resume and Stop: what can be done with the shown run now."""

    def __init__(
        self, session: Session, actions: Actions, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._icons: dict[QToolButton, str] = {}
        self.train = self._button("trainButton", "Train", actions["run.train"], "play")
        self.pause = self._button("pauseButton", "Pause", actions["run.pause"], "pause")
        self.resume = self._button("resumeButton", "Resume", actions["run.resume"], "play")
        self.stop = self._button("stopButton", "Stop", actions["run.stop"], "stop")
        set_property(self.train, "primary", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for button in self._icons:
            row.addWidget(button)
        for signal in (session.run.opened, session.run.updated):
            signal.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def refresh(self) -> None:
        """Show the buttons that fit the run's state."""
        run = self._session.run
        status = run.state.status if run.folder else "new"
        paused = run.is_active and status == "paused"
        self.train.setVisible(not run.is_active)
        self.pause.setVisible(run.is_active and not paused and status != "stopping")
        self.pause.setEnabled(status == "training")
        waits = not run.is_active and bool(run.folder and run.state.checkpoints)
        self.resume.setVisible(paused or (waits and status != "completed"))
        self.stop.setVisible(run.is_active)
        self.stop.setText("Stop now" if status == "stopping" else "Stop")

    def _button(self, name: str, text: str, action: QAction, icon: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setAccessibleName(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setText(text)
        button.setIconSize(QSize(14, 14))
        keys = action.shortcut().toString()
        button.setToolTip(f"{action.toolTip()} ({keys})" if keys else action.toolTip())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action.trigger)
        self._icons[button] = icon
        return button

    def _restyle(self) -> None:
        colors = self._theme.colors
        for button, icon in self._icons.items():
            color = colors.accent_text if button is self.train else colors.text
            button.setIcon(self._theme.icon(icon, color))


def progress_text(state: RunState, is_active: bool) -> str:
    """Return "Epoch 7 / 20 · 1 284 img/s · 1 min 12 s left", or what stands in its place."""
    if not is_active and state.status in ENDINGS:
        return " · ".join([ENDINGS[state.status], *_result(state)])
    if not is_active:
        return "Interrupted; it can be resumed" if state.step else ""
    if state.status in ("new", "preparing"):
        return state.message or "Starting …"
    if state.status == "stopping":
        return "Stopping … the step is being saved"
    epoch = min(state.epoch + 1, state.planned_epochs)
    parts = [f"Epoch {epoch} / {state.planned_epochs}"]
    if state.last_step:
        parts = [f"Step {state.step} / {state.last_step}"]
    if state.status == "paused":
        return " · ".join([*parts, "paused"])
    if state.samples_per_second:
        parts.append(f"{grouped(round(state.samples_per_second))} img/s")
    if state.seconds_left is not None:
        parts.append(f"{duration(state.seconds_left)} left")
    return " · ".join(parts)


def _result(state: RunState) -> list[str]:
    told = state.planned_epochs and state.status != "completed"
    parts = [f"epoch {state.epoch} / {state.planned_epochs}"] if told else []
    for prefix, split in (("test", "test"), ("val", "validation")):
        value = state.metrics.get(f"{prefix}/{state.headline}")
        if value is not None:
            name = metric_title(state.headline, within=True)
            return [*parts, f"{split} {name} {score_text(state.headline, value)}"]
    return parts
