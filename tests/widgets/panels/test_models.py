"""The Models tab with mouse and keys: find a network, drag it onto the canvas, go on meanwhile."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton
from safetensors.numpy import load_file

from widgets.canvas.gestures.drop_model import MODEL_MIME, Model
from widgets.panels.model_tree import ModelTree, summary
from workbench.document import edits
from workbench.document.experiment import Experiment
from workbench.document.graph import Node
from workbench.plugin_api.importer import Architecture, Published
from workbench.session.importing import ModelImport

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
WAIT = 60_000
STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in_adopter.py")))


def with_stand_in(window, *words):
    session = window.session
    session.models = ModelImport(session.document, (*STAND_IN, *words))
    session.models.messaged.connect(lambda message: session.messaged.emit(message))
    session.document.replace(Experiment())
    return window.show_tab("models")


@pytest.fixture
def said(window):
    messages = []
    window.session.messaged.connect(messages.append)
    return messages


@pytest.fixture
def panel(window, qtbot, said):
    made = with_stand_in(window)
    wait(qtbot, window, lambda: window.session.models.models is not None)
    yield made
    window.session.models.close()


def wait(qtbot, window, condition):
    def ticked():
        window.session.models.tick()
        return condition()

    qtbot.waitUntil(ticked, timeout=WAIT)


def idle(window):
    return not window.session.models.is_busy


def button(panel, name):
    return panel.findChild(QPushButton, name)


def search(panel, text):
    field = panel.findChild(QLineEdit, "filterModels")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    return field


def choose(panel, text):
    QTest.keyClick(search(panel, text), Qt.Key.Key_Return)
    return panel.findChild(ModelTree).architecture


def drop(canvas, model, at):
    port, data = canvas.viewport(), QMimeData()
    data.setData(MODEL_MIME, model.encoded())
    values = (Qt.DropAction.CopyAction, data, LEFT, NO_KEY)
    entered = QDragEnterEvent(QPoint(3, 3), *values)
    QApplication.sendEvent(port, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(port, QDragMoveEvent(at, *values))
    QApplication.sendEvent(port, QDropEvent(QPointF(at), *values))


def test_networks_are_found_by_words_and_folded_by_family(window, panel):
    tree = panel.findChild(ModelTree)
    top = [tree.model().index(row, 0).data() for row in range(tree.count)]
    assert top[0].startswith("torchvision")
    assert any(title.startswith("keras.applications") for title in top)
    assert not tree.isExpanded(tree.model().index(0, 0))
    found = choose(panel, "torchvision squeezenet1_1")
    assert (found.importer, found.name) == ("torchvision", "squeezenet1_1")
    assert panel.findChild(QLabel, "modelName").text() == "squeezenet1_1"
    facts = panel.findChild(QLabel, "modelFacts").text()
    assert "224 × 224 × 3 · 1.2 M parameters" in facts
    assert "Comes as layers" in facts
    panel._weights.setCurrentIndex(0)
    assert "% of ImageNet right" in panel.findChild(QLabel, "modelFacts").text()
    assert "would be downloaded" in panel.findChild(QLabel, "modelFacts").text()
    search(panel, "no such network")
    assert "No network is called like that" in panel._empty.accessibleName()


def test_dropped_on_an_empty_canvas_it_becomes_the_network(window, panel, qtbot, said):
    document, canvas = window.session.document, window.page.canvas
    choose(panel, "torchvision resnet18")
    drop(canvas, panel._model(), QPoint(300, 40))
    assert button(panel, "cancelModel").isVisible()
    document.edit(lambda e: edits.set_training(e, epochs=3), "Epochs")  # one goes on meanwhile
    wait(qtbot, window, lambda: idle(window))
    experiment = document.experiment
    assert set(canvas.network.nodes) >= {"input", "layer0/", "layer1/", "head/", "output"}
    assert experiment.training.epochs == 3
    assert experiment.graph["fc"].params["units"] == 10  # as the data have classes
    assert experiment.data.preprocessing.params["height"] == 16
    assert document.undo_title == "Import resnet18"
    assert "resnet18 of a stand-in is on the canvas" in said[-1].text
    assert "gives 10 outputs instead of 1000" in said[-1].hint
    document.undo()
    assert not document.experiment.graph.nodes


def test_beside_a_network_it_is_added_as_a_folded_group(window, panel, qtbot, said):
    document, canvas = window.session.document, window.page.canvas
    shaped = Node("input1", "Input", {"shape": [16, 16, 3]})
    document.edit(lambda e: edits.add_node(e, shaped), "Add")
    document.edit(
        lambda e: edits.add_node(e, Node("conv1", "Conv2D", {}, ("input1",), position=(0, 80))),
        "Add",
    )
    canvas.reset_zoom()
    canvas.show_start()
    below = canvas.mapFromScene(110, 200)
    drop(canvas, Model(source="stand-in:net", title="net"), below)
    document.edit(lambda e: edits.rename(e, "input1", "pictures"), "Rename")
    wait(qtbot, window, lambda: idle(window))
    graph = document.experiment.graph
    assert set(canvas.network.nodes) == {"pictures", "conv1", "net/"}
    assert graph["conv1_2"].inputs == ("conv1",)
    assert graph["conv1_2"].group == "net/stem" or graph["conv1_2"].group == "net"
    assert not any(node.type == "Output" for node in graph.nodes)
    assert document.group == "net"
    start = document.experiment.start
    assert list(load_file(start.file)) == ["conv1_2/bias"]
    assert "How the data are prepared has not changed" in said[-1].hint
    drop(canvas, Model(source="stand-in:net", title="net"), QPoint(500, 60))
    wait(qtbot, window, lambda: idle(window))
    assert "net 2/" in canvas.network.nodes
    loaded = load_file(document.experiment.start.file)
    np.testing.assert_array_equal(loaded["conv1_3/bias"], loaded["conv1_2/bias"])
    assert document.undo_title == "Add net 2"
    document.undo()
    document.undo()
    document.undo()
    assert [node.id for node in document.experiment.graph.nodes] == ["input1", "conv1"]


def test_a_network_does_not_land_in_another_experiment(window, panel, qtbot, said):
    document, canvas = window.session.document, window.page.canvas
    choose(panel, "torchvision resnet18")
    QTest.keyClick(panel.findChild(QLineEdit, "filterModels"), Qt.Key.Key_Down)
    QTest.keyClick(panel.findChild(ModelTree), Qt.Key.Key_Return)
    document.edit(lambda e: edits.add_node(e, Node("input1", "Input")), "Add")
    wait(qtbot, window, lambda: idle(window))
    assert "Layers were added while" in said[-1].text
    assert list(canvas.network.nodes) == ["input1"]
    canvas.adding.import_model(Model(source="stand-in:net"))
    document.replace(Experiment(name="another"))
    wait(qtbot, window, lambda: idle(window))
    assert "Another experiment was opened" in said[-1].text
    assert document.experiment == Experiment(name="another")


def test_an_import_is_cancelled_and_a_wrong_file_told(window, panel, qtbot, said):
    document = window.session.document
    choose(panel, "torchvision resnet152")
    QTest.keyClick(panel.findChild(QLineEdit, "filterModels"), Qt.Key.Key_Return)
    assert window.session.models.is_busy
    wait(qtbot, window, lambda: "Building" in panel.findChild(QLabel, "modelState").text())
    panel.wanted.emit(Model(source="x:y", title="y"))
    assert "Another network is being imported" in said[-1].text
    QTest.mouseClick(button(panel, "cancelModel"), LEFT)
    assert idle(window)
    assert not document.experiment.graph.nodes
    panel.open_file("/data/notes.pt")
    wait(qtbot, window, lambda: idle(window))
    assert said[-1].text == "/data/notes.pt is not a weights file."
    assert "not a weights file" in panel.findChild(QLabel, "modelState").text()


def test_nothing_installed_says_what_to_do(window, qtbot):
    panel = with_stand_in(window, "nothing")
    wait(qtbot, window, lambda: window.session.models.models is not None)
    assert "No collection of networks is installed" in panel._empty.accessibleName()
    assert "timm is not here" in panel._empty.accessibleName()
    assert button(panel, "openModelFile").isVisible()
    window.session.models.close()


def test_thousands_of_networks_are_listed_and_narrowed_at_once(qtbot, theme):
    here = Published(name="W", accuracy=81.0, is_here=True)
    models = [
        Architecture(
            importer="timm", name=f"net_{n}", family=f"family{n % 90}", parameters=n * 1000
        )
        for n in range(3000)
    ]
    models.append(Architecture(importer="timm", name="known", weights=(here,)))
    tree = ModelTree(theme, lambda: None)
    qtbot.addWidget(tree)
    tree.resize(230, 500)
    tree.show()
    begun = time.perf_counter()
    tree.show_models(models, {})
    tree.narrow("net_29")
    tree.grab()
    assert time.perf_counter() - begun < 1.5
    tree.take_first()
    assert tree.architecture.name.startswith("net_29")
    tree.narrow("")
    assert tree.model().index(0, 0).data().startswith("On this computer")
    assert summary(models[-1]) == "here · 81.0 % · 224 px"
    begun = time.perf_counter()
    tree.expandAll()
    for _ in range(30):
        tree.verticalScrollBar().setValue(tree.verticalScrollBar().value() + 200)
        tree.viewport().repaint()
    assert (time.perf_counter() - begun) / 30 < 1 / 30
