"""The networks that can be imported by name, narrowed down by words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from widgets.texts import short_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QPersistentModelIndex

    from workbench.plugin_api.importer import Architecture

COLUMNS = ("Network", "From", "Input", "Parameters", "Weights", "Layers")
WIDTHS = (250, 110, 130, 100, 100, 150)
_ARCHITECTURE = Qt.ItemDataRole.UserRole + 1
_NUMBER = Qt.ItemDataRole.UserRole + 2


class ModelTable(QTableView):
    """One row a network; those known to turn into layers come first.

    Signals:
        chosen(): another row is chosen, or none.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelTable")
        self.setAccessibleName("Networks")
        self._model = QStandardItemModel(0, len(COLUMNS), self)
        self._model.setHorizontalHeaderLabels(COLUMNS)
        self._words = _Words(self)
        self._words.setSourceModel(self._model)
        self._words.setSortRole(_NUMBER)
        self.setModel(self._words)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setStyleSheet("QTableView::item { padding: 0 3px; }")  # as the header's
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())

    def show_models(self, models: Sequence[Architecture]) -> None:
        """List networks."""
        self._model.setRowCount(0)
        for each in sorted(models, key=_place):
            self._model.appendRow(_row(each))
        for column, width in enumerate(WIDTHS):
            self.setColumnWidth(column, width)

    def narrow(self, text: str) -> None:
        """Show those that have every word in them."""
        self._words.look_for(text.lower().split())

    @property
    def architecture(self) -> Architecture | None:
        """The chosen network."""
        rows = self.selectionModel().selectedRows()
        found: Architecture | None = rows[0].data(_ARCHITECTURE) if rows else None
        return found

    @property
    def count(self) -> int:
        """Number of rows that are shown."""
        return self._words.rowCount()


class _Words(QSortFilterProxyModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._wanted: list[str] = []

    def look_for(self, words: list[str]) -> None:
        """Keep rows that have all of these words."""
        self._wanted = words
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: QModelIndex | QPersistentModelIndex) -> bool:
        """Whether a row has every word in it."""
        found: Architecture = self.sourceModel().index(row, 0, parent).data(_ARCHITECTURE)
        text = f"{found.importer} {found.family} {found.name}".lower()
        return all(word in text for word in self._wanted)


def _place(found: Architecture) -> tuple[bool, bool, str, int, str]:
    is_here = any(weights.is_here for weights in found.weights)
    kind = {"torchvision": "0", "timm": "1"}.get(found.importer, "2")
    return not is_here, not found.is_possible, kind, 0, found.name


def _row(found: Architecture) -> list[QStandardItem]:
    count = len(found.weights)
    is_here = any(weights.is_here for weights in found.weights)
    weights = "here" if is_here else f"{count} published" if count else "none"
    covered = {True: "layers", False: "not yet", None: "not tried"}[found.covered]
    if found.is_block:
        covered = "a block"
    texts = (
        (found.name, found.name),
        (found.importer, found.importer),
        (found.takes, found.input[0]),
        (short_count(found.parameters) if found.parameters else "", found.parameters),
        (weights, weights),
        (covered, covered),
    )
    items = []
    for text, number in texts:
        item = QStandardItem(text)
        item.setData(number, _NUMBER)
        item.setData(found, _ARCHITECTURE)
        item.setToolTip(found.reason or text)
        items.append(item)
    return items
