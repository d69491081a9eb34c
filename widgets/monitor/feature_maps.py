"""What a layer makes of the pinned sample, now or at any recorded step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QActionGroup, QImage, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.map_view import MapView
from widgets.texts import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QShowEvent

    from widgets.monitor.watching import Watching
    from widgets.theme import Theme
    from workbench.runs.probes import LayerMaps, Snapshot
    from workbench.session import Session

PICTURE = 28
NOTHING_YET = "Train to see feature maps."


class FeatureMaps(QWidget):
    """Heading and channel picker above, the maps, and time below."""

    def __init__(
        self, session: Session, theme: Theme, watching: Watching, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("feature_maps")
        self.setAccessibleName("Feature maps")
        self._session = session
        self._theme = theme
        self._watching = watching
        self._snapshot: Snapshot | None = None
        self._scrubbed: tuple[int, str] | None = None
        self._channel: int | None = None
        self._is_stale = True
        self._make_header()
        self.maps = MapView(theme)
        self.maps.channel_chosen.connect(self.choose_channel)
        self._make_footer()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 6)
        layout.setSpacing(5)
        layout.addLayout(self._header)
        layout.addWidget(self.maps, 1)
        layout.addLayout(self._footer)
        session.run.opened.connect(self._on_opened)
        session.run.updated.connect(self.refresh)
        watching.changed.connect(self._on_watching_changed)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @property
    def is_live(self) -> bool:
        """Whether the newest maps are shown as they come."""
        return self._scrubbed is None

    def refresh(self) -> None:
        """Show what is known by now; costs nothing unseen or when nothing is new."""
        self._is_stale = not self.isVisible()
        if self._is_stale:
            return
        probes = self._session.run.state.probes
        index = self._index()
        self._set_slider(len(probes), index)
        if not probes:
            self._snapshot = None
            self._show(None)
            return
        snapshot = self._session.run.snapshot(probes[index][1])
        if snapshot is not None and snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._show(snapshot)
        elif self._snapshot is None:
            self.maps.show_message("Loading…")

    def choose_channel(self, channel: int | None) -> None:
        """Enlarge one channel, or show all."""
        self._channel = channel
        self._show(self._snapshot)

    def show_live(self) -> None:
        """Follow the newest maps again."""
        self._scrubbed = None
        self.refresh()

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

    def _show(self, snapshot: Snapshot | None) -> None:
        layer = self._watching.layer
        self._show_heading(snapshot, layer)
        self._show_picture(snapshot)
        maps = snapshot.layers.get(layer) if snapshot is not None else None
        self._fill_channels(maps)
        if maps is not None:
            names = self._unit_names(layer, len(maps.maps))
            common = self._common.isChecked()
            self.maps.show_maps(maps, self._channel, common=common, names=names)
        elif snapshot is None:
            self.maps.show_message(NOTHING_YET)
        elif self._session.run.is_active and self.is_live:
            self.maps.show_message(f"Waiting for the maps of {layer}…")
        else:
            self.maps.show_message(
                f"{layer} was not recorded at step {grouped(snapshot.step)}. "
                "Select it while training to see its maps."
            )

    def _show_heading(self, snapshot: Snapshot | None, layer: str) -> None:
        step = f" · step {grouped(snapshot.step)}" if snapshot is not None else ""
        self._heading.setText(f"{layer}{step}" if layer else "Feature maps")

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

    def _fill_channels(self, maps: LayerMaps | None) -> None:
        """Keep the picker's entries; the layer may be another one."""
        count = len(maps.maps) if maps is not None else 0
        if self._channel is not None and count and self._channel >= count:
            self._channel = None
        self._channels.blockSignals(True)
        if self._channels.count() != count + 1:
            self._channels.clear()
            self._channels.addItem("All channels", None)
            for index in range(count):
                self._channels.addItem(f"Channel {index}", index)
        self._channels.setCurrentIndex(0 if self._channel is None else self._channel + 1)
        self._channels.blockSignals(False)
        total = maps.channels if maps is not None else 0
        hidden = total > count > 0
        self._channels.setToolTip(
            f"The first {count} of {grouped(total)} channels are recorded" if hidden else ""
        )
        self._channels.setEnabled(count > 1)

    def _unit_names(self, layer: str, count: int) -> Sequence[str]:
        """Return class names for the layer whose outputs they are."""
        info, experiment = self._session.data.info, self._session.run.experiment
        if info is None or experiment is None or len(info.classes) != count:
            return ()
        ends = {node.id for node in experiment.graph.nodes if node.type == "Output"}
        feeding = {i for n in experiment.graph.nodes if n.id in ends for i in n.inputs}
        return info.classes if layer in ends | feeding else ()

    def _on_opened(self) -> None:
        self._scrubbed = None
        self._snapshot = None
        self.refresh()

    def _on_watching_changed(self) -> None:
        self._channel = None
        if self.isVisible():
            self._show(self._snapshot)

    def _on_slider_moved(self, index: int) -> None:
        probes = self._session.run.state.probes
        is_newest = index >= len(probes) - 1
        self._scrubbed = None if is_newest else probes[index]
        self.refresh()

    def _on_theme_changed(self) -> None:
        self._previous.setIcon(self._theme.icon("chevron-left", self._theme.colors.text_soft))
        self._next.setIcon(self._theme.icon("chevron-right", self._theme.colors.text_soft))
        self._show(self._snapshot)

    def _fill_layers(self) -> None:
        menu = self._heading.menu()
        menu.clear()
        group = QActionGroup(menu)
        for layer in self._watching.layers:
            action = menu.addAction(layer)
            action.setCheckable(True)
            action.setChecked(layer == self._watching.layer)
            group.addAction(action)
            action.triggered.connect(lambda _=False, it=layer: self._watching.choose_layer(it))

    def _make_header(self) -> None:
        self._heading = QToolButton()
        self._heading.setObjectName("layer")
        self._heading.setAccessibleName("Layer whose maps are shown")
        self._heading.setToolTip("Choose a layer, or select one on the canvas")
        self._heading.setProperty("flat", True)
        self._heading.setStyleSheet("font-weight: 600; padding-left: 0;")
        self._heading.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._heading.setMenu(QMenu(self._heading))
        self._heading.menu().aboutToShow.connect(self._fill_layers)
        self._common = QToolButton()
        self._common.setObjectName("common_scale")
        self._common.setText("Common scale")
        self._common.setToolTip("Colour all channels over one range instead of each over its own")
        self._common.setProperty("flat", True)
        self._common.setCheckable(True)
        self._common.toggled.connect(lambda: self._show(self._snapshot))
        self._channels = QComboBox()
        self._channels.setObjectName("channels")
        self._channels.setAccessibleName("Channels")
        self._channels.currentIndexChanged.connect(
            lambda: self.choose_channel(self._channels.currentData())
        )
        self._header = QHBoxLayout()
        self._header.setSpacing(6)
        self._header.addWidget(self._heading)
        self._header.addStretch(1)
        self._header.addWidget(self._common)
        self._header.addWidget(self._channels)

    def _make_footer(self) -> None:
        self._picture = QLabel()
        self._picture.setObjectName("pinned")
        self._picture.setAccessibleName("Pinned sample")
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
        self._live.setToolTip("Follow the newest maps again")
        self._live.clicked.connect(self.show_live)
        self._footer = QHBoxLayout()
        self._footer.setSpacing(4)
        for widget in (self._picture, self._previous, self._next):
            self._footer.addWidget(widget)
        self._footer.addWidget(self._slider, 1)
        self._footer.addWidget(self._live)

    def _step_button(self, name: str, text: str, step: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setProperty("flat", True)
        watching = self._watching
        button.clicked.connect(lambda: watching.choose_sample(watching.sample + step))
        return button

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._is_stale:
            self.refresh()
