"""Which sample is pinned and which recorded step is shown: the newest, or one gone back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.runs.probes import Snapshot
    from workbench.session import Session

PICTURE = 28


class Timeline(QWidget):
    """The pinned picture, buttons to its neighbours, and a slider over the recorded steps.

    Args:
        of_attention: attention is looked at, not the layer's output.

    Signals:
        moved(): a person went to another step.
    """

    moved = Signal()

    def __init__(
        self,
        session: Session,
        theme: Theme,
        *,
        of_attention: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._of_attention = of_attention
        self._session = session
        self._theme = theme
        self._watching = session.watching
        self._scrubbed: tuple[int, str] | None = None
        self.snapshot: Snapshot | None = None
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @property
    def is_live(self) -> bool:
        """Whether the newest snapshot is shown as it comes."""
        return self._scrubbed is None

    def begin_anew(self) -> None:
        """Another run is shown."""
        self._scrubbed = self.snapshot = None

    def show_live(self) -> None:
        """Follow the newest snapshot again."""
        self._scrubbed = None
        self.moved.emit()

    def refresh(self) -> bool:
        """Take the snapshot that is to be shown, if it has arrived; tell whether it is another."""
        probes = self._session.run.state.probes
        index = self._index()
        self._set_slider(len(probes), index)
        before = self.snapshot
        if not probes:
            self.snapshot = None
        else:
            self.snapshot = self._session.run.snapshot(probes[index][1]) or before
            if self.is_live and not self._session.run.is_active:
                self.snapshot = self._of_checkpoint() or self.snapshot
        if self.snapshot is not before:
            self._show_picture(self.snapshot)
        return self.snapshot is not before

    def _of_checkpoint(self) -> Snapshot | None:
        """Return what was not recorded, made of the last checkpoint; None: it was, or not yet."""
        newest, watching = self.snapshot, self._watching
        layers = (watching.layer,) if watching.layer and not self._of_attention else ()
        heads = watching.attention if self._of_attention else ()
        if not layers and not heads:
            return None
        if newest is not None and newest.sample == watching.sample:
            recorded = {name.partition("/")[0] for name in newest.attention}
            if newest.layers.keys() >= set(layers) and recorded >= set(heads):
                return None
        return self._session.looking.snapshot(watching.sample, layers, heads)

    def _index(self) -> int:
        """Return the number of the shown snapshot; a thinned one gives its neighbour."""
        probes = self._session.run.state.probes
        if self._scrubbed is None:
            return len(probes) - 1
        later = (index for index, probe in enumerate(probes) if probe >= self._scrubbed)
        return next(later, len(probes) - 1)

    def _set_slider(self, count: int, index: int) -> None:
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(count - 1, 0))
        self._slider.setValue(max(index, 0))
        self._slider.blockSignals(False)
        self._slider.setEnabled(count > 1)
        self._live.setVisible(not self.is_live)

    def _show_picture(self, snapshot: Snapshot | None) -> None:
        picture = snapshot.picture if snapshot is not None else None
        self._picture.setVisible(picture is not None)
        title = snapshot.title if snapshot is not None else ""
        self._picture.setToolTip(f"Pinned sample: {title or self._watching.sample}")
        if picture is None:
            return
        height, width, _ = picture.shape
        image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        size = QSize(PICTURE, PICTURE) * self.devicePixelRatioF()
        smooth = width > size.width()
        mode = Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(image).scaled(
            size,
            Qt.AspectRatioMode.KeepAspectRatio,
            mode if smooth else Qt.TransformationMode.FastTransformation,
        )
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self._picture.setPixmap(pixmap)

    def _on_slider_moved(self, index: int) -> None:
        probes = self._session.run.state.probes
        is_newest = index >= len(probes) - 1
        self._scrubbed = None if is_newest else probes[index]
        self.moved.emit()

    def _on_theme_changed(self) -> None:
        self._previous.setIcon(self._theme.icon("chevron-left", self._theme.colors.text_soft))
        self._next.setIcon(self._theme.icon("chevron-right", self._theme.colors.text_soft))

    def _lay_out(self) -> None:
        self._picture = QLabel()
        self._picture.setObjectName("pinned")
        self._picture.setAccessibleName("Pinned sample")
        self._picture.hide()
        self._previous = self._step_button("previous_sample", "Previous sample", -1)
        self._next = self._step_button("next_sample", "Next sample", 1)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("time")
        self._slider.setAccessibleName("Recorded step")
        self._slider.setToolTip("Go back through the recorded steps of this run")
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._live = QToolButton()
        self._live.setObjectName("live")
        self._live.setText("Live")
        self._live.setToolTip("Follow the newest step again")
        self._live.clicked.connect(self.show_live)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self._picture, self._previous, self._next):
            row.addWidget(widget)
        row.addWidget(self._slider, 1)
        row.addWidget(self._live)

    def _step_button(self, name: str, text: str, step: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setProperty("flat", True)
        watching = self._watching
        button.clicked.connect(lambda: watching.choose_sample(watching.sample + step))
        return button
