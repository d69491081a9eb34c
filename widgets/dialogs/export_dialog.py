"""Export: choose formats and a folder, watch, and read how exact the files are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTreeWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.dialogs.export_formats import FormatList
from widgets.dialogs.export_process import ExportProcess
from widgets.dialogs.export_report import ExportReport
from widgets.fields import PathEditor, set_property
from widgets.file_commands import file_stem
from widgets.forms import StructForm
from widgets.monitor.empty import EmptyState
from widgets.panels.column import heading, wrapped
from widgets.texts import byte_size, counted
from workbench import preferences
from workbench.analysis.exports import formats
from workbench.errors import UserError
from workbench.plugin_api.exporter import ExportOptions
from workbench.plugin_api.parameters import Field, fields_of
from workbench.runs import exports
from workbench.worker.export import targets
from workbench.worker.trained import open_design

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent

    from widgets.theme import Theme
    from workbench.analysis.exports import FormatState
    from workbench.session import Session

FOLDER = Field(name="folder", kind="path", title="Folder", path="folder")
FIRST = ("safetensors", "python")
"""Formats that are ticked at first: the weights for any program, and a program for the weights."""
CHOOSING, GOING_ON = "choosing", "going on"


class ExportDialog(QDialog):
    """Runs the command line's export in a process of its own, for the run that is shown."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle("Export")
        self.resize(960, 620)
        self._session = session
        self._theme = theme
        self._run = session.run.folder
        self._folder = _kept_folder(session.preferences.export_folder)
        self._options = ExportOptions()
        self._stage: str | None = None
        self._process = ExportProcess(self)
        self._process.told.connect(self._on_told)
        self._process.ended.connect(self._on_ended)
        self._states, refusal = self._known()
        self._lay_out()
        if refusal is not None:
            self._refuse(refusal)
            return
        self._list.show_formats(self._states, FIRST)
        self._show_choice()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in a field or in the list is for these, and does not start the export."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not (enter and isinstance(self.focusWidget(), QLineEdit | QTreeWidget)):
            super().keyPressEvent(event)

    def reject(self) -> None:
        """Cancel a running export; close as soon as it has cleared up."""
        self._process.cancel()
        self.hide()
        if self.is_running:
            self._process.ended.connect(lambda _: self.deleteLater())
        else:
            self.deleteLater()

    @property
    def is_running(self) -> bool:
        """Whether an export is going on."""
        return self._process.is_running

    def _known(self) -> tuple[list[FormatState], UserError | None]:
        """Return the formats for the run's network, or why there is nothing to export."""
        run = self._session.run
        if run.folder is None or not any(run.folder.checkpoints.glob("step-*")):
            waits = run.folder is not None and run.is_active
            hint = "Train first, or open a trained run from the Runs tab."
            later = "Its first checkpoint is saved at the end of an epoch, or by “Save a checkpoint"
            return [], UserError(
                "There are no trained weights yet", f"{later} now”." if waits else hint
            )
        try:
            network = open_design(run.folder, self._session.catalog).network
        except UserError as error:
            return [], error
        return formats(self._session.catalog, network), None

    def _refuse(self, error: UserError) -> None:
        empty = EmptyState(self._theme, "export", error.message.rstrip("."), error.hint, self)
        self._pages.addWidget(empty)
        self._pages.setCurrentWidget(empty)
        for button in (self._start, self._cancel, self._again, self._show, self._copy):
            button.hide()
        self._close.setDefault(True)

    # what is on the dialog

    def _lay_out(self) -> None:
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._choice_page())
        self._pages.addWidget(self._report_page())
        self._state = wrapped("", self)
        self._state.setObjectName("exportState")
        self._show = self._button("showFolder", "Show in folder", self._on_show_folder)
        self._copy = self._button("copyReport", "Copy report", self._on_copy)
        self._again = self._button("exportMore", "Export more…", self._show_choice)
        self._cancel = self._button("cancelExport", "Cancel", self._on_cancel)
        self._close = self._button("closeExport", "Close", self.reject)
        self._start = self._button("startExport", "Export", self._on_start)
        self._start.setProperty("primary", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(self._pages, 1)
        column.addWidget(self._state)
        buttons = QHBoxLayout()
        for button in (self._show, self._copy):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self._again, self._cancel, self._close, self._start):
            buttons.addWidget(button)
        column.addLayout(buttons)

    def _choice_page(self) -> QWidget:
        """Make the page from above to below: Tab goes through it in this order."""
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        title = QHBoxLayout()
        title.addWidget(heading("What to write", page))
        source = QLabel(f"from the best weights of “{self._name}”", page)
        source.setProperty("soft", True)
        title.addWidget(source)
        title.addStretch(1)
        for name, text, on in (("tickAll", "All", True), ("tickNone", "None", False)):
            link = self._button(name, text, lambda _=False, on=on: self._list.tick_all(on))
            link.setProperty("link", True)
            title.addWidget(link)
        column.addLayout(title)
        self._make_fields()
        column.addWidget(self._list, 1)
        column.addSpacing(4)
        column.addWidget(heading("Where", page))
        column.addWidget(self._path)
        column.addSpacing(4)
        column.addWidget(heading("Options", page))
        options = QHBoxLayout()
        self._form.setMaximumWidth(330)
        options.addWidget(self._form)
        options.addStretch(1)
        column.addLayout(options)
        return page

    def _make_fields(self) -> None:
        self._list = FormatList(self._theme, self)
        self._list.chosen_changed.connect(self._show_choice)
        self._list.node_wanted.connect(self._on_node_wanted)
        self._list.line_wanted.connect(self._on_line_wanted)
        self._path = PathEditor(FOLDER, self)
        self._path.show_value(str(self._folder))
        self._path.edited.connect(self._on_folder)
        self._form = StructForm(_option_fields(), self, label_width=110)
        self._form.show_struct(self._options)
        self._form.changed.connect(self._on_option)

    def _report_page(self) -> QWidget:
        self._report = ExportReport(self._theme, self)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Export progress")
        self._where = QLabel(self)
        self._where.setProperty("soft", True)
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._where)
        column.addWidget(self._report, 1)
        column.addWidget(self._bar)
        return page

    def _button(self, name: str, title: str, slot: Any) -> QPushButton:
        button = QPushButton(title, self)
        button.setObjectName(name)
        button.clicked.connect(slot)
        return button

    # choosing

    def _show_choice(self) -> None:
        if self.is_running:
            return
        self._pages.setCurrentIndex(0)
        self._show_buttons(CHOOSING)
        chosen = self._list.chosen
        self._form.editor("opset").setEnabled(any("onnx" in each for each in chosen))
        text, is_wrong = self._words(chosen)
        self._start.setEnabled(bool(chosen) and not is_wrong)
        self._start.setText(f"Export {counted(len(chosen), 'file')}" if chosen else "Export")
        self._say(text, "error" if is_wrong else "")

    def _words(self, chosen: Sequence[str]) -> tuple[str, bool]:
        """Return what is to be said of the choice, and whether it cannot be exported so."""
        if not any(state.is_possible for state in self._states):
            return "No format can hold this network; unfold a line to see why.", True
        if not self._folder.is_dir():
            return "Choose a folder that exists.", True
        if not chosen:
            return "Tick at least one format.", False
        there = [path.name for _, path in self._targets(chosen) if path.exists()]
        if there:
            names = ", ".join(there[:3]) + (" …" if len(there) > 3 else "")
            return f"Already there, and to be replaced: {names}.", False
        free = byte_size(shutil.disk_usage(self._folder).free)
        check = "Every file that can run is run outside the workbench and compared."
        return f"{check} {free} free.", False

    def _targets(self, chosen: Sequence[str]) -> list[tuple[str, Path]]:
        return targets(chosen, self._folder, self._stem, self._session.catalog)

    @property
    def _stem(self) -> str:
        return file_stem(self._name)

    @property
    def _name(self) -> str:
        return getattr(self._session.run.experiment, "name", "") or "network"

    def _on_folder(self, text: str) -> None:
        self._folder = Path(text).expanduser()
        self._show_choice()

    def _on_option(self, name: str, value: Any) -> None:
        self._options = msgspec.structs.replace(self._options, **{name: value})

    def _on_node_wanted(self, node: str) -> None:
        document = self._session.document
        if node in document.experiment.graph:
            document.select((node,))
            self._say(f"{node} is selected in the network.", "")
        else:
            self._say(f"The network in the editor has no layer {node}; the run's had.", "")

    def _on_line_wanted(self, line: str) -> None:
        QGuiApplication.clipboard().setText(line)
        self._say(f"Copied: {line}", "")

    # exporting

    def _on_start(self) -> None:
        self._path.take()
        chosen = self._list.chosen
        if not chosen or self._words(chosen)[1] or self._run is None:
            return
        self._session.preferences.export_folder = str(self._folder)
        preferences.save(self._session.preferences)
        titles = {state.format: state.title for state in self._states}
        self._report.begin({format_id: titles[format_id] for format_id in chosen})
        self._where.setText(f"Into {self._folder}")
        self._bar.setRange(0, 0)
        self._pages.setCurrentIndex(1)
        self._show_buttons(GOING_ON)
        self._say("Opening the run …", "")
        self._process.start(self._arguments(chosen))

    def _arguments(self, chosen: Sequence[str]) -> list[str]:
        wanted = [str(self._run.path), "-o", str(self._folder), "--name", self._stem]
        for format_id in chosen:
            wanted += ["--format", format_id]
        wanted += ["--opset", str(self._options.opset), "--keep-going"]
        return [*wanted, "--softmax"] if self._options.softmax else wanted

    def _on_told(self, event: exports.Event) -> None:
        self._report.take(event)
        if isinstance(event, exports.Doing):
            self._bar.setRange(0, event.total if event.done else 0)  # the first may take long
            self._bar.setValue(event.done)
            self._say(f"{event.message} …", "")

    def _on_cancel(self) -> None:
        self._process.cancel()
        self._cancel.setEnabled(False)
        self._say("Cancelling …", "")

    def _on_ended(self, reason: str) -> None:
        self._report.end("cancelled" if self._process.was_cancelled else "not written")
        self._show_buttons("")
        written, failures = self._report.written, self._report.failures
        files = counted(written, "file")
        if self._process.was_cancelled:
            self._say(f"Cancelled. {files} had been written." if written else "Cancelled.", "")
        elif reason:
            self._say(f"The export ended early: {reason}", "error")
        elif failures:
            self._say(f"{files} written, {counted(failures, 'format')} failed.", "error")
        else:
            said = "What is marked “checked” gave the same answers outside the workbench."
            self._say(f"{files} written. {said}", "")

    def _on_show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report.text())

    def _show_buttons(self, stage: str) -> None:
        """Show what can be done while choosing, while it goes on, and afterwards."""
        if stage == self._stage:
            return
        self._stage = stage
        is_over = not stage
        self._start.setVisible(stage == CHOOSING)
        self._cancel.setVisible(stage == GOING_ON)
        self._cancel.setEnabled(True)
        self._bar.setVisible(stage == GOING_ON)
        self._close.setVisible(stage != GOING_ON)
        for button in (self._again, self._copy):
            button.setVisible(is_over)
        self._show.setVisible(is_over and self._report.written > 0)
        first = {CHOOSING: self._start, GOING_ON: self._cancel}.get(stage, self._close)
        first.setDefault(True)
        first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _say(self, text: str, severity: str) -> None:
        self._state.setText(text)
        set_property(self._state, "severity", severity)


def _kept_folder(text: str) -> Path:
    """Return the folder of the last export, if it is still there."""
    kept = Path(text).expanduser() if text else Path.home()
    try:
        return kept if kept.is_dir() else Path.home()
    except OSError:
        return Path.home()


def _option_fields() -> tuple[Field, ...]:
    """Return the options; there is room for all of them."""
    return tuple(msgspec.structs.replace(each, advanced=False) for each in fields_of(ExportOptions))
