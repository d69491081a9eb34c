"""Which weight of the network takes which array of a file, what is missing and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from widgets.dialogs.export_formats import set_up
from workbench.analysis.weights import shape_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from widgets.theme import Theme
    from workbench.analysis.weights import Match
    from workbench.analysis.weights_report import WeightsReport

COLUMNS = ("Weight", "Shape", "In the file", "Its shape", "State")
WIDTHS = (215, 120, 0, 120, 135)


class WeightsTable(QTreeWidget):
    """What does not match comes first; the whole reason is in the tool tip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("weightsTable")
        self.setAccessibleName("Weights")
        self._theme = theme
        self._report: WeightsReport | None = None
        set_up(self, COLUMNS, WIDTHS)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        theme.changed.connect(self._fill)

    def show_report(self, report: WeightsReport | None) -> None:
        """Show a report; None empties the table."""
        if report is not self._report:
            self._report = report
            self._fill()

    def _fill(self) -> None:
        self.clear()
        if self._report is not None:
            self.addTopLevelItems(list(self._rows(self._report)))

    def _rows(self, report: WeightsReport) -> Iterator[QTreeWidgetItem]:
        colors = self._theme.colors
        for item in report.unmatched:
            row = _row(item.ours, shape_words(item.shape), item.reason, "", "not matched")
            row.setForeground(2, QColor(colors.text_soft))
            yield _colored(row, colors.warning)
        for match in report.matched:
            shapes = shape_words(match.shape), shape_words(match.stored_shape)
            row = _row(match.ours, shapes[0], match.theirs, shapes[1], _change(match))
            yield _colored(row, colors.success)
        for name in report.unused:
            yield _colored(_row("", "", name, "", "not used"), colors.text_soft)


def _change(match: Match) -> str:
    return "matched" if match.stored_shape == match.shape else f"matched, {match.layout}"


def _row(*texts: str) -> QTreeWidgetItem:
    row = QTreeWidgetItem(list(texts))
    for column, text in enumerate(texts):
        row.setToolTip(column, text)
        row.setTextAlignment(column, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return row


def _colored(row: QTreeWidgetItem, color: str) -> QTreeWidgetItem:
    row.setForeground(4, QColor(color))
    return row
