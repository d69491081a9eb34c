"""Chooses a sample of the data that the network was trained on, by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from widgets.index_field import IndexField
from widgets.texts import grouped
from workbench.inspecting.network import DataSample

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLES = {"test": "Test", "validation": "Validation", "train": "Training"}


class SampleChoice(QWidget):
    """A split and a number in it.

    Signals:
        chosen(DataSample): another sample.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sample_choice")
        self._counts: Mapping[str, int] = {}
        self._split = QComboBox()
        self._split.setObjectName("sample_split")
        self._split.setAccessibleName("Split of the sample")
        self._split.activated.connect(lambda _: self._on_split())
        self._number = IndexField("sample_number", "Number of the sample")
        self._number.chosen.connect(lambda _: self._emit())
        self._number.returnPressed.connect(self._emit)
        self._of = QLabel()
        self._of.setProperty("faint", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._split)
        row.addWidget(self._number)
        row.addWidget(self._of)
        row.addStretch(1)

    def offer(self, counts: Mapping[str, int]) -> None:
        """Offer the splits that have samples; nothing is chosen by that."""
        if counts == self._counts:
            return
        self._counts = counts
        self._split.clear()
        for split, title in TITLES.items():
            if counts.get(split):
                self._split.addItem(title, split)
        self.setVisible(self._split.count() > 0)
        self._bound()

    def _bound(self) -> None:
        count = self._counts.get(self._split.currentData(), 1)
        self._number.show_index(self._number.value, count)
        self._of.setText(f"of {grouped(count)}")

    def _on_split(self) -> None:
        self._bound()
        self._emit()

    def _emit(self) -> None:
        if self._split.currentData() is not None:
            self.chosen.emit(DataSample(self._split.currentData(), self._number.value))
