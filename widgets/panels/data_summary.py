"""What is known of the data in a few lines: how many, how large, what to be careful about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.panels.column import heading, wrapped
from widgets.texts import counted, grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from widgets.theme import Theme
    from workbench.plugin_api.data import BadFile, DataInfo
    from workbench.session import Session

MOST_FILES = 500


class DataSummary(QWidget):
    """Busy, an error with a next step, or the facts; and a button to look again."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataSummary")
        self._session = session
        self._facts = wrapped("", self)
        self._facts.setObjectName("dataFacts")
        self._warnings = wrapped("", self, soft=False)
        self._warnings.setObjectName("dataWarnings")
        self._warnings.setProperty("severity", "warning")
        self._error = wrapped("", self, soft=False)
        self._error.setObjectName("dataError")
        self._error.setProperty("severity", "error")
        self._hint = wrapped("", self)
        self._busy = QProgressBar(self)
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setAccessibleName("Reading the data")
        self._again = QPushButton("Look again", self)
        self._again.setObjectName("lookAgain")
        self._again.setToolTip("Read the data again: files may have changed")
        self._again.clicked.connect(session.data.reload)
        row = QHBoxLayout()
        row.addWidget(self._again)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self._busy, self._facts, self._error, self._hint, self._warnings):
            column.addWidget(part)
        column.addLayout(row)
        session.data.info_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now."""
        data = self._session.data
        self._busy.setVisible(data.is_busy)
        self._again.setEnabled(not data.is_busy)
        facts = summary(data.info) if data.info is not None else ""
        if data.is_busy and not facts:
            facts = "Looking at the data …"
        _show(self._facts, facts)
        _show(self._error, data.error.message if data.error else "")
        _show(self._hint, data.error.hint if data.error else "")
        _show(self._warnings, "\n".join(cautions(data.info)) if data.info is not None else "")


class BadFiles(QWidget):
    """Files that could not be used, by name, with the reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("badFiles")
        self._title = heading("", self)
        self._list = QListWidget(self)
        self._list.setObjectName("badFileList")
        self._list.setAccessibleName("Files that could not be used")
        self._list.setWordWrap(True)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFixedHeight(130)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._title)
        column.addWidget(self._list)
        self.hide()

    def show_files(self, files: Sequence[BadFile]) -> None:
        """Show these files."""
        self.setVisible(bool(files))
        self._title.setText(f"{counted(len(files), 'file')} left out")
        self._list.clear()
        for file in files[:MOST_FILES]:
            item = QListWidgetItem(f"{file.path}\n{file.reason}")
            item.setToolTip(f"{file.path}: {file.reason}")
            self._list.addItem(item)
        if len(files) > MOST_FILES:
            self._list.addItem(f"and {grouped(len(files) - MOST_FILES)} more")


def summary(info: DataInfo) -> str:
    """Return "1 797 samples of 8 × 8 × 1 in 10 classes", and the splits."""
    total = sum(info.counts.values())
    noun = "sample" if info.timeline is None else "window"
    first = f"{counted(total, noun)} of {_size(info)}"
    if info.classes:
        first += f" in {counted(len(info.classes), 'class', 'classes')}"
    names = {"train": "training", "validation": "validation", "test": "test"}
    splits = [
        f"{grouped(info.counts[split])}\N{NO-BREAK SPACE}{name}"
        for split, name in names.items()
        if split in info.counts
    ]
    return f"{first}\n{', '.join(splits)}"


def _size(info: DataInfo) -> str:
    """Return what one sample is: "8 × 8 × 1", "54 tokens", "text of any length"."""
    if info.kind == "texts":
        length = info.input.shape[0] if info.input.shape else None
        return "text of any length" if length is None else counted(length, "token")
    return str(info.input).replace(" ", "\N{NO-BREAK SPACE}")


def cautions(info: DataInfo) -> list[str]:
    """Return what to be careful about; files left out are listed farther below."""
    if not info.bad_files:
        return list(info.warnings)
    return [*info.warnings, f"{counted(len(info.bad_files), 'file')} left out; listed below"]


def _show(label: QWidget, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
