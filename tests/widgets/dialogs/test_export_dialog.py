"""The Export dialog by mouse and keys; its process is real, the program in it not always."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QWidget,
)

from tests.plugins.exporters.networks import experiment, run_of
from widgets.dialogs.export_dialog import ExportDialog
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.exporter import Limit
from workbench.runs import exports
from workbench.runs.exports import ExportedFile

WAITS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"event":"doing","message":"Writing a.onnx","done":0,"total":1,"format":"safetensors"}')
sys.stdout.flush()
try:
    time.sleep(60)
finally:
    child.kill()
"""
ENDS = """
print('{"error":"The checkpoint is gone.","hint":"Train again."}')
raise SystemExit(1)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, catalog):
    return run_of(experiment("mlp"), tmp_path_factory.mktemp("trained"), catalog)


@pytest.fixture
def dialog(window, qtbot, trained, tmp_path):
    window.session.run.open(trained)
    made = ExportDialog(window.session, window.theme, window)
    qtbot.addWidget(made)
    field = made.findChild(QLineEdit, "field_folder") or made._path.findChild(QLineEdit)
    made.show()
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, str(tmp_path))
    qtbot.keyClick(field, Qt.Key.Key_Return)
    return made


def click(qtbot, dialog, name):
    button = dialog.findChild(QPushButton, name)
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def folder_of(dialog) -> str:
    return dialog._path.findChild(QLineEdit).text()


def state(dialog) -> str:
    return dialog.findChild(QLabel, "exportState").text()


def rows(tree) -> dict[str, list[str]]:
    found = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {row.text(0): [row.text(c) for c in range(1, tree.columnCount())] for row in found}


def formats(dialog) -> QTreeWidget:
    return dialog.findChild(QTreeWidget, "exportFormats")


def report(dialog) -> QTreeWidget:
    return dialog.findChild(QTreeWidget, "exportReport")


def item(tree, title):
    (found,) = tree.findItems(title, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    return found


def tick(qtbot, dialog, title):
    tree = formats(dialog)
    where = tree.visualItemRect(item(tree, title))
    tree.scrollToItem(item(tree, title))
    where = tree.visualItemRect(item(tree, title))
    qtbot.mouseClick(
        tree.viewport(),
        Qt.MouseButton.LeftButton,
        pos=QPoint(where.left() + 12, where.center().y()),
    )


def play(dialog, monkeypatch, program, tmp_path):
    """Let a small program stand in for the command line."""
    script = tmp_path / "stand_in.py"
    script.write_text(program)
    process = dialog._process._process
    real = process.start
    monkeypatch.setattr(process, "start", lambda python, arguments: real(python, [str(script)]))


def ended(dialog):
    return not dialog.is_running


def test_two_exports_in_a_row(dialog, qtbot, monkeypatch, tmp_path):
    tick(qtbot, dialog, "Python script (PyTorch)")
    assert dialog._list.chosen == ["safetensors"]
    click(qtbot, dialog, "startExport")
    assert dialog.findChild(QProgressBar).isVisible()
    qtbot.waitUntil(lambda: ended(dialog), timeout=60_000)
    assert "1 file written." in state(dialog)
    ((name, cells),) = rows(report(dialog)).items()
    size, difference, per_sample, how = cells
    assert (tmp_path / name).is_file()
    assert size.endswith("kB")
    assert difference == "none" or float(difference) < 1e-4
    assert per_sample.endswith("ms")
    assert how == "checked"
    click(qtbot, dialog, "copyReport")
    assert name in QGuiApplication.clipboard().text()

    click(qtbot, dialog, "exportMore")
    assert name in state(dialog)
    assert "to be replaced" in state(dialog)
    play(dialog, monkeypatch, ENDS, tmp_path)
    click(qtbot, dialog, "startExport")
    qtbot.waitUntil(lambda: ended(dialog) and "early" in state(dialog), timeout=20_000)
    assert [cells[-1] for cells in rows(report(dialog)).values()] == ["not written"]


def test_what_a_format_cannot_say_is_told_before_and_selects_the_layer(
    window, qtbot, trained, monkeypatch
):
    kinds = {kind.id: kind for kind in window.session.catalog.exporters}

    node = window.session.document.experiment.graph.nodes[1].id
    note = Limit(node=node, message="Only one sample at a time.")
    refusal = Limit(message="There is no such layer.", refuses=True)
    line = "pip install something"
    monkeypatch.setattr(kinds["safetensors"], "limits", lambda self, network: (note,))
    monkeypatch.setattr(kinds["torch"], "limits", lambda self, network: (refusal,))
    monkeypatch.setattr(
        kinds["python"], "availability", lambda self: Availability(False, "No Python.", line)
    )
    window.session.run.open(trained)
    dialog = ExportDialog(window.session, window.theme, window)
    qtbot.addWidget(dialog)
    dialog.show()
    shown = rows(formats(dialog))
    assert shown["safetensors"][-1] == "1 note"
    assert shown["PyTorch state dict"][-1] == "cannot hold this network"
    assert shown["Python script (PyTorch)"][-1] == "not installed"
    assert dialog._list.chosen == ["safetensors"]

    tree = formats(dialog)
    tree.expandAll()
    for text in (f"{node}: Only one sample at a time.", f"{line}    (click to copy)"):
        tree.scrollToItem(item(tree, text))
        where = tree.visualItemRect(item(tree, text)).center()
        qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert window.session.document.selection == (node,)
    assert QGuiApplication.clipboard().text() == line


def test_the_opset_is_asked_for_where_it_matters_and_nothing_moves(dialog, qtbot):
    opset = dialog.findChild(QWidget, "editor_opset")
    place = dialog._path.pos()
    assert not opset.isEnabled()
    click(qtbot, dialog, "tickAll")
    assert opset.isEnabled()
    QApplication.processEvents()
    assert dialog._path.pos() == place
    click(qtbot, dialog, "tickNone")
    assert not opset.isEnabled()
    assert not dialog.findChild(QPushButton, "startExport").isEnabled()
    assert state(dialog) == "Tick at least one format."


def test_formats_stand_by_title_and_tab_goes_from_above_to_below(dialog, qtbot):
    titles = list(rows(formats(dialog)))
    assert titles == sorted(titles, key=str.lower)
    first = dialog.findChild(QPushButton, "tickAll")
    first.setFocus()
    places = []
    while not places or QApplication.focusWidget() is not first:
        at = QApplication.focusWidget()
        places.append(at.mapTo(dialog, at.rect().topLeft()).y())
        qtbot.keyClick(at, Qt.Key.Key_Tab)
    assert len(places) >= 7
    assert places == sorted(places)


def test_options_and_formats_reach_the_command_line(dialog, qtbot, tmp_path):
    box = dialog.findChild(QWidget, "field_softmax")
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    words = dialog._arguments(["onnx", "safetensors"])
    assert words[1:3] == ["-o", str(tmp_path)]
    assert words.count("--format") == 2
    assert "--softmax" in words
    assert words[words.index("--opset") + 1] == "20"


def test_cancel_ends_the_process_and_its_children(dialog, qtbot, monkeypatch, tmp_path):
    play(dialog, monkeypatch, WAITS, tmp_path)
    click(qtbot, dialog, "startExport")
    qtbot.waitUntil(lambda: "Writing a.onnx" in state(dialog), timeout=20_000)
    process = psutil.Process(dialog._process.pid)
    family = [process, *process.children(recursive=True)]
    assert len(family) == 2
    began = time.monotonic()
    click(qtbot, dialog, "cancelExport")
    assert time.monotonic() - began < 0.2  # the window does not wait
    qtbot.waitUntil(lambda: ended(dialog), timeout=10_000)
    assert state(dialog) == "Cancelled."
    assert {cells[-1] for cells in rows(report(dialog)).values()} == {"cancelled"}
    click(qtbot, dialog, "exportMore")
    assert dialog.findChild(QPushButton, "startExport").isEnabled()


def test_an_export_that_ends_early_says_why(dialog, qtbot, monkeypatch, tmp_path):
    play(dialog, monkeypatch, ENDS, tmp_path)
    click(qtbot, dialog, "startExport")
    qtbot.waitUntil(lambda: ended(dialog) and "early" in state(dialog), timeout=20_000)
    assert state(dialog) == "The export ended early: The checkpoint is gone. Train again."


def test_a_format_that_fails_says_why_beside_those_that_do_not(dialog):
    dialog._report.begin({"torch": "PyTorch state dict", "safetensors": "safetensors"})
    done = ExportedFile(format="safetensors", path="/a/b.safetensors", size=2048, notes=("A note",))
    for event in (
        exports.Failed(format="torch", message="The disk is full.", hint="Make room."),
        exports.Written(file=done),
    ):
        dialog._on_told(event)
    dialog._on_ended("")
    assert state(dialog) == "1 file written, 1 format failed."
    assert rows(report(dialog))["PyTorch state dict"][-1] == "failed"
    assert rows(report(dialog))["b.safetensors"] == ["2 kB", "", "", "written"]
    assert "The disk is full." in dialog._report.text()
    assert "A note" in dialog._report.text()


def test_a_folder_that_is_not_there_is_told(dialog, qtbot, tmp_path):
    field = dialog._path.findChild(QLineEdit)
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, str(tmp_path / "nowhere"))
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert state(dialog) == "Choose a folder that exists."
    assert not dialog.findChild(QPushButton, "startExport").isEnabled()


def test_without_a_trained_run_the_dialog_says_what_to_do(window, qtbot):
    window.actions_table["file.export"].trigger()
    dialog = window.findChild(ExportDialog)
    empty = dialog.findChild(QWidget, "empty")
    assert empty.isVisible()
    assert "no trained weights" in empty.accessibleName()
    assert not dialog.findChild(QPushButton, "startExport").isVisible()
    click(qtbot, dialog, "closeExport")


def test_a_network_that_no_format_can_hold_is_told(window, qtbot, trained, monkeypatch):
    refusal = Limit(message="There is no such layer.", refuses=True)
    for kind in window.session.catalog.exporters:
        monkeypatch.setattr(kind, "limits", lambda self, network: (refusal,))
    window.session.run.open(trained)
    dialog = ExportDialog(window.session, window.theme, window)
    qtbot.addWidget(dialog)
    dialog.show()
    assert "No format can hold this network" in state(dialog)
    assert not dialog.findChild(QPushButton, "startExport").isEnabled()


def test_enter_in_the_list_exports_nothing(qtbot, dialog):
    tree = formats(dialog)
    tree.setFocus()
    tree.setCurrentItem(tree.topLevelItem(0))
    qtbot.keyClick(tree, Qt.Key.Key_Return)
    assert not dialog.is_running
    assert dialog.findChild(QPushButton, "startExport").isVisible()


def test_the_next_dialog_begins_in_the_folder_of_the_last_export(
    qtbot, dialog, window, tmp_path, monkeypatch
):
    monkeypatch.setattr(dialog._process, "start", lambda _: None)
    click(qtbot, dialog, "startExport")
    again = ExportDialog(window.session, window.theme, window)
    qtbot.addWidget(again)
    assert folder_of(again) == str(tmp_path)
    window.session.preferences.export_folder = str(tmp_path / "gone")
    other = ExportDialog(window.session, window.theme, window)
    qtbot.addWidget(other)
    assert folder_of(other) == str(Path.home())
