"""What differs between the runs on screen: one row a setting, one column a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.labels import told_apart
from workbench.document.changes import compare

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.session import Session


class RunDifferences(QWidget):
    """Hidden until a run is checked beside the shown one."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("differences")
        self._session = session
        self._theme = theme
        self._names: tuple[str, ...] = ()
        self._titles: dict[str, str] = {}
        self._heading = QLabel()
        self._heading.setProperty("heading", True)
        self.table = QTableWidget()
        self.table.setObjectName("differences_table")
        self.table.setAccessibleName("Settings in which the runs differ")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setShowGrid(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 6)
        layout.addWidget(self._heading)
        layout.addWidget(self.table, 1)
        theme.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Compare the checked runs."""
        experiments = self._session.comparison.experiments
        names = tuple(experiments)
        self.setVisible(bool(self._session.comparison.runs) and len(names) > 1)
        titles = told_apart(self._session.comparison.titles)
        if (names, titles) == (self._names, self._titles):
            self._color_header()
            return
        self._names, self._titles = names, titles
        rows = compare(list(experiments.values())) if names else []
        self._heading.setText("Differing settings" if rows else "Their settings are the same")
        self.table.setVisible(bool(rows))
        self.table.setColumnCount(len(names) + 1)
        self.table.setRowCount(len(rows))
        self.table.setHorizontalHeaderLabels(["Setting", *(titles[name] for name in names)])
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for row, difference in enumerate(rows):
            self._put(row, 0, setting_title(difference.path))
            for column, value in enumerate(difference.values, 1):
                self._put(row, column, value_title(value))
        self._color_header()

    def _put(self, row: int, column: int, text: str) -> None:
        item = QTableWidgetItem(text)
        item.setToolTip(text)
        if column == 0:
            item.setForeground(QColor(self._theme.colors.text_soft))
        self.table.setItem(row, column, item)

    def _color_header(self) -> None:
        series = self._theme.colors.series
        for column, name in enumerate(self._names, 1):
            slot = self._session.comparison.slot(name)
            item = self.table.horizontalHeaderItem(column)
            if slot is not None and item is not None:
                item.setForeground(QColor(series[slot % len(series)]))


def setting_title(path: str) -> str:
    """Return a setting's path for people: "conv1 filters", "Training learning rate"."""
    parts = path.split(".")
    if parts[0] == "graph":
        parts = parts[1:]
    if len(parts) > 2:
        parts = [parts[0], parts[-1]]
    return " · ".join(part.replace("_", " ") for part in parts)


def value_title(value: Any) -> str:
    """Return a setting's value for people."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return " × ".join(map(value_title, value))
    return str(value)
