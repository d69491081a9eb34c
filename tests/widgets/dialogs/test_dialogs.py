from __future__ import annotations

import logging
import sys

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
)

import resources
from widgets.crash import CrashReporter
from widgets.dialogs.about import AboutDialog
from widgets.dialogs.example_card import first_sentences
from widgets.dialogs.preferences import PreferencesDialog
from widgets.dialogs.unexpected_error import UnexpectedErrorDialog
from workbench import preferences
from workbench.document import edits
from workbench.document.experiment import StartingWeights
from workbench.document.files import load


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


def test_cards_of_examples_tell_whole_sentences():
    for path in resources.examples().values():
        assert first_sentences(load(path).notes).endswith(".")


def test_loaded_weights_are_cleared_on_demand_but_for_those_in_use(window, qtbot):
    folder = preferences.weights_folder()
    folder.mkdir(parents=True)
    used = "0" * 64
    for name in (used, "1" * 64, "2" * 64):
        (folder / f"{name}.safetensors").write_bytes(b"x" * 100)
    start = StartingWeights(name="w", file=str(folder / f"{used}.safetensors"), sha256=used)
    window.session.document.edit(lambda e: edits.replace(e, start=start), "Load")
    dialog = PreferencesDialog(window.session, window.theme, window.actions_table, window)
    qtbot.addWidget(dialog)
    dialog.show()
    kept = dialog.findChild(QLabel, "keptWeights")
    assert kept.text().endswith("3 files, 300 B")

    def agree():
        box = QApplication.activeModalWidget()
        delete = next(each for each in box.buttons() if each.text() == "Delete")
        qtbot.mouseClick(delete, Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, agree)
    qtbot.mouseClick(dialog.findChild(QPushButton, "clearWeights"), Qt.MouseButton.LeftButton)
    assert kept.text().endswith("1 file, 100 B")
    assert [path.stem for path in folder.iterdir()] == [used]
