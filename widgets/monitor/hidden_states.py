"""A layer's output over time: a row a unit, a column a step, with the words or the series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal

from widgets.monitor.colormap import diverged
from widgets.monitor.heat_map import Heat, HeatMap
from widgets.monitor.labels import value_text

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

    from widgets.theme import Theme
    from workbench.runs.probes import Snapshot


class HiddenStates(HeatMap):
    """Blue is below zero, orange above it; a click enlarges a unit, another shows all.

    Signals:
        channel_chosen(object): number of the unit that was clicked; None: show all.
    """

    channel_chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName("states")
        self.setAccessibleName("Hidden states over time")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._theme = theme
        self._channel: int | None = None
        self._shown: tuple[Snapshot, str, int | None, bool] | None = None
        self._count = 0
        self.clicked.connect(self._on_clicked)
        theme.changed.connect(self._show_again)

    def show_states(
        self, snapshot: Snapshot, layer: str, channel: int | None, *, common: bool
    ) -> None:
        """Show a layer: all units (None) or one, over one range or each over its own."""
        self._shown = snapshot, layer, channel, common
        values = snapshot.layers[layer].values()[:, :, 0]
        self._count, steps = values.shape
        self._channel = channel
        units = list(range(len(values))) if channel is None else [channel]
        chosen = values[units]
        most = np.abs(chosen).max() if common else np.abs(chosen).max(axis=1, keepdims=True)
        shares = chosen / np.where(most > 0, most, 1)
        words = [name or "·" for name in snapshot.names] if len(snapshot.names) == steps else []

        def describe(row: int, step: int) -> str:
            where = f"“{words[step]}”" if words else f"step {step}"
            return f"Unit {units[row]}, {where}: {value_text(float(chosen[row, step]))}"

        self.show_heat(
            Heat(
                diverged(shares, 1.0, self._theme.colors.panel),
                describe,
                [str(unit) for unit in units] if channel is not None else (),
                words,
                snapshot.signal,
            )
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the units with the arrow keys; Escape shows all."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape and self._channel is not None:
            self.channel_chosen.emit(None)
        elif step and self._channel is not None:
            self.channel_chosen.emit((self._channel + step) % self._count)
        else:
            super().keyPressEvent(event)

    def _on_clicked(self, row: int, step: int) -> None:
        self.channel_chosen.emit(row if self._channel is None else None)

    def _show_again(self) -> None:
        if self._shown is not None and self.heat is not None:
            snapshot, layer, channel, common = self._shown
            self.show_states(snapshot, layer, channel, common=common)
