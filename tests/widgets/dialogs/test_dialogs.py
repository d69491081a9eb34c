from __future__ import annotations

import json
import logging
import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QTableWidget,
)

from widgets.crash import CrashReporter
from widgets.dialogs.about import AboutDialog
from widgets.dialogs.example_card import first_sentences
from widgets.dialogs.export_dialog import ExportDialog, exported_files, last_line
from widgets.dialogs.preferences import PreferencesDialog
from widgets.dialogs.unexpected_error import UnexpectedErrorDialog
from workbench import preferences

WRITES = """
import json, pathlib, sys
where = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
where.write_bytes(b"x" * 2048)
print("Writing …")
file = {"format": "f", "path": str(where), "max_difference": 2e-7}
print(json.dumps({"files": [file]}))
"""
FAILS = "import sys; print('The checkpoint is gone.', file=sys.stderr); sys.exit(3)"
WAITS = "import time; time.sleep(60)"


@pytest.fixture
def export(window, qtbot, run_folder, tmp_path, monkeypatch):
    """An export dialog whose command line is a small program of the test."""
    window.session.run.open(run_folder)
    dialog = ExportDialog(window.session, window.theme, window)
    qtbot.addWidget(dialog)
    dialog._path.choose(str(tmp_path))
    for box in dialog._boxes[1:]:
        box.click()
    dialog.show()

    def start_with(program: str) -> None:
        script = tmp_path / "stand_in.py"
        script.write_text(program)
        real = dialog._process.start
        monkeypatch.setattr(
            dialog._process,
            "start",
            lambda python, arguments: real(python, [str(script), *arguments[2:]]),
        )
        qtbot.mouseClick(dialog.findChild(QPushButton, "startExport"), Qt.MouseButton.LeftButton)

    dialog.start_with = start_with
    return dialog


def state(dialog) -> str:
    return dialog.findChild(QLabel, "exportState").text()


def test_an_export_reports_size_and_difference(export, qtbot, tmp_path):
    export.start_with(WRITES)
    table = export.findChild(QTableWidget, "exportReport")
    qtbot.waitUntil(lambda: not export.is_running and table.rowCount() == 1, timeout=20000)
    row = [table.item(0, column).text() for column in range(3)]
    assert row[1:] == ["2 kB", "2e-07"]
    assert (tmp_path / row[0]).is_file()
    assert state(export).startswith("Done.")


def test_an_export_that_fails_says_why(export, qtbot):
    export.start_with(FAILS)
    qtbot.waitUntil(lambda: "could not be written" in state(export), timeout=20000)
    assert state(export).endswith("The checkpoint is gone.")
    assert export.findChild(QPushButton, "startExport").isVisible()


def test_an_export_can_be_cancelled(export, qtbot):
    export.start_with(WAITS)
    qtbot.waitUntil(lambda: export.is_running, timeout=5000)
    qtbot.mouseClick(export.findChild(QPushButton, "cancelExport"), Qt.MouseButton.LeftButton)
    assert not export.is_running
    assert state(export) == "Cancelled."


def test_nothing_is_exported_into_a_folder_that_is_not_there(export, tmp_path):
    export._path.choose(str(tmp_path / "nowhere"))
    assert not export.findChild(QPushButton, "startExport").isEnabled()
    assert state(export) == "Choose a folder that exists."


def test_the_last_line_is_the_report():
    text = "noise\n" + json.dumps({"files": [{"path": "a"}]}) + "\n\n"
    assert exported_files(text) == [{"path": "a"}]
    assert exported_files("Traceback") == []
    assert last_line("a\nb\n \n") == "b"


def test_the_theme_is_switched_and_kept(window, qtbot):
    dialog = PreferencesDialog(window.session, window.theme, window.actions_table, window)
    qtbot.addWidget(dialog)
    dialog.show()
    box = dialog.findChild(QComboBox, "field_theme")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert not window.theme.is_dark
    assert preferences.load().theme == "light"
    welcome = dialog.findChild(QCheckBox, "welcomeAtStart")
    welcome.click()
    assert preferences.load().welcome is False


def test_a_key_is_taken_from_the_command_that_had_it(window, qtbot):
    dialog = PreferencesDialog(window.session, window.theme, window.actions_table, window)
    qtbot.addWidget(dialog)
    field = dialog.findChild(QKeySequenceEdit, "keys_net.tidy")
    field.setKeySequence(QKeySequence("F5"))
    assert window.actions_table["net.tidy"].shortcut().toString() == "F5"
    assert window.actions_table["run.train"].shortcuts() == []
    assert preferences.load().keys == {"net.tidy": "F5", "run.train": ""}


def test_about_names_broken_plugins(window, qtbot):
    from workbench.catalog import Broken

    window.session.catalog.broken.append(Broken("their.plugin", "ImportError: no"))
    try:
        dialog = AboutDialog(window.session, window)
        qtbot.addWidget(dialog)
    finally:
        window.session.catalog.broken.pop()
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert "their.plugin: ImportError: no" in said


def test_an_unexpected_error_is_shown_once_and_the_report_can_be_copied(window, qtbot, caplog):
    reporter = CrashReporter(window, window.theme)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            try:
                raise RuntimeError("the unthinkable")
            except RuntimeError:
                reporter.on_exception(*sys.exc_info())
    qtbot.waitUntil(lambda: bool(window.findChildren(UnexpectedErrorDialog)))
    dialogs = window.findChildren(UnexpectedErrorDialog)
    assert len(dialogs) == 1
    qtbot.mouseClick(dialogs[0].findChild(QPushButton, "copyReport"), Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "RuntimeError: the unthinkable" in copied
    assert copied.startswith("Neural Workbench")
    qtbot.mouseClick(dialogs[0].findChild(QPushButton, "goOn"), Qt.MouseButton.LeftButton)
    assert window.isVisible()
    assert caplog.text.count("the unthinkable") >= 3


def test_descriptions_end_with_a_whole_sentence():
    assert first_sentences("One. Two.") == "One. Two."
    assert first_sentences("A first sentence. " + "word " * 60) == "A first sentence."
    assert first_sentences("word " * 60).endswith("word …")
