"""The metrics of a split: a few numbers, and a table of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.labels import metric_title, score_text
from widgets.texts import grouped
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.task import Evaluation

COLUMNS = ("precision", "recall", "f1", "support")
LEAST_WIDTH = 48
TITLES = {"f1": "F1", "support": "Samples"}


class ScoresView(QWidget):
    """Headline numbers above one sortable row a class."""

    class_chosen = Signal(object)
    """Number of the class that was clicked, or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scores")
        self._evaluation: Evaluation | None = None
        self._headline = QGridLayout()
        self._headline.setHorizontalSpacing(16)
        self._headline.setVerticalSpacing(0)
        self.table = QTableWidget(0, len(COLUMNS) + 1)
        self.table.setObjectName("per_class")
        self.table.setAccessibleName("Scores of every class")
        self.table.setHorizontalHeaderLabels(
            ["Class", *(TITLES.get(name, metric_title(name)) for name in COLUMNS)]
        )
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.setShowGrid(False)
        self.table.setFont(ui_font(9))
        self.table.horizontalHeader().setFont(ui_font(8.5))
        self.table.horizontalHeader().setStyleSheet("QHeaderView::section { padding: 3px 4px; }")
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        # Qt would keep room for an arrow in every column, and the classes' names would have none.
        for column in range(1, self.table.columnCount()):
            title = self.table.horizontalHeaderItem(column).text()
            wide = max(header.fontMetrics().horizontalAdvance(f"{title}  "), LEAST_WIDTH)
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, wide)
            self.table.horizontalHeaderItem(column).setTextAlignment(_RIGHT)
        self.table.horizontalHeaderItem(0).setTextAlignment(_LEFT)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header.setHighlightSections(False)
        self.table.itemSelectionChanged.connect(self._on_selected)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(self._headline)
        layout.addWidget(self.table, 1)
        self.baselines = QLabel()
        self.baselines.setObjectName("baselines")
        self.baselines.setAccessibleName("What simple answers reach")
        self.baselines.setProperty("soft", True)
        self.baselines.setWordWrap(True)
        self.baselines.setFont(ui_font(8.5))
        layout.addWidget(self.baselines)

    def show_scores(self, evaluation: Evaluation, classes: Sequence[str]) -> None:
        """Show an evaluation; nothing happens for the one that is shown."""
        if evaluation is self._evaluation:
            return
        self._evaluation = evaluation
        self._show_headline(evaluation)
        self._fill_table(evaluation, classes)
        self.baselines.setText(baselines_text(evaluation))
        self.baselines.setVisible(bool(evaluation.baselines))

    def _show_headline(self, evaluation: Evaluation) -> None:
        while (item := self._headline.takeAt(0)) is not None:
            label = item.widget()
            label.setParent(None)
            label.deleteLater()
        order = sorted(evaluation.metrics, key=lambda name: (name != "accuracy", name == "loss"))
        for column, name in enumerate(order[:8]):
            value = QLabel(score_text(name, evaluation.metrics[name]))
            value.setObjectName(f"score_{name}")
            value.setFont(ui_font(12))
            title = QLabel(headline_title(name))
            title.setProperty("soft", True)
            title.setFont(ui_font(8.5))
            title.setContentsMargins(0, 0, 0, 4)
            self._headline.addWidget(value, column // 4 * 2, column % 4)
            self._headline.addWidget(title, column // 4 * 2 + 1, column % 4)

    def _fill_table(self, evaluation: Evaluation, classes: Sequence[str]) -> None:
        table = self.table
        table.blockSignals(True)
        table.setSortingEnabled(False)
        rows = max((len(values) for values in evaluation.per_class.values()), default=0)
        table.setRowCount(rows)
        for row in range(rows):
            name = _NumberItem(classes[row])
            name.setData(Qt.ItemDataRole.UserRole, row)
            table.setItem(row, 0, name)
            for column, metric in enumerate(COLUMNS, 1):
                values = evaluation.per_class.get(metric)
                table.setItem(row, column, _cell(metric, values[row] if values else None))
        table.setSortingEnabled(True)
        table.blockSignals(False)

    def _on_selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        chosen = rows[0].data(Qt.ItemDataRole.UserRole) if rows else None
        self.class_chosen.emit(chosen)


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _NumberItem(QTableWidgetItem):
    """Sorts by its value, not by its text."""

    def __lt__(self, other: QTableWidgetItem) -> bool:
        role = Qt.ItemDataRole.UserRole
        return float(self.data(role)) < float(other.data(role))


def _cell(metric: str, value: float | None) -> QTableWidgetItem:
    text = "–" if value is None else f"{value:.3f}"
    if metric == "support" and value is not None:
        text = grouped(int(value))
    item = _NumberItem(text)
    item.setData(Qt.ItemDataRole.UserRole, -1.0 if value is None else value)
    item.setTextAlignment(_RIGHT)
    return item


def headline_title(name: str) -> str:
    """Return a metric's name with what is averaged: "Macro F1"."""
    if name in ("f1", "precision", "recall"):
        return "Macro F1" if name == "f1" else f"Macro {name}"
    return metric_title(name)


def baselines_text(evaluation: Evaluation) -> str:
    """Return "Most frequent class: accuracy 50.6 %", a line for each simple answer."""
    return "\n".join(
        f"{name[:1].upper()}{name[1:]}: "
        + ", ".join(
            f"{metric.replace('_', ' ')} {score_text(metric, v)}" for metric, v in found.items()
        )
        for name, found in evaluation.baselines.items()
    )
