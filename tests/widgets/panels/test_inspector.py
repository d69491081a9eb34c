from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton

from widgets.panels.weights_plot import WeightsPlot
from workbench.document.edits import disconnect


@pytest.fixture
def document(window):
    window.session.document.select(("conv2",))
    window.show_tab("layer")
    return window.session.document


def field(window, name) -> QLineEdit:
    return window.page.right.findChild(QLineEdit, f"field_{name}")


def retype(qtbot, line, text):
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_the_head_tells_shapes_and_parameters_in_full(window, document):
    facts = window.findChild(QLabel, "layerFacts")
    text = facts.text().replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert text.startswith("8 × 8 × 32 → 8 × 8 × 64    18 496 parameters")
    assert facts.wordWrap()


def test_typing_a_parameter_is_one_undo_step(window, document, qtbot):
    retype(qtbot, field(window, "filters"), "128")
    assert document.experiment.graph["conv2"].params["filters"] == 128
    assert document.report.resolution.by_id["conv2"].output.shape == (8, 8, 128)
    document.undo()
    assert document.experiment.graph["conv2"].params["filters"] == 64
    assert field(window, "filters").text() == "64"


def test_leaving_the_field_makes_the_next_edit_another_step(window, document, qtbot):
    retype(qtbot, field(window, "filters"), "12")
    field(window, "kernel_size_0").setFocus()
    retype(qtbot, field(window, "filters"), "24")
    document.undo()
    assert document.experiment.graph["conv2"].params["filters"] == 12


def test_a_default_is_left_out_of_the_document(window, document, qtbot):
    box = window.page.right.findChild(QComboBox, "field_activation")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Home)
    assert "activation" not in document.experiment.graph["conv2"].params


def test_renaming_keeps_the_layer_selected(window, document, qtbot):
    retype(qtbot, field(window, "id"), "stem")
    assert "conv2" in document.experiment.graph
    qtbot.keyClick(field(window, "id"), Qt.Key.Key_Return)
    assert document.selection == ("stem",)
    assert document.experiment.graph["norm2"].inputs == ("stem",)


def test_a_name_that_cannot_be_is_refused_in_words(window, document, qtbot):
    retype(qtbot, field(window, "id"), "norm1")
    qtbot.keyClick(field(window, "id"), Qt.Key.Key_Return)
    assert "conv2" in document.experiment.graph
    said = [label.text() for label in window.page.right.findChildren(QLabel)]
    assert any("exists already" in text for text in said)


def test_freezing_and_the_rate_of_a_layer(window, document, qtbot):
    box = window.page.right.findChild(QCheckBox, "field_trainable")
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert document.experiment.graph["conv2"].trainable is False
    retype(qtbot, field(window, "learning_rate_scale"), "0.1")
    assert document.experiment.graph["conv2"].learning_rate_scale == 0.1


def test_a_layer_without_weights_has_nothing_to_freeze(window, document):
    document.select(("pool1",))
    assert not window.page.right.findChild(QCheckBox, "field_trainable").isVisible()


def test_a_problem_stands_in_the_head(window, document):
    document.edit(lambda e: disconnect(e, "conv2", 0), "Cut")
    problem = window.findChild(QLabel, "layerProblem")
    assert problem.isVisible()
    assert problem.text().startswith("Conv 2D “conv2” needs an input.")


def test_the_histogram_comes_from_the_newest_snapshot(window, run_folder):
    document, run = window.session.document, window.session.run
    run.open(run_folder)
    document.replace(run.experiment)
    names = run.snapshot(run.state.probes[-1][1]).histograms
    node = next(iter(names)).split("/")[0]
    document.select((node,))
    plot = window.findChild(WeightsPlot, "weightsPlot")
    assert plot.isVisible()
    assert "weights between" in plot.toolTip()


def test_several_layers_are_frozen_in_one_step(window, document, qtbot):
    document.select(("conv1", "conv2"))
    qtbot.mouseClick(window.findChild(QPushButton, "freezeAll"), Qt.MouseButton.LeftButton)
    graph = document.experiment.graph
    assert not graph["conv1"].trainable
    assert not graph["conv2"].trainable
    document.undo()
    assert document.experiment.graph["conv1"].trainable


def test_with_nothing_selected_the_network_is_told(window, document):
    document.select(())
    said = window.findChild(QLabel, "networkFacts").text()
    assert said.startswith("12 layers")
    assert "multiply-adds a sample" in said


def test_removing_the_shown_layer_shows_the_network(window, document):
    window.page.canvas.delete_selection()
    assert window.findChild(QLabel, "networkFacts").isVisible()
