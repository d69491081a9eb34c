"""What each token looks at, layer by layer and head by head, while the network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.inside.attention_grid import AttentionGrid, attention_pixels
from widgets.monitor.choices import choice
from widgets.monitor.heat_map import Heat, HeatMap
from widgets.monitor.timeline import Timeline
from widgets.texts import counted, grouped, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QHideEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.runs.probes import AttentionMaps, Snapshot
    from workbench.session import Session

MEAN = -1
NO_LAYERS = (
    "This network has no attention. Add a Multi-head attention, a Transformer encoder or a "
    "Transformer decoder, and train it."
)
NOTHING_YET = "Train to see what each token looks at."


class AttentionView(QWidget):
    """Layer and head above, the map of queries by keys, and time below; or all heads at once."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attention")
        self.setAccessibleName("Attention")
        self._session = session
        self._theme = theme
        self._layers = _fitted("attention_layer", "Layer whose attention is shown")
        self._layers.currentIndexChanged.connect(self._on_layer_chosen)
        self._heads = _fitted("attention_head", "Head")
        self._heads.currentIndexChanged.connect(self._draw)
        self._all = QToolButton()
        self._all.setObjectName("attention_all")
        self._all.setText("All heads")
        self._all.setToolTip("Every head of every layer at a glance; click one to see it in large")
        self._all.setProperty("flat", True)
        self._all.setCheckable(True)
        self._all.toggled.connect(self._on_all_toggled)
        self._note = QLabel()
        self._note.setObjectName("attention_note")
        self._note.setProperty("soft", True)
        self.map = HeatMap(theme)
        self.map.setObjectName("attention_map")
        self.map.setAccessibleName("Attention: rows look at columns")
        self.grid = AttentionGrid(theme)
        self.grid.setObjectName("attention_grid")
        self.grid.setAccessibleName("Attention of all heads")
        self.grid.chosen.connect(self._enlarge)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.map)
        self._stack.addWidget(self.grid)
        self.timeline = Timeline(session, theme, of_attention=True)
        self.timeline.moved.connect(self.refresh)
        self._lay_out()
        session.run.opened.connect(self._on_opened)
        session.run.updated.connect(self.refresh)
        session.watching.changed.connect(self.refresh)
        theme.changed.connect(self._draw)

    @property
    def layer(self) -> str:
        """The chosen layer's node, or "node/part"."""
        return self._layers.currentData() or ""

    @property
    def head(self) -> int:
        """The chosen head; MEAN for the mean of all."""
        found = self._heads.currentData()
        return MEAN if found is None else found

    def refresh(self) -> None:
        """Show what is known by now; costs nothing unseen or when nothing is new."""
        if self.isVisible() and self.timeline.refresh():
            self._fill_layers()
            self._draw()

    def _fill_layers(self) -> None:
        """Offer the run's attending layers; those with parts once a snapshot tells them."""
        snapshot = self.timeline.snapshot
        recorded = snapshot.attention if snapshot is not None else {}
        parts = []
        for node in self._session.watching.attending:
            own = [name for name in recorded if name.partition("/")[0] == node]
            parts += own or [node]
        kept = self.layer
        if parts != [self._layers.itemData(n) for n in range(self._layers.count())]:
            self._layers.blockSignals(True)
            self._layers.clear()
            for name in parts:
                self._layers.addItem(name.replace("/", " · "), name)
            found = self._layers.findData(kept)
            if found < 0:
                found = self._layers.findData(kept.partition("/")[0])
            self._layers.setCurrentIndex(max(found, 0))
            self._layers.blockSignals(False)
        self._layers.setEnabled(len(parts) > 0)

    def _fill_heads(self, count: int) -> None:
        if self._heads.count() == count + 1:
            return
        kept = self.head
        self._heads.blockSignals(True)
        self._heads.clear()
        self._heads.addItem("Mean of heads", MEAN)
        for number in range(count):
            self._heads.addItem(f"Head {number + 1}", number)
        self._heads.setCurrentIndex(max(self._heads.findData(kept), 0))
        self._heads.blockSignals(False)
        self._heads.setEnabled(count > 1)

    def _draw(self) -> None:
        snapshot, run = self.timeline.snapshot, self._session.run
        self._note.setText("")
        self._stack.setCurrentWidget(self.map)
        if run.experiment is not None and not self._session.watching.attending:
            self.map.show_message(NO_LAYERS)
            return
        if snapshot is None:
            self.map.show_message("Loading…" if run.state.probes else NOTHING_YET)
            return
        if self._all.isChecked() and snapshot.attention:
            self._show_all(snapshot)
            return
        maps = snapshot.attention.get(self.layer)
        if maps is None:
            is_coming = run.is_active and self.timeline.is_live
            self.map.show_message(
                f"Waiting for the attention of {self.layer}…"
                if is_coming
                else f"The attention of {self.layer} was not recorded at step "
                f"{grouped(snapshot.step)}. Look at it here while the network trains."
            )
            return
        self._fill_heads(len(maps.maps))
        self._show(maps, snapshot)

    def _show(self, maps: AttentionMaps, snapshot: Snapshot) -> None:
        shares = maps.shares()
        head = self.head if self.head < len(shares) else MEAN
        chosen: NDArray[np.float32] = shares.mean(axis=0) if head == MEAN else shares[head]
        pixels, most = attention_pixels(chosen, self._theme.colors.panel)
        rows = step_names(snapshot.names, maps.steps[0], chosen.shape[0])
        columns = step_names(snapshot.names, maps.steps[1], chosen.shape[1])

        def describe(row: int, column: int) -> str:
            share = chosen[row, column]
            if np.isnan(share):
                return f"“{rows[row]}” may not look at “{columns[column]}”"
            return f"“{rows[row]}” looks at “{columns[column]}”: {percent(float(share))}"

        self.map.show_heat(Heat(pixels, describe, rows, columns))
        text = f"step {grouped(snapshot.step)} · brightest {percent(most)}"
        hidden = max(maps.steps) - max(chosen.shape)
        if hidden > 0:
            text += f" · {counted(hidden, 'later step')} not shown"
        self._note.setText(text)

    def _show_all(self, snapshot: Snapshot) -> None:
        names = [self._layers.itemData(n) for n in range(self._layers.count())]
        shares = {
            name: snapshot.attention[name].shares() for name in names if name in snapshot.attention
        }

        def describe(layer: str, head: int) -> str:
            one, steps = shares[layer][head], snapshot.attention[layer].steps
            title = f"{layer.replace('/', ' · ')}, head {head + 1}"
            if np.isnan(one).all():
                return title
            row, column = np.unravel_index(np.nanargmax(one), one.shape)
            query = step_names(snapshot.names, steps[0], one.shape[0])[row]
            key = step_names(snapshot.names, steps[1], one.shape[1])[column]
            most = percent(float(one[row, column]))
            return f"{title}: most of all “{query}” looks at “{key}”, {most}"

        self.grid.show_maps(shares, describe)
        self._stack.setCurrentWidget(self.grid)
        text = f"step {grouped(snapshot.step)} · each map as bright as its largest share"
        lacking = len(names) - len(shares)
        self._note.setText(
            text + (f" · waiting for {counted(lacking, 'layer')}" if lacking else "")
        )

    def _enlarge(self, layer: str, head: int) -> None:
        """Show one head of the grid in large."""
        self._layers.setCurrentIndex(self._layers.findData(layer))
        self._all.setChecked(False)
        self._heads.setCurrentIndex(self._heads.findData(head))

    def _on_all_toggled(self) -> None:
        for chooser in (self._layers, self._heads):
            chooser.setVisible(not self._all.isChecked())
        self._look()
        self._draw()

    def _on_layer_chosen(self) -> None:
        self._look()
        self._draw()

    def _on_opened(self) -> None:
        self.timeline.begin_anew()
        self._fill_layers()
        self._look()
        if self.isVisible():
            self.timeline.refresh()
            self._fill_layers()
            self._draw()

    def _look(self) -> None:
        """Have recorded what is on the screen, and nothing while this is out of sight."""
        node = self.layer.partition("/")[0]
        shown = self._session.watching.attending if self._all.isChecked() else (node,)
        wanted = shown if node and self.isVisible() else ()
        self._session.watching.look_at_attention(*wanted)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self._all)
        head.addWidget(self._layers)
        head.addWidget(self._heads)
        head.addWidget(self._note)
        head.addWidget(self.timeline, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        self._on_opened()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks any more."""
        super().hideEvent(event)
        self._session.watching.look_at_attention()


def step_names(names: Sequence[str], steps: int, shown: int) -> list[str]:
    """Return what stands beside steps: a text's words if there are as many, else numbers.

    Args:
        steps: there are; only the first `shown` are.
    """
    if len(names) == steps:
        return [name or "·" for name in names[:shown]]
    return [str(number) for number in range(shown)]


def _fitted(name: str, title: str) -> QComboBox:
    made = choice(name, title)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return made
