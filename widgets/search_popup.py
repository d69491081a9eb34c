"""A menu of many names in which one finds the wanted one by typing a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSortFilterProxyModel, QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QMenu,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QObject
    from PySide6.QtGui import QKeyEvent

ROW, MOST_ROWS, WIDTH = 24, 14, 260
KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class SearchPopup(QMenu):
    """A field, and below it the names that contain what was typed.

    Signals:
        chosen(str): name that was clicked, or entered.
    """

    chosen = Signal(str)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.field = QLineEdit()
        self.field.setObjectName(f"{name}_search")
        self.field.setAccessibleName(title)
        self.field.setPlaceholderText("Search")
        self.field.installEventFilter(self)
        self._names = QStringListModel(self)
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(self._names)
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list = QListView()
        self.list.setObjectName(f"{name}_list")
        self.list.setAccessibleName(title)
        self.list.setModel(self._found)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._choose)
        self.field.textChanged.connect(self._on_search)
        body = QWidget()
        body.setFixedWidth(WIDTH)
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.field)
        column.addWidget(self.list)
        action = QWidgetAction(self)
        action.setDefaultWidget(body)
        self.addAction(action)

    def offer(self, names: Sequence[str], current: str) -> None:
        """Offer names, one of them marked."""
        self._names.setStringList(list(names))
        self.field.clear()
        self._on_search("")
        self.list.setFixedHeight(ROW * min(max(len(names), 3), MOST_ROWS) + 6)
        if current in names:
            row = self._found.index(names.index(current), 0)
            self.list.setCurrentIndex(row)
            self.list.scrollTo(row, QAbstractItemView.ScrollHint.PositionAtCenter)
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move in the list with the arrow keys, and choose with Enter."""
        if watched is self.field and event.type() == QEvent.Type.KeyPress:
            return self._on_key(event)
        return super().eventFilter(watched, event)

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.list.currentIndex())
            return True
        if key not in KEYS or not self._found.rowCount():
            return False
        step = {KEYS[0]: -1, KEYS[1]: 1, KEYS[2]: -MOST_ROWS, KEYS[3]: MOST_ROWS}[key]
        row = self.list.currentIndex().row() + step
        row = min(max(row, 0), self._found.rowCount() - 1)
        self.list.setCurrentIndex(self._found.index(row, 0))
        return True

    def _on_search(self, text: str) -> None:
        self._found.setFilterFixedString(text.strip())
        if self._found.rowCount() and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self._found.index(0, 0))

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            self.close()
            self.chosen.emit(index.data())
