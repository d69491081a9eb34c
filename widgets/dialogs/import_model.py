"""Import a model: choose a network by name or a file, say what becomes of it, read the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.dialogs.import_options import ImportOptions
from widgets.dialogs.model_table import ModelTable
from widgets.fields import PathEditor, set_property
from widgets.monitor.empty import EmptyState
from widgets.panels.column import wrapped
from workbench.plugin_api.parameters import Field
from workbench.session.importing import ModelImport

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.plugin_api.importer import Architecture
    from workbench.session import Session

FILE = Field(name="model_file", kind="path", title="Model file", path="file")
NETWORK = Field(name="network_file", kind="path", title="Network", path="file")
TICK_MILLISECONDS = 50
ABOUT = (
    "A network by name, or a file with a whole model: .onnx, .pt2, TorchScript, .keras, .h5, or "
    "the saved_model.pb of a SavedModel; or weights alone as .safetensors, .pt or .pth, whose "
    "network is guessed, or described by another file. No Python code in a file is run. Its layers "
    "take the place of the ones on the canvas; Undo brings those back."
)
WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
"""Endings of files that may hold weights alone."""
RANDOM = "Random weights"


class ImportModelDialog(QDialog):
    """Changes nothing before “Import”; everything heavy is done in a process of its own."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("importModel")
        self.setWindowTitle("Import model")
        self.resize(960, 640)
        info = session.data.info
        classes = len(info.classes) if info is not None else 0
        self._options = ImportOptions(classes, self)
        self._import = ModelImport(session.document)
        self._import.changed.connect(self._show)
        self._listed: object = None
        self._file = ""
        self._make_choice(theme)
        self._make_outcome()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._import.tick)
        self.finished.connect(self._on_finished)
        self._lay_out()
        self._import.look()
        self._timer.start(TICK_MILLISECONDS)
        self._search.setFocus()
        self._show()

    def _make_choice(self, theme: Theme) -> None:
        self._search = QLineEdit(self)
        self._search.setObjectName("searchModels")
        self._search.setAccessibleName("Search networks")
        self._search.setPlaceholderText("Search: resnet, efficientnet lite, timm convnext …")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._on_search)
        self._table = ModelTable(self)
        self._table.chosen.connect(self._on_row)
        self._table.doubleClicked.connect(lambda _: self._on_import())
        self._empty = EmptyState(theme, "layers", "Looking for networks …", "", self)
        self._pages = QStackedWidget(self)
        for page in (self._empty, self._table):
            self._pages.addWidget(page)
        self._path = PathEditor(FILE, self)
        self._path.edited.connect(self._on_path)
        self._network = PathEditor(NETWORK, self)
        self._network.setToolTip(
            "For a file of weights alone: another file of the same network, such as .onnx or .pt2"
        )
        self._described = ""
        self._network.edited.connect(self._on_network)
        self._weights = QComboBox(self)
        self._weights.setObjectName("publishedWeights")
        self._weights.setAccessibleName("Weights")
        self._weights.setMinimumWidth(300)

    def _make_outcome(self) -> None:
        self._bar = QProgressBar(self)
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Importing")
        self._state = wrapped("", self, soft=False)
        self._state.setObjectName("importState")
        self._report = QPlainTextEdit(self)
        self._report.setObjectName("importReport")
        self._report.setAccessibleName("Import report")
        self._report.setReadOnly(True)
        self._cancel = self._button("cancelImport", "Cancel", self._on_cancel)
        self._start = self._button("startImport", "Import", self._on_import)
        self._start.setProperty("primary", True)

    def _button(self, name: str, title: str, slot: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setObjectName(name)
        button.setAutoDefault(False)  # Enter in the search is for the search
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(wrapped(ABOUT, self))
        self._choice = QWidget(self)
        choice = QVBoxLayout(self._choice)
        choice.setContentsMargins(0, 0, 0, 0)
        choice.setSpacing(10)
        choice.addWidget(self._search)
        choice.addWidget(self._pages, 1)
        rows = (("File", self._path), ("Its network", self._network), ("Weights", self._weights))
        for title, part in rows:
            row = QHBoxLayout()
            row.setSpacing(10)
            label = QLabel(title, self)
            label.setMinimumWidth(80)
            row.addWidget(label)
            row.addWidget(part, 1)
            choice.addLayout(row)
        choice.addWidget(self._options)
        column.addWidget(self._choice, 1)
        column.addWidget(self._report, 1)
        column.addWidget(self._bar)
        column.addWidget(self._state)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._start)
        column.addLayout(buttons)

    def _on_search(self, text: str) -> None:
        self._table.narrow(text)
        self._show()

    def _on_row(self) -> None:
        found = self._table.architecture
        if found is not None:
            self._file = ""
            self._path.show_value("")
        self._weights.clear()
        for weights in found.weights if found is not None else ():
            self._weights.addItem(" · ".join((weights.name, *weights.facts)), weights.name)
        self._weights.addItem(RANDOM, "")
        here = [n for n, item in enumerate(found.weights) if item.is_here] if found else []
        self._weights.setCurrentIndex(here[0] if here else self._weights.count() - 1)
        self._show()

    def _on_path(self, text: str) -> None:
        self._file = text
        if text:
            self._table.clearSelection()
        self._show()

    def _on_network(self, text: str) -> None:
        self._described = text

    def _on_import(self) -> None:
        found = self._table.architecture
        source = self._file or (f"{found.importer}:{found.name}" if found else "")
        if not source or self._import.is_busy:
            return
        self._import.start(
            source,
            architecture=self._described if self._holds_weights else "",
            published="" if self._file else self._weights.currentData() or "",
            classes=self._options.classes,
            freeze=self._options.freeze,
            lora=self._options.lora,
        )

    @property
    def _holds_weights(self) -> bool:
        """Whether the chosen file may hold weights alone."""
        return self._file.lower().endswith(WEIGHTS)

    def _on_cancel(self) -> None:
        if self._import.is_busy:
            self._import.cancel()
            return
        self.done(int(self._import.report is not None))

    def _on_finished(self) -> None:
        self._timer.stop()
        self._import.close()
        self.deleteLater()

    def _show(self) -> None:
        done = self._import.report
        if self._import.models is not None and self._listed is not self._import.models:
            self._listed = self._import.models
            self._table.show_models(self._import.models)
        self._choice.setVisible(done is None)
        self._choice.setEnabled(not self._import.is_busy)
        self._report.setVisible(done is not None)
        if done is not None and not self._report.toPlainText():
            self._report.setPlainText("\n\n".join(done.lines()))
        self._bar.setVisible(self._import.is_busy)
        self._cancel.setText("Close" if done is not None else "Cancel")
        self._start.setVisible(done is None)
        found = self._table.architecture
        can_start = bool(self._file) or found is not None
        self._start.setEnabled(can_start and not self._import.is_busy)
        self._weights.setEnabled(found is not None)
        self._options.show_network(found)
        self._network.setEnabled(self._holds_weights)
        self._show_list()
        self._say(found)

    def _show_list(self) -> None:
        if self._import.models is None:
            self._pages.setCurrentWidget(self._empty)
        elif not self._table.count:
            self._empty.show_text("No network is called like that", "Try fewer letters, or a file.")
            self._pages.setCurrentWidget(self._empty)
        else:
            self._pages.setCurrentWidget(self._table)

    def _say(self, found: Architecture | None) -> None:
        error, missing = self._import.error, ""
        if found is not None:
            missing = self._import.missing.get(found.importer, "")
        words = ""
        if self._import.is_busy:
            words = f"{self._import.doing} …"
        elif self._import.report is not None:
            words = "The network is on the canvas."
        elif error is not None:
            words = f"{error.message} {error.hint}".strip()
        elif missing:
            words = missing
        elif found is not None and found.is_block:
            words = f"It is kept as one block. {found.reason}"
        elif found is not None and found.covered is False:
            words = f"This network cannot be imported yet. {found.reason}"
        self._state.setText(words)
        self._state.setVisible(bool(words))
        is_wrong = error is not None and not self._import.is_busy and self._import.report is None
        set_property(self._state, "severity", "error" if is_wrong else "")
