"""Export: choose formats and a folder, watch, and read how exact the files are."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.fields import PathEditor
from widgets.file_commands import file_stem
from widgets.panels.column import heading, wrapped
from widgets.texts import byte_size
from workbench.plugin_api.parameters import Field

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.plugin_api.exporter import Exporter
    from workbench.session import Session

FOLDER = Field(name="folder", kind="path", title="Folder", path="folder")
COLUMNS = ("File", "Size", "Largest difference")


class ExportDialog(QDialog):
    """Runs the command line's export in a process of its own, one format after the other."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle("Export")
        self.resize(600, 560)
        self._session = session
        self._theme = theme
        self._run = session.run.folder
        self._folder = Path.home()
        self._waiting: list[type[Exporter]] = []
        self._done = 0
        self._cancelled = False
        self._failed = False
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._boxes = [self._format_box(kind) for kind in session.catalog.exporters]
        self._path = PathEditor(FOLDER, self)
        self._path.show_value(str(self._folder))
        self._path.edited.connect(self._on_folder)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Export progress")
        self._state = wrapped("", self)
        self._state.setObjectName("exportState")
        self._table = _report_table(self)
        self._start = _button(self, "startExport", "Export", self._on_start)
        self._cancel = _button(self, "cancelExport", "Cancel", self._on_cancel)
        self._show = _button(self, "showFolder", "Show folder", self._on_show_folder)
        self._close = _button(self, "closeExport", "Close", self.reject)
        self._start.setProperty("primary", True)
        self._lay_out()
        self._show_state()

    def reject(self) -> None:
        """End a running export before closing."""
        self._on_cancel()
        super().reject()

    @property
    def is_running(self) -> bool:
        """Whether an export is going on."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def _format_box(self, kind: type[Exporter]) -> QCheckBox:
        box = QCheckBox(kind.title, self)
        box.setObjectName(f"format_{kind.id}")
        box.setToolTip(kind.help)
        availability = kind().availability()
        box.setEnabled(availability.ok)
        if not availability.ok:
            box.setToolTip(f"{availability.reason} {availability.install}".strip())
        box.setChecked(availability.ok)
        box.clicked.connect(self._show_state)
        return box

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        column.addWidget(heading("What to write", self))
        for kind, box in zip(self._session.catalog.exporters, self._boxes, strict=True):
            column.addWidget(box)
            text = kind.help if box.isEnabled() else box.toolTip()
            note = wrapped(text, self)
            note.setContentsMargins(23, 0, 0, 2)
            note.setVisible(bool(text))
            column.addWidget(note)
        column.addSpacing(6)
        column.addWidget(heading("Where", self))
        column.addWidget(self._path)
        column.addSpacing(6)
        column.addWidget(self._bar)
        column.addWidget(self._state)
        column.addWidget(self._table, 100)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self._show)
        buttons.addStretch(1)
        for button in (self._cancel, self._close, self._start):
            buttons.addWidget(button)
        column.addLayout(buttons)

    def _chosen(self) -> list[type[Exporter]]:
        kinds = zip(self._session.catalog.exporters, self._boxes, strict=True)
        return [kind for kind, box in kinds if box.isChecked() and box.isEnabled()]

    def _on_folder(self, text: str) -> None:
        self._folder = Path(text).expanduser()
        self._show_state()

    def _on_start(self) -> None:
        self._path.take()
        self._waiting = self._chosen()
        self._done, self._cancelled, self._failed = 0, False, False
        self._table.setRowCount(0)
        self._bar.setRange(0, len(self._waiting))
        self._bar.setValue(0)
        self._next()

    def _next(self) -> None:
        if not self._waiting or self._cancelled or self._run is None:
            self._show_state()
            return
        kind = self._waiting[0]
        target = self._folder / self._file_name(kind)
        self._say(f"Writing {kind.title} and comparing it with the network …", "")
        command = ["-m", "workbench", "export", str(self._run.path)]
        command += ["--format", kind.id, "-o", str(target), "--json"]
        self._process.start(sys.executable, command)
        self._show_state()

    def _file_name(self, kind: type[Exporter]) -> str:
        stem = file_stem(getattr(self._session.run.experiment, "name", "") or "network")
        # A script puts its own weights beside it, under its own name.
        return f"{stem}{kind.suffix}" if kind.suffix == ".py" else f"{stem}-weights{kind.suffix}"

    def _on_finished(self, status: int, _how: QProcess.ExitStatus) -> None:
        output = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
        errors = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        if self._cancelled:
            self._show_state()
            return
        kind = self._waiting.pop(0)
        files = exported_files(output)
        for file in files:
            self._add_row(file)
        if status != 0 or not files:
            self._failed = True
            reason = last_line(errors) or last_line(output) or f"it ended with status {status}"
            self._say(f"{kind.title} could not be written: {reason}", "error")
        self._done += 1
        self._bar.setValue(self._done)
        self._next()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._waiting.clear()
            self._failed = True
            self._say("The export could not be started: Python was not found.", "error")
            self._show_state()

    def _on_cancel(self) -> None:
        if self.is_running:
            self._cancelled = True
            self._process.terminate()
            if not self._process.waitForFinished(1500):
                self._process.kill()
                self._process.waitForFinished(1500)
            self._say("Cancelled.", "")

    def _on_show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def _add_row(self, file: dict[str, Any]) -> None:
        row = self._table.rowCount()
        self._table.insertRow(row)
        path, difference = Path(file["path"]), file.get("max_difference")
        size = file.get("size") or (path.stat().st_size if path.is_file() else 0)
        compared = "not compared" if difference is None else f"{difference:.2g}"
        for column, text in enumerate((path.name, byte_size(size), compared)):
            item = QTableWidgetItem(text)
            item.setToolTip(str(path))
            self._table.setItem(row, column, item)

    def _say(self, text: str, severity: str) -> None:
        self._state.setText(text)
        self._state.setProperty("severity", severity)
        self._state.style().unpolish(self._state)
        self._state.style().polish(self._state)

    def _show_state(self) -> None:
        running = self.is_running
        for box in self._boxes:
            box.setVisible(True)
        self._path.setEnabled(not running)
        self._bar.setVisible(running)
        self._cancel.setVisible(running)
        self._close.setVisible(not running)
        self._start.setVisible(not running)
        self._table.setVisible(self._table.rowCount() > 0)
        self._show.setVisible(self._table.rowCount() > 0)
        self._start.setEnabled(bool(self._chosen()) and self._folder.is_dir())
        if running or self._failed or self._cancelled:
            return
        if self._table.rowCount():
            self._say("Done. Each file was run without the workbench and compared.", "")
        elif not self._folder.is_dir():
            self._say("Choose a folder that exists.", "error")
        else:
            free = byte_size(shutil.disk_usage(self._folder).free)
            self._say(f"{free} free. Every file is run and compared with the network.", "")


def exported_files(output: str) -> list[dict[str, Any]]:
    """Return the files that the command line reported, in its last line; none if it did not."""
    try:
        files = json.loads(last_line(output))["files"]
    except (ValueError, KeyError, TypeError):
        return []
    return files if isinstance(files, list) else []


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _report_table(parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS), parent)
    table.setObjectName("exportReport")
    table.setAccessibleName("Written files")
    table.setHorizontalHeaderLabels(list(COLUMNS))
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.setColumnWidth(1, 90)
    table.setColumnWidth(2, 150)
    return table


def _button(parent: QWidget, name: str, title: str, slot: Any) -> QPushButton:
    button = QPushButton(title, parent)
    button.setObjectName(name)
    button.clicked.connect(slot)
    return button
