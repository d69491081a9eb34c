"""The samples that a person has relabelled or left out, each with the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.panels.column import wrapped
from widgets.texts import grouped
from workbench.session.correcting import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QKeyEvent

    from workbench.plugin_api.data import Corrected
    from workbench.session import Session

ROW, MOST_ROWS = 24, 6


class CorrectionsModel(QAbstractListModel):
    """One row a corrected sample; thousands cost nothing until they are looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: Mapping[str, str | None] = {}
        self._ids: list[str] = []
        self._idle: frozenset[str] = frozenset()
        self._missing: frozenset[str] = frozenset()

    def show_labels(self, labels: Mapping[str, str | None]) -> None:
        """Show other corrections."""
        self.beginResetModel()
        self._labels, self._ids = labels, list(labels)
        self.endResetModel()

    def show_state(self, corrected: Corrected) -> None:
        """Mark those that change nothing."""
        self._missing, self._idle = frozenset(corrected.missing), frozenset(corrected.idle)
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many there are."""
        return 0 if parent is not None and parent.isValid() else len(self._ids)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a correction in words, or the sample's id (UserRole)."""
        key = self._ids[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return key
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._in_words(key)
        if role == Qt.ItemDataRole.ToolTipRole:
            if key in self._missing:
                return f"{key}\nThe data have no such sample, or it is another by now."
            if key in self._idle:
                return f"{key}\nThe data have no such class, or other targets."
            return key
        return None

    def _in_words(self, key: str) -> str:
        label = self._labels[key]
        name = key.rpartition("#")[0] or key
        text = f"{name}  left out" if label is None else f"{name}  → {shortened(label)}"
        if key in self._missing:
            return f"{text}  (not found)"
        return f"{text}  (no such class)" if key in self._idle else text


class CorrectionsList(QWidget):
    """A summary, the list, and two buttons; hidden while there is nothing corrected."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("corrections")
        self._session = session
        self._shown: Mapping[str, str | None] = {}
        self.model = CorrectionsModel(self)
        self._summary = wrapped("", self)
        self._summary.setObjectName("corrections_summary")
        self._list = QListView()
        self._list.setObjectName("corrections_list")
        self._list.setAccessibleName("Corrected samples")
        self._list.setModel(self.model)
        self._list.setUniformItemSizes(True)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        self._one = QPushButton("Take back")
        self._one.setObjectName("take_back_selected")
        self._one.setToolTip("Believe the data again about the selected samples (Delete)")
        self._one.clicked.connect(self._on_take_back)
        self._all = QPushButton("Take all back")
        self._all.setObjectName("take_back_all")
        self._all.clicked.connect(lambda: session.correcting.take_back(list(self._shown)))
        row = QHBoxLayout()
        row.addWidget(self._one)
        row.addWidget(self._all)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._summary)
        column.addWidget(self._list)
        column.addLayout(row)
        session.document.experiment_changed.connect(self.refresh)
        session.data.info_changed.connect(self._show_state)
        self.refresh()

    @property
    def count(self) -> int:
        """Corrections there are."""
        return len(self._shown)

    def refresh(self) -> None:
        """Show the document's corrections."""
        labels = self._session.correcting.labels
        if labels is self._shown:
            return
        self._shown = labels
        self.model.show_labels(labels)
        self._list.setFixedHeight(ROW * min(len(labels), MOST_ROWS) + 6)
        self._show_state()
        self._enable()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the selected corrections back with Delete."""
        if event.key() == Qt.Key.Key_Delete and self._one.isEnabled():
            self._on_take_back()
        else:
            super().keyPressEvent(event)

    def _show_state(self) -> None:
        out = sum(label is None for label in self._shown.values())
        parts = [(len(self._shown) - out, "relabelled"), (out, "left out")]
        info = self._session.data.info
        if info is not None:
            self.model.show_state(info.corrected)
            parts += [(len(info.corrected.missing), "not found")]
        told = ", ".join(f"{grouped(count)} {what}" for count, what in parts if count)
        self._summary.setText(f"{told}. The files stay as they are.")

    def _enable(self) -> None:
        self._one.setEnabled(self._list.selectionModel().hasSelection())

    def _on_take_back(self) -> None:
        rows = self._list.selectionModel().selectedIndexes()
        ids = [index.data(Qt.ItemDataRole.UserRole) for index in rows]
        self._session.attempt(lambda: self._session.correcting.take_back(ids))
