import ast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget

from plugins.backends.keras.backend import KerasJax
from widgets.panels.code import CodePanel
from workbench.document.edits import remove_nodes, set_parameter, set_training
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.problems import Problem
from workbench.plugin_api.tensors import TensorType

INFO = DataInfo(
    input=TensorType((8, 8, 1)),
    classes=tuple("0123456789"),
    counts={"train": 100, "validation": 20, "test": 20},
)


@pytest.fixture
def panel(qtbot, at_rest, theme):
    at_rest.document.set_info(INFO)
    widget = CodePanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.resize(900, 320)
    widget.show()
    return widget


def test_the_module_is_shown_read_only(panel):
    source = panel.text.toPlainText()
    ast.parse(source)
    assert "class DigitsCNN" in source
    panel.text.setFocus()
    QTest.keyClicks(panel.text, "nonsense")
    assert panel.text.toPlainText() == source


def test_an_edit_changes_the_code(panel, at_rest, qtbot):
    at_rest.document.edit(lambda e: set_parameter(e, "conv1", "filters", 24), "Filters")
    qtbot.waitUntil(lambda: "24" in panel.text.toPlainText(), timeout=2000)


def test_selecting_a_node_marks_its_lines(panel, at_rest):
    at_rest.document.select(("conv1",))
    marks = panel.text.extraSelections()
    lines = [mark.cursor.blockNumber() + 1 for mark in marks]
    assert lines
    assert all(panel.code.lines[line] == "conv1" for line in lines)


def test_clicking_a_line_selects_its_node(panel, at_rest):
    line = min(line for line, node in panel.code.lines.items() if node == "logits")
    block = panel.text.document().findBlockByNumber(line - 1)
    panel.text.setTextCursor(QTextCursor(block))
    panel.text.centerCursor()
    place = panel.text.cursorRect(QTextCursor(block)).center()
    QTest.mouseClick(panel.text.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert at_rest.document.selection == ("logits",)


def test_copy(panel):
    QTest.mouseClick(panel.findChild(QPushButton, "copy"), Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == panel.code.source


def test_save(panel, tmp_path, monkeypatch):
    file = tmp_path / "model.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    QTest.mouseClick(panel.findChild(QPushButton, "save"), Qt.MouseButton.LeftButton)
    assert file.read_text() == panel.code.source


def test_saving_where_it_cannot_be_is_a_message(panel, at_rest, tmp_path, monkeypatch):
    file = tmp_path / "missing" / "model.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    QTest.mouseClick(panel.findChild(QPushButton, "save"), Qt.MouseButton.LeftButton)
    assert "does not exist" in at_rest.messages[0].message


def test_a_broken_design_says_what_is_wrong(panel, at_rest, qtbot):
    at_rest.document.edit(lambda e: remove_nodes(e, ("output",)), "Remove")
    qtbot.waitUntil(lambda: panel.code is None, timeout=2000)
    empty = panel.findChild(QWidget, "empty")
    assert empty.isVisible()
    assert "no Output" in empty.accessibleName()
    at_rest.document.undo()
    qtbot.waitUntil(lambda: panel.code is not None, timeout=2000)
    assert panel.text.isVisible()


def test_nothing_is_generated_unseen(qtbot, at_rest, theme):
    at_rest.document.set_info(INFO)
    widget = CodePanel(at_rest, theme)
    qtbot.addWidget(widget)
    assert widget.code is None
    widget.show()
    assert widget.code is not None


def test_source_is_coloured(panel, theme):
    block = panel.text.document().findBlockByNumber(0)
    found = {}
    while block.isValid():
        for part in block.layout().formats():
            text = block.text()[part.start : part.start + part.length]
            found[text] = part.format.foreground().color().name()
        block = block.next()
    assert found["class"] == theme.colors.series[4]
    assert found["DigitsCNN"] == theme.colors.series[0]
    assert any(color == theme.colors.series[3] for color in found.values())


def show_code_of(qtbot, panel, title):
    picker = panel.findChild(QWidget, "codeBackend")
    picker.showPopup()
    place = picker.view().visualRect(picker.model().index(picker.findText(title), 0)).center()
    QTest.mouseClick(picker.view().viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_the_code_of_another_backend_can_be_looked_at(panel, at_rest, qtbot):
    show_code_of(qtbot, panel, "Keras · JAX")
    assert "import keras" in panel.text.toPlainText()
    assert at_rest.document.experiment.training.backend == "torch"
    at_rest.document.select(("conv1",))
    lines = [mark.cursor.blockNumber() + 1 for mark in panel.text.extraSelections()]
    assert lines
    assert all(panel.code.lines[line] == "conv1" for line in lines)
    QTest.mouseClick(panel.findChild(QPushButton, "copy"), Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == panel.code.source


def test_the_code_follows_the_experiments_backend(panel, at_rest, qtbot):
    show_code_of(qtbot, panel, "Keras · TensorFlow")
    at_rest.document.edit(lambda e: set_training(e, backend="keras-jax"), "Backend")
    qtbot.waitUntil(lambda: panel.backend == "keras-jax")
    qtbot.waitUntil(lambda: "keras" in panel.text.toPlainText())
    at_rest.document.undo()
    qtbot.waitUntil(lambda: "class DigitsCNN(nn.Module)" in panel.text.toPlainText())


def test_a_layer_that_one_backend_lacks_leaves_the_code_of_the_others(
    panel, at_rest, qtbot, monkeypatch
):
    lacks = Problem("error", "Conv 2D has no Keras code.", "", "conv1")
    monkeypatch.setattr(KerasJax, "problems", lambda self, network: (lacks,))
    show_code_of(qtbot, panel, "Keras · JAX")
    assert panel.code is None
    assert "no Keras code" in panel.findChild(QWidget, "empty").accessibleName()
    assert not panel.findChild(QPushButton, "save").isEnabled()
    show_code_of(qtbot, panel, "PyTorch")
    assert panel.code is not None
    assert panel.findChild(QPushButton, "save").isEnabled()
