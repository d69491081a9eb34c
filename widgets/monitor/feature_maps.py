"""What a layer makes of the pinned sample, now or at any recorded step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.hidden_states import HiddenStates
from widgets.monitor.map_view import MapView
from widgets.monitor.timeline import Timeline
from widgets.search_popup import SearchPopup
from widgets.texts import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.runs.probes import LayerMaps, Snapshot
    from workbench.session import Session
    from workbench.session.watching import Watching

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
        self._channel: int | None = None
        self._is_stale = True
        self._make_header()
        self.maps = MapView(theme)
        self.states = HiddenStates(theme)
        self._stack = QStackedWidget()
        for view in (self.maps, self.states):
            self._stack.addWidget(view)
            view.channel_chosen.connect(self.choose_channel)
        self.timeline = Timeline(session, theme)
        self.timeline.moved.connect(self.refresh)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 6)
        layout.setSpacing(5)
        layout.addLayout(self._header)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.timeline)
        session.run.opened.connect(self._on_opened)
        session.run.updated.connect(self.refresh)
        watching.changed.connect(self._on_watching_changed)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @property
    def is_live(self) -> bool:
        """Whether the newest maps are shown as they come."""
        return self.timeline.is_live

    @property
    def _snapshot(self) -> Snapshot | None:
        return self.timeline.snapshot

    def refresh(self) -> None:
        """Show what is known by now; costs nothing unseen or when nothing is new."""
        self._is_stale = not self.isVisible()
        if self._is_stale:
            return
        is_new = self.timeline.refresh()
        if is_new or not self._session.run.state.probes:
            self._show(self._snapshot)
        elif self._snapshot is None:
            self._stack.setCurrentWidget(self.maps)
            self.maps.show_message("Loading…")

    def choose_channel(self, channel: int | None) -> None:
        """Enlarge one channel, or show all."""
        self._channel = channel
        self._show(self._snapshot)

    def show_live(self) -> None:
        """Follow the newest maps again."""
        self.timeline.show_live()

    def _show(self, snapshot: Snapshot | None) -> None:
        layer = self._watching.layer
        self._show_heading(snapshot, layer)
        maps = snapshot.layers.get(layer) if snapshot is not None else None
        self._fill_channels(maps)
        is_sequence = maps is not None and maps.is_sequence
        self._stack.setCurrentWidget(self.states if is_sequence else self.maps)
        if is_sequence:
            self.states.show_states(snapshot, layer, self._channel, common=self._common.isChecked())
        elif maps is not None:
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
        self.timeline.begin_anew()
        self.refresh()

    def _on_watching_changed(self) -> None:
        self._channel = None
        if self.isVisible():
            self.timeline.refresh()
            self._show(self._snapshot)

    def _on_theme_changed(self) -> None:
        self._show(self._snapshot)

    def _fill_layers(self) -> None:
        self._popup.offer(self._watching.layers, self._watching.layer)

    def _make_header(self) -> None:
        self._heading = QToolButton()
        self._heading.setObjectName("layer")
        self._heading.setAccessibleName("Layer whose maps are shown")
        self._heading.setToolTip("Choose a layer, or select one on the canvas")
        self._heading.setProperty("flat", True)
        self._heading.setStyleSheet("font-weight: 600; padding-left: 0;")
        self._heading.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._popup = SearchPopup("layers", "Layer whose maps are shown", self._heading)
        self._popup.aboutToShow.connect(self._fill_layers)
        self._popup.chosen.connect(self._watching.choose_layer)
        self._heading.setMenu(self._popup)
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

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._is_stale:
            self.refresh()
