"""Load weights: choose a file, see what of it goes where, and let training start from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.dialogs.weights_table import WeightsTable
from widgets.fields import PathEditor, set_property
from widgets.monitor.empty import EmptyState
from widgets.panels.column import wrapped
from widgets.texts import counted, grouped
from workbench.plugin_api.parameters import Field
from workbench.session.weights import WeightsLoading

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.analysis.weights_report import WeightsReport
    from workbench.session import Session

FILE = Field(name="weights_file", kind="path", title="Weights file", path="file")
BY = (("name", "by name"), ("order", "by order"))
TICK_MILLISECONDS = 50
NOTHING = ("No file is chosen yet", "Choose one to see which of its weights fit this network.")
ABOUT = (
    "From .safetensors, .pt, .pth, .weights.h5, .keras or .h5. Only weights are read; nothing in "
    "the file is run."
)


class LoadWeightsDialog(QDialog):
    """Changes nothing before “Load” is pressed; the file is read in a process of its own."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("loadWeights")
        self.setWindowTitle("Load weights")
        self.resize(900, 560)
        self._loading = WeightsLoading(session.document, session.data.info)
        self._loading.changed.connect(self._show)
        self._loading.loaded.connect(self._on_loaded)
        self._path = PathEditor(FILE, self)
        self._path.edited.connect(self._on_path)
        self._file = ""
        self._by = QComboBox(self)
        self._by.setObjectName("matchBy")
        self._by.setAccessibleName("Match")
        for value, title in BY:
            self._by.addItem(title, value)
        self._by.currentIndexChanged.connect(lambda _: self._look())
        self._table = WeightsTable(theme, self)
        self._empty = EmptyState(theme, "layers", *NOTHING, self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._table)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Reading the file")
        self._state = wrapped("", self, soft=False)
        self._state.setObjectName("weightsState")
        self._warnings = wrapped("", self, soft=False)
        self._warnings.setObjectName("weightsWarnings")
        set_property(self._warnings, "severity", "warning")
        self._partial = QCheckBox("Load in part: what does not match starts from the seed", self)
        self._partial.setObjectName("partial")
        self._partial.toggled.connect(lambda _: self._show())
        self._cancel = self._button("closeWeights", "Cancel", self.reject)
        self._load = self._button("startLoad", "Load", self._on_load)
        self._load.setProperty("primary", True)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._loading.tick)
        self.finished.connect(self._on_finished)
        self._lay_out()
        self._show()

    def choose(self, path: Path) -> None:
        """Look at a file, as if it had been chosen."""
        self._path.choose(str(path))

    def _button(self, name: str, title: str, slot: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setObjectName(name)
        button.setAutoDefault(False)  # Enter in the path is for the path
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(wrapped(ABOUT, self))
        choice = QHBoxLayout()
        choice.setSpacing(10)
        choice.addWidget(self._path, 1)
        choice.addWidget(QLabel("Match", self))
        choice.addWidget(self._by)
        column.addLayout(choice)
        column.addWidget(self._bar)
        column.addWidget(self._pages, 1)
        for part in (self._warnings, self._state, self._partial):
            column.addWidget(part)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._load)
        column.addLayout(buttons)

    def _on_path(self, text: str) -> None:
        self._file = text
        self._look()

    def _look(self) -> None:
        if self._file:
            self._timer.start(TICK_MILLISECONDS)
            self._loading.look(Path(self._file).expanduser(), self._by.currentData())

    def _on_load(self) -> None:
        self._timer.start(TICK_MILLISECONDS)
        self._loading.load(partial=self._partial.isChecked())

    def _on_loaded(self) -> None:
        self.accept()

    def _on_finished(self) -> None:
        self._timer.stop()
        self._loading.close()
        self.deleteLater()

    def _show(self) -> None:
        loading, report = self._loading, self._loading.report
        if not loading.is_busy:
            self._timer.stop()
        self._bar.setVisible(loading.is_busy)
        self._table.show_report(report)
        incomplete = report is not None and bool(report.matched) and not report.is_complete
        self._partial.setVisible(incomplete)
        self._warnings.setText("\n".join(report.warnings) if report is not None else "")
        self._warnings.setVisible(bool(self._warnings.text()))
        wanted = incomplete and self._partial.isChecked()
        can_load = report is not None and bool(report.matched) and (report.is_complete or wanted)
        self._load.setEnabled(can_load and not loading.is_busy)
        self._say()

    def _say(self) -> None:
        loading = self._loading
        self._pages.setCurrentWidget(self._empty if loading.report is None else self._table)
        self._state.setVisible(loading.report is not None)
        if loading.report is not None:
            self._state.setText(str(loading.error or in_words(loading.report)))
            set_property(self._state, "severity", "error" if loading.error else "")
        elif loading.error is not None:
            self._empty.show_text("This file cannot be loaded", str(loading.error))
        else:
            self._empty.show_text(*(("Reading the file …", "") if loading.is_busy else NOTHING))


def in_words(report: WeightsReport) -> str:
    """Return what a report adds up to: "PyTorch state dict: 18 of 20 weights match, …"."""
    total = len(report.matched) + len(report.unmatched)
    count = f"{grouped(len(report.matched))} of {counted(total, 'weight')}"
    parts = [f"{report.kind}: {count} match"]
    if report.unused:
        parts.append(f"{counted(len(report.unused), 'array')} of the file not used")
    if not report.matched:
        parts.append("perhaps it belongs to another network")
    return ", ".join(parts) + "."
