"""Import a model by hand: find it, take it, read what became of it, undo it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QPushButton

from widgets.dialogs.import_model import ImportModelDialog
from widgets.dialogs.model_table import ModelTable
from workbench.session.importing import ModelImport

WAIT = 120_000


@pytest.fixture
def dialog(window, qtbot):
    qtbot.waitUntil(lambda: window.session.data.info is not None, timeout=WAIT)
    window.actions_table["file.import_model"].trigger()
    made = window.findChild(ImportModelDialog)
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.findChild(ModelTable).count > 50, timeout=WAIT)
    yield made
    for left in window.findChildren(ImportModelDialog):
        left.reject()


def press(qtbot, dialog, name) -> None:
    qtbot.mouseClick(dialog.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def searched(qtbot, dialog, text) -> ModelTable:
    field = dialog.findChild(QLineEdit, "searchModels")
    field.selectAll()
    qtbot.keyClicks(field, text)
    return dialog.findChild(ModelTable)


def choose(qtbot, table) -> None:
    at = table.visualRect(table.model().index(0, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_a_network_is_found_taken_told_and_undone(window, dialog, qtbot):
    document = window.session.document
    before = document.experiment
    start = dialog.findChild(QPushButton, "startImport")
    assert not start.isEnabled()
    table = searched(qtbot, dialog, "torchvision squeezenet1_1")
    assert table.count == 1
    choose(qtbot, table)
    assert start.isEnabled()
    weights = dialog.findChild(QComboBox, "publishedWeights")
    assert weights.currentText() == "Random weights"
    assert "would be downloaded" in weights.itemText(0)
    qtbot.mouseClick(dialog.findChild(QCheckBox, "freezeBody"), Qt.MouseButton.LeftButton)
    press(qtbot, dialog, "startImport")
    assert not start.isEnabled()
    report = dialog.findChild(QPlainTextEdit, "importReport")
    qtbot.waitUntil(lambda: bool(report.toPlainText()), timeout=WAIT)
    assert "squeezenet1_1 of torchvision, with random weights" in report.toPlainText()
    graph = document.experiment.graph
    assert graph["classifier_1"].params["filters"] == len(window.session.data.info.classes)
    assert graph["classifier_1"].trainable
    assert not graph["features_0"].trainable
    assert document.experiment.data.preprocessing.params["height"] == 224
    assert document.experiment.data.source == before.data.source
    press(qtbot, dialog, "cancelImport")
    shown = document.folding.graph
    assert {"stem/", "block3/", "classifier/"} <= set(shown.by_id)  # folded by stages
    assert len({node.position for node in shown.nodes}) == len(shown)
    document.undo()
    assert document.experiment == before


def test_adapters_are_trained_instead_where_there_is_a_matrix(window, dialog, qtbot):
    adapt = dialog.findChild(QCheckBox, "adaptBody")
    note = dialog.findChild(QLabel, "adaptNote")
    assert adapt.isEnabled()
    choose(qtbot, searched(qtbot, dialog, "torchvision squeezenet1_1"))
    assert not adapt.isEnabled()
    assert "has neither" in note.text()
    choose(qtbot, searched(qtbot, dialog, "timm test_vit "))
    qtbot.mouseClick(adapt, Qt.MouseButton.LeftButton, pos=QPoint(8, adapt.height() // 2))
    assert adapt.isChecked()
    assert not dialog.findChild(QCheckBox, "freezeBody").isEnabled()
    assert "everything else is frozen" in note.text()
    rank = dialog.findChild(QLineEdit, "adaptRank")
    rank.selectAll()
    qtbot.keyClicks(rank, "0")
    assert note.text() == "The least is 1."
    rank.selectAll()
    qtbot.keyClicks(rank, "3")
    press(qtbot, dialog, "startImport")
    report = dialog.findChild(QPlainTextEdit, "importReport")
    qtbot.waitUntil(lambda: bool(report.toPlainText()), timeout=WAIT)
    assert "LoRA adapters of rank 3" in report.toPlainText()
    nodes = window.session.document.experiment.graph.nodes
    assert {(node.lora.rank, node.lora.alpha) for node in nodes if node.lora} == {(3, 6.0)}


def test_an_import_can_be_given_up(window, dialog, qtbot):
    before = window.session.document.experiment
    choose(qtbot, searched(qtbot, dialog, "torchvision resnet18"))
    press(qtbot, dialog, "startImport")
    press(qtbot, dialog, "cancelImport")
    assert dialog.isVisible()
    assert dialog.findChild(QPushButton, "startImport").isEnabled()
    assert window.session.document.experiment is before


def test_a_file_that_is_none_is_told_and_weights_may_name_another_of_their_network(
    window, dialog, qtbot, tmp_path, monkeypatch
):
    assert searched(qtbot, dialog, "no such network").count == 0
    path = tmp_path / "notes.pt"
    path.write_text("these are notes")
    line = dialog.findChild(QPushButton, "browse_model_file").parent().findChild(QLineEdit)
    qtbot.keyClicks(line, str(path))
    qtbot.keyClick(line, Qt.Key.Key_Return)
    press(qtbot, dialog, "startImport")
    state = dialog.findChild(QLabel, "importState")
    qtbot.waitUntil(lambda: "notes.pt" in state.text(), timeout=WAIT)
    assert "is not a weights file" in state.text()
    started = {}
    monkeypatch.setattr(ModelImport, "start", lambda own, *given, **more: started.update(more))
    chosen = {
        name: dialog.findChild(QPushButton, f"browse_{name}").parent()
        for name in ("model_file", "network_file")
    }
    chosen["network_file"].choose("net.onnx")
    press(qtbot, dialog, "startImport")
    assert started["architecture"] == "net.onnx"
    chosen["model_file"].choose("whole.keras")
    assert not chosen["network_file"].isEnabled()
    press(qtbot, dialog, "startImport")
    assert started["architecture"] == ""
