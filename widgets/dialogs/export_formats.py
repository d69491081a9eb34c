"""The formats of an export: what each is, whether it can hold this network, what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from widgets.texts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from widgets.theme import Theme
    from workbench.analysis.exports import FormatState
    from workbench.plugin_api.exporter import Limit

COLUMNS = ("Format", "What it is", "File", "State")
WIDTHS = (210, 0, 125, 170)
_FORMAT = Qt.ItemDataRole.UserRole
_NODE = Qt.ItemDataRole.UserRole + 1
_LINE = Qt.ItemDataRole.UserRole + 2


class FormatList(QTreeWidget):
    """A row for each format, with a box to tick; what there is to know unfolds below it.

    Signals:
        chosen_changed(): another box is ticked.
        node_wanted(str): a note on a layer was clicked.
        line_wanted(str): a line that installs something was clicked.
    """

    chosen_changed = Signal()
    node_wanted = Signal(str)
    line_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportFormats")
        self.setAccessibleName("Export formats")
        self._theme = theme
        self._is_filling = False
        set_up(self, COLUMNS, WIDTHS)
        self.itemChanged.connect(self._on_item_changed)
        self.itemClicked.connect(self._on_activated)
        self.itemActivated.connect(self._on_activated)

    def show_formats(self, states: Sequence[FormatState], ticked: Sequence[str]) -> None:
        """List formats; those that cannot be written have no box."""
        self._is_filling = True
        self.clear()
        for state in states:
            self._add(state, state.format in ticked)
        self._is_filling = False

    @property
    def chosen(self) -> list[str]:
        """Ids of the ticked formats, from above."""
        return [row.data(0, _FORMAT) for row in self._rows() if _is_ticked(row)]

    def tick_all(self, on: bool) -> None:
        """Tick every format that can be written, or none."""
        for row in self._rows():
            if row.flags() & Qt.ItemFlag.ItemIsUserCheckable:
                row.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _rows(self) -> list[QTreeWidgetItem]:
        return [self.topLevelItem(row) for row in range(self.topLevelItemCount())]

    def _add(self, state: FormatState, is_ticked: bool) -> None:
        row = QTreeWidgetItem(
            self, [state.title, state.help.rstrip("."), state.suffix or "folder", words(state)]
        )
        row.setData(0, _FORMAT, state.format)
        row.setToolTip(1, state.help)
        row.setToolTip(3, _tip(state))
        colors = self._theme.colors
        for column in (1, 2):
            row.setForeground(column, QColor(colors.text_soft))
        if state.is_possible:
            row.setFlags(row.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            row.setCheckState(0, Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked)
            row.setForeground(3, QColor(colors.warning if state.limits else colors.text_soft))
        else:
            row.setFlags(row.flags() & ~Qt.ItemFlag.ItemIsUserCheckable)
            row.setCheckState(0, Qt.CheckState.Unchecked)
            for column in range(len(COLUMNS)):
                row.setForeground(column, QColor(colors.text_faint))
        if not state.availability.ok and state.availability.install:
            self._add_line(row, state.availability.install)
        for limit in state.limits:
            self._add_limit(row, limit)

    def _add_line(self, row: QTreeWidgetItem, line: str) -> None:
        item = spanned(row, f"{line}    (click to copy)", self._theme.colors.accent)
        item.setData(0, _LINE, line)
        item.setToolTip(0, "Copy this line")

    def _add_limit(self, row: QTreeWidgetItem, limit: Limit) -> None:
        color = self._theme.colors.accent if limit.node else self._theme.colors.text_soft
        text = f"{limit.node}: {limit.message}" if limit.node else limit.message
        item = spanned(row, text, color)
        if limit.node:
            item.setData(0, _NODE, limit.node)
            item.setToolTip(0, f"{limit.message} Click to select {limit.node}.")

    def _on_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0 and not self._is_filling:
            self.chosen_changed.emit()

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if node := item.data(0, _NODE):
            self.node_wanted.emit(node)
        elif line := item.data(0, _LINE):
            self.line_wanted.emit(line)


def words(state: FormatState) -> str:
    """Return whether a format can be written, in a word or two."""
    if not state.availability.ok:
        return "not installed"
    if state.refusals:
        return "cannot hold this network"
    return counted(len(state.limits), "note") if state.limits else "ready"


def set_up(tree: QTreeWidget, columns: Sequence[str], widths: Sequence[int]) -> None:
    """Make a tree look like a table with parts that unfold; the column of width 0 stretches."""
    tree.setProperty("table", True)
    tree.setHeaderLabels(list(columns))
    tree.setIndentation(18)
    tree.setRootIsDecorated(True)
    tree.setUniformRowHeights(True)
    tree.setSelectionMode(QTreeWidget.SelectionMode.SingleSelection)
    tree.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
    tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionsMovable(False)
    for column, width in enumerate(widths):
        if width:
            header.resizeSection(column, width)
        else:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)


def spanned(row: QTreeWidgetItem, text: str, color: str) -> QTreeWidgetItem:
    """Add a line below a row that takes the whole width."""
    item = QTreeWidgetItem(row, [text])
    item.setFirstColumnSpanned(True)
    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsUserCheckable)
    item.setForeground(0, QColor(color))
    item.setToolTip(0, text)
    return item


def _is_ticked(row: QTreeWidgetItem) -> bool:
    is_possible = bool(row.flags() & Qt.ItemFlag.ItemIsUserCheckable)
    return is_possible and row.checkState(0) == Qt.CheckState.Checked


def _tip(state: FormatState) -> str:
    if not state.availability.ok:
        return f"{state.availability.reason} {state.availability.install}".strip()
    return "\n".join(limit.message for limit in state.limits)
