"""The table of runs: one row a run, sortable by value."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from widgets.monitor.labels import metric_title, score_text
from widgets.texts import duration

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from widgets.theme import Theme
    from workbench.runs.store import RunSummary
    from workbench.session import Session

COMPARE, STAR, NAME, STATUS, EPOCHS, BEST, TEST, DURATION, STARTED, NOTES = range(10)
TITLES = ("", "", "Name", "Status", "Epochs", "Best", "Test", "Duration", "Started", "Notes")
NUMBERS = (EPOCHS, BEST, TEST, DURATION)
SORT_ROLE = Qt.ItemDataRole.UserRole
RUN_ROLE = Qt.ItemDataRole.UserRole + 1
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
STATUS_TEXTS = {
    "new": "Waiting",
    "early_stopped": "Stopped early",
    "training": "Training",
    "interrupted": "Interrupted",
}


class RunsModel(QAbstractTableModel):
    """Shows `session.run.runs`; checks, stars, titles and notes are set through the session."""

    def __init__(self, session: Session, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self.runs: list[RunSummary] = []
        self.refresh()

    def refresh(self) -> None:
        """Take over the session's list, row by row where the runs are the same."""
        runs = list(self._session.run.runs)
        if [run.folder for run in runs] != [run.folder for run in self.runs]:
            self.beginResetModel()
            self.runs = runs
            self.endResetModel()
        else:
            self.runs = runs
            self.repaint()

    def repaint(self) -> None:
        """Say that colours or checks may be others."""
        if self.runs:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.runs) - 1, NOTES))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of runs."""
        return 0 if parent is not None and parent.isValid() else len(self.runs)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int) -> Any:
        """Return the title of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            tips = {COMPARE: "Compare curves", STAR: "Star", BEST: "Best validation metric"}
            return tips.get(section)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_RIGHT if section in NUMBERS else _LEFT)
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Names and notes are written inline; the first column is checked."""
        made = super().flags(index)
        if index.column() == COMPARE:
            made |= Qt.ItemFlag.ItemIsUserCheckable
        if index.column() in (NAME, NOTES):
            made |= Qt.ItemFlag.ItemIsEditable
        return made

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, sorting value, colour, check or picture."""
        run, column = self.runs[index.row()], index.column()
        if role == RUN_ROLE:
            return run
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return run.notes if column == NOTES else _text(run, column)
        if role == SORT_ROLE:
            return self._sorting(run, column)
        if role == Qt.ItemDataRole.CheckStateRole and column == COMPARE:
            is_checked = run.folder.name in self._session.comparison.runs
            return Qt.CheckState.Checked if is_checked else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole and column == COMPARE:
            return self._dot(run.folder.name)
        return self._appearance(run, column, role)

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Check a run for comparison, or keep a title or notes."""
        run, column = self.runs[index.row()], index.column()
        if role == Qt.ItemDataRole.CheckStateRole and column == COMPARE:
            is_on = Qt.CheckState(value) == Qt.CheckState.Checked
            self._session.comparison.check(run.folder, is_on)
            return True
        if role != Qt.ItemDataRole.EditRole or str(value) == self.data(index, role):
            return False
        title = str(value) if column == NAME else _own_title(run)
        notes = str(value) if column == NOTES else run.notes
        return self._session.attempt(lambda: self._session.run.annotate(run.folder, title, notes))

    def toggle_star(self, row: int) -> None:
        """Star a run, or no longer."""
        run = self.runs[row]
        self._session.attempt(
            lambda: self._session.run.annotate(
                run.folder, _own_title(run), run.notes, not run.starred
            )
        )

    def _sorting(self, run: RunSummary, column: int) -> Any:
        values = {
            COMPARE: run.folder.name in self._session.comparison.runs,
            STAR: run.starred,
            EPOCHS: run.epochs,
            BEST: run.best if run.best is not None else -1.0,
            TEST: run.test_score if run.test_score is not None else -1.0,
            DURATION: run.duration,
            STARTED: run.created,
        }
        return values.get(column, _text(run, column).casefold())

    def _appearance(self, run: RunSummary, column: int, role: int) -> Any:
        colors = self._theme.colors
        if role == Qt.ItemDataRole.ForegroundRole:
            if column == STAR:
                return QColor(colors.warning if run.starred else colors.border)
            if column == STATUS:
                return QColor(_status_color(run, self._theme))
            return QColor(colors.text if column == NAME else colors.text_soft)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in NUMBERS:
            return int(_RIGHT)
        if role == Qt.ItemDataRole.ToolTipRole:
            if column == STATUS and run.reason:
                return run.reason
            if column == BEST and run.monitor:
                return f"Best {run.monitor}; last {score_text(run.monitor, run.last or 0.0)}"
            return str(run.folder.path) if column == NAME else None
        return None

    def _dot(self, name: str) -> QPixmap:
        """Return the run's colour as a dot; a ring when it is not on screen."""
        colors = self._theme.colors
        slot = self._session.comparison.slot(name)
        pixmap = QPixmap(24, 24)
        pixmap.setDevicePixelRatio(2)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if slot is None:
            painter.setPen(QColor(colors.border))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.series[slot % len(colors.series)]))
        painter.drawEllipse(2, 2, 8, 8)
        painter.end()
        return pixmap


class RunsOrder(QSortFilterProxyModel):
    """Sorts by value and keeps the runs whose name, status or notes contain all words."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self.setSortRole(SORT_ROLE)

    def set_words(self, text: str) -> None:
        """Filter by words."""
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Whether a run contains all words."""
        run: RunSummary = self.sourceModel().index(row, 0).data(RUN_ROLE)
        status = STATUS_TEXTS.get(run.status, run.status)
        parts = (run.title, run.experiment, run.notes, run.folder.name, status)
        text = " ".join(parts).casefold()
        return all(word in text for word in self._words)


def _own_title(run: RunSummary) -> str:
    """Return the title a person gave; empty where the experiment's name stands in for it."""
    return "" if run.title in (run.experiment, run.folder.name) else run.title


def _text(run: RunSummary, column: int) -> str:
    match column:
        case 1:
            return "★" if run.starred else "☆"
        case 2:
            return run.title
        case 3:
            return STATUS_TEXTS.get(run.status, metric_title(run.status))
        case 4:
            return f"{run.epochs} / {run.planned_epochs}" if run.planned_epochs else ""
        case 5:
            return _best(run)
        case 6:
            score = run.test_score
            return "" if score is None else score_text(run.headline, score)
        case 7:
            return duration(run.duration) if run.duration else ""
        case 8:
            return time.strftime("%d %b %Y %H:%M", time.localtime(run.created))
        case 9:
            return run.notes
    return ""


def _best(run: RunSummary) -> str:
    if run.best is None:
        return ""
    return score_text(run.monitor.partition("/")[2], run.best)


def _status_color(run: RunSummary, theme: Theme) -> str:
    colors = theme.colors
    return {
        "training": colors.accent,
        "preparing": colors.accent,
        "completed": colors.success,
        "failed": colors.error,
        "damaged": colors.error,
        "interrupted": colors.warning,
        "paused": colors.warning,
    }.get(run.status, colors.text_soft)
