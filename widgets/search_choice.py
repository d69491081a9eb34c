"""A combo box of many entries in which one finds the wanted one by typing a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QFocusEvent, QWheelEvent


class SearchChoice(QComboBox):
    """Entries by title; what is typed shows those that contain it.

    Signals:
        chosen(object): value of the entry that a person has chosen.
    """

    chosen = Signal(object)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setToolTip(f"{title}: choose, or type a part of it")
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMaxVisibleItems(20)
        completer = QCompleter(self.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.setMaxVisibleItems(12)
        self.setCompleter(completer)
        self._entries: tuple[tuple[str, object], ...] = ()
        self.activated.connect(self._on_activated)

    @property
    def value(self) -> object:
        """Value of the chosen entry; None while there is none."""
        return self.currentData()

    def offer(self, entries: Sequence[tuple[str, object]], value: object = None) -> None:
        """Offer titles with their values, and show one as chosen; emits nothing."""
        self.blockSignals(True)
        if tuple(entries) != self._entries:
            self._entries = tuple(entries)
            self.clear()
            for title, each in entries:
                self.addItem(title, each)
        if value is not None or self.currentIndex() < 0:
            self.setCurrentIndex(max(self.findData(value), 0) if entries else -1)
        self.blockSignals(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show the chosen entry again in place of what was only typed."""
        super().focusOutEvent(event)
        self.setEditText(self.itemText(self.currentIndex()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the wheel scroll what lies below unless a person works here."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _on_activated(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(self.itemData(row))
