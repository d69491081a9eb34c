"""Apply a file of LoRA adapters: choose it, read what it would change, and take it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from widgets.fields import PathEditor, set_property
from widgets.panels.column import wrapped
from workbench.plugin_api.parameters import Field
from workbench.session.adapters import AdaptersLoading

if TYPE_CHECKING:
    from workbench.session import Session

FILE = Field(name="adapters_file", kind="path", title="Adapters", path="file")
TICK_MILLISECONDS = 50
WIDTH, HEIGHT = 600, 280
ABOUT = (
    "A .safetensors file of adapters that was exported from here, or the adapter_config.json that "
    "peft writes beside the weights. They are applied to the network on the canvas, which has to "
    "be the one they were trained on; Undo takes them away."
)
NOTHING = "No file is chosen yet."


class LoadAdapters(QDialog):
    """Changes nothing before “Apply”; the file is read in a process of its own."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("loadAdapters")
        self.setWindowTitle("Load LoRA adapters")
        self.resize(WIDTH, HEIGHT)
        self._loading = AdaptersLoading(session.document, session.data.info)
        self._loading.changed.connect(self._show)
        self._path = PathEditor(FILE, self)
        self._path.edited.connect(self._on_path)
        self._told = wrapped(NOTHING, self, soft=False)
        self._told.setObjectName("adaptersTold")
        self._warnings = wrapped("", self, soft=False)
        self._warnings.setObjectName("adaptersWarnings")
        set_property(self._warnings, "severity", "warning")
        self._buttons = QDialogButtonBox(self)
        self._apply = self._buttons.addButton("Apply", QDialogButtonBox.ButtonRole.ActionRole)
        self._apply.setObjectName("applyAdapters")
        self._apply.setProperty("primary", True)
        self._apply.setAutoDefault(False)  # Enter in the path is for the path
        self._apply.clicked.connect(self._on_apply)
        cancel = self._buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        cancel.setAutoDefault(False)
        self._buttons.rejected.connect(self.reject)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._loading.tick)
        self.finished.connect(self._on_finished)
        self._lay_out()
        self._show()

    def choose(self, path: Path) -> None:
        """Look at a file, as if it had been chosen."""
        self._path.choose(str(path))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(wrapped(ABOUT, self))
        for part in (self._path, self._told, self._warnings):
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(self._buttons)

    def _on_path(self, text: str) -> None:
        if text:
            self._timer.start(TICK_MILLISECONDS)
            self._loading.look(Path(text).expanduser())

    def _on_apply(self) -> None:
        self._timer.start(TICK_MILLISECONDS)
        if self._loading.apply():
            self.accept()

    def _on_finished(self) -> None:
        self._timer.stop()
        self._loading.close()
        self.deleteLater()

    def _show(self) -> None:
        loading = self._loading
        if not loading.is_busy:
            self._timer.stop()
        report, error = loading.report, loading.error
        words = "Reading the file …" if loading.is_busy else NOTHING
        if report is not None:
            words = next(report.lines())
        self._told.setText(words if error is None else str(error))
        set_property(self._told, "severity", "" if error is None else "error")
        self._warnings.setText("" if report is None else " ".join(report.warnings()))
        self._warnings.setVisible(bool(self._warnings.text()))
        self._apply.setEnabled(report is not None and not loading.is_busy)
