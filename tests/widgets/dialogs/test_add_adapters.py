"""LoRA adapters by hand: asked for, told of before, shown on the canvas, changed and removed."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QPushButton,
)
from safetensors.numpy import save_file

from widgets.dialogs.add_adapters import AddAdapters
from widgets.dialogs.load_adapters import LoadAdapters
from workbench.analysis.adapting import add_adapters
from workbench.analysis.shapes import resolve
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, LoRA, Node
from workbench.plugin_api.adapter_files import ENTRY, arrays_of, header_of
from workbench.worker.initial import initial_weights

NODES = (
    Node("input1", "Input"),
    Node("conv1", "Conv2D", {"filters": 6}, ("input1",)),
    Node("shape1", "Reshape", {"shape": [6, 36]}, ("conv1",)),
    Node("look1", "MultiHeadAttention", {"heads": 4}, ("shape1",)),
    Node("flat1", "Flatten", {}, ("look1",)),
    Node("dense1", "Dense", {"units": 32}, ("flat1",)),
    Node("head1", "Dense", {"units": 10}, ("dense1",)),
    Node("output1", "Output", {}, ("head1",)),
)


@pytest.fixture
def document(window):
    window.session.document.replace(Experiment(graph=Graph(NODES)))
    return window.session.document


def opened(window, qtbot) -> AddAdapters:
    window.actions_table["net.add_adapters"].trigger()
    dialog = window.findChild(AddAdapters)
    qtbot.waitExposed(dialog)
    return dialog


def told(dialog) -> str:
    return dialog.findChild(QLabel, "adaptersTold").text().replace("\u202f", " ")


def accept(qtbot, dialog) -> None:
    box = dialog.findChild(QDialogButtonBox)
    (add,) = (each for each in box.buttons() if each.text() == "Add")
    qtbot.mouseClick(add, Qt.MouseButton.LeftButton)


def adapted(document) -> dict[str, LoRA]:
    return {node.id: node.lora for node in document.experiment.graph.nodes if node.lora}


def test_adapters_are_told_added_shown_and_undone(window, document, qtbot):
    before = document.experiment
    dialog = opened(window, qtbot)
    trained = 2 * 8 * (36 + 36) + 33 * 10 - 10 + 10
    assert f"change 2 matrices of look1; {trained:,}".replace(",", " ") in told(dialog)
    rank = dialog.findChild(QLineEdit, "field_rank")
    rank.selectAll()
    qtbot.keyClicks(rank, "4")
    assert dialog.findChild(QLineEdit, "field_alpha").text() == "8"
    assert "rank 4" in told(dialog)
    accept(qtbot, dialog)
    assert adapted(document) == {"look1": LoRA(rank=4, alpha=8.0, on=("query", "value"))}
    graph = document.experiment.graph
    assert [n.id for n in graph.nodes if not n.trainable] == ["conv1", "dense1"]
    face = window.page.canvas.scene().nodes["look1"].face
    assert face.adapted
    assert not face.frozen
    assert "LoRA adapters, rank 4" in face.tip
    document.undo()
    assert document.experiment == before


def test_every_matrix_but_the_head_and_none_again(window, document, qtbot):
    dialog = opened(window, qtbot)
    choice = dialog.findChild(QComboBox, "field_on")
    choice.setFocus()
    qtbot.keyClick(choice, Qt.Key.Key_End)
    assert "5 matrices of 2 layers" in told(dialog)
    accept(qtbot, dialog)
    assert list(adapted(document)) == ["look1", "dense1"]
    window.actions_table["net.remove_adapters"].trigger()
    assert not adapted(document)
    assert not window.actions_table["net.remove_adapters"].isEnabled()


def test_a_network_without_a_matrix_to_adapt_is_told(window, document, qtbot):
    flat = Node("flat1", "Flatten", {}, ("conv1",))
    head = Node("head1", "Dense", {"units": 10}, ("flat1",))
    document.replace(Experiment(graph=Graph((*NODES[:2], flat, head, NODES[-1]))))
    dialog = opened(window, qtbot)
    assert told(dialog).startswith("Nothing before the head has a matrix")
    box = dialog.findChild(QDialogButtonBox)
    assert not next(each for each in box.buttons() if each.text() == "Add").isEnabled()
    dialog.reject()
    assert not adapted(document)


def test_one_layer_gets_and_loses_its_adapters_in_the_inspector(window, document, qtbot):
    document.select(("look1",))
    window.show_tab("layer")
    panel = window.page.right
    mark = panel.findChild(QCheckBox, "field_has")
    qtbot.mouseClick(mark, Qt.MouseButton.LeftButton)
    assert adapted(document) == {"look1": LoRA()}
    assert "1\u202f152\u00a0trained" in panel.findChild(QLabel, "layerFacts").text()
    rank = panel.findChild(QLineEdit, "field_rank")
    rank.selectAll()
    qtbot.keyClicks(rank, "2")
    choice = panel.findChild(QComboBox, "field_on")
    choice.setFocus()
    qtbot.keyClick(choice, Qt.Key.Key_End)
    assert adapted(document)["look1"].rank == 2
    assert len(document.report.network["look1"].adapters) == 4
    qtbot.mouseClick(mark, Qt.MouseButton.LeftButton)
    assert not adapted(document)
    document.select(("conv1",))
    assert not mark.isVisible()


def test_a_file_of_adapters_is_told_of_applied_and_undone(window, document, qtbot, tmp_path):
    before = document.experiment
    bare = document.report.network
    adapted_one = add_adapters(before, bare, LoRA(rank=2))
    network = resolve(adapted_one.graph, window.session.catalog, bare.inputs[0].output).network
    weights = initial_weights(network, before.seed)
    weights["look1/query_kernel"] = weights["look1/query_kernel"] + 1  # of another base
    header = msgspec.json.encode(header_of(network, weights)).decode()
    path = tmp_path / "mine.lora.safetensors"
    save_file(arrays_of(network, weights), path, {ENTRY: header})
    window.actions_table["net.load_adapters"].trigger()
    dialog = window.findChild(LoadAdapters)
    qtbot.waitExposed(dialog)
    apply = dialog.findChild(QPushButton, "applyAdapters")
    line = dialog.findChild(QLineEdit)
    assert not apply.isEnabled()
    for name, words in (("none.safetensors", "does not exist"), (path.name, "of rank 2 change 2")):
        line.selectAll()
        qtbot.keyClicks(line, str(tmp_path / name))
        qtbot.keyClick(line, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda words=words: words in told(dialog), timeout=30_000)
    warned = dialog.findChild(QLabel, "adaptersWarnings").text()
    assert warned.startswith("They were trained beside other weights: look1/query_kernel differs")
    assert document.experiment is before
    qtbot.mouseClick(apply, Qt.MouseButton.LeftButton)
    assert document.experiment.graph == adapted_one.graph
    assert document.experiment.start.name == path.name
    document.undo()
    assert document.experiment == before
