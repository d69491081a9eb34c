"""The tree of modules inside an imported network: marks freeze, buttons freeze and cut."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QTreeWidget

from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.tensors import TensorType

PARTS = [
    ["", "Net", [16], 0, False],
    ["stem", "Conv2d", [8, 8, 4], 100, True],
    ["blocks", "Sequential", [4, 4, 16], 0, True],
    ["blocks.0", "Block", [8, 8, 8], 200, True],
    ["blocks.0.conv", "Conv2d", [8, 8, 8], 0, True],
    ["blocks.1", "Block", [4, 4, 16], 300, True],
    ["blocks.1.conv", "Conv2d", [4, 4, 16], 0, True],
    ["split", "Split", None, 0, False],
]
STORED = [
    ["token", [1, 16], True],
    ["stem.weight", [4, 3, 3, 3], True],
    ["blocks.0.conv.weight", [8, 4, 3, 3], True],
    ["blocks.1.conv.weight", [16, 8, 3, 3], True],
]


@pytest.fixture
def tree(window):
    session = window.session
    info = msgspec.structs.replace(session.data.info, input=TensorType((8, 8, 3)))
    session.document.set_info(info)
    params = {"architecture": "net", "input": [8, 8, 3], "parts": PARTS, "stored": STORED}
    nodes = (
        Node("input", "Input"),
        Node("net", "Pretrained", params, ("input",)),
        Node("head", "Dense", {"units": 10}, ("net",)),
        Node("output", "Output", {}, ("head",)),
    )
    session.document.replace(Experiment(graph=Graph(nodes)))
    session.document.select(("net",))
    window.show_tab("layer")
    return window.findChild(QTreeWidget, "innerModules")


def row(tree, *names):
    found = tree.invisibleRootItem()
    for name in names:
        found = next(c for i in range(found.childCount()) if (c := found.child(i)).text(0) == name)
    return found


def click_mark(qtbot, tree, item):
    tree.scrollToItem(item)
    area = tree.visualItemRect(item)
    place = area.center()
    place.setX(area.left() + 8)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)


def choose(qtbot, tree, item):
    tree.expandItem(item.parent() or item)
    area = tree.visualItemRect(item)
    place = area.center()
    place.setX(area.left() + 40)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)


def frozen(window):
    return window.session.document.experiment.graph["net"].params.get("frozen", [])


def test_modules_are_listed_with_outputs_and_parameters(tree):
    assert [row(tree, "stem").text(column) for column in range(2)] == ["stem", "8 × 8 × 4"]
    assert row(tree, "stem").toolTip(0) == "stem: Conv2d, 108 parameters"
    assert row(tree, "blocks", "1", "conv").text(1) == "4 × 4 × 16"
    assert row(tree, "split").text(1) == ""


def test_a_mark_freezes_and_unfreezes_in_one_step_each(window, tree, qtbot):
    click_mark(qtbot, tree, row(tree, "blocks"))
    assert frozen(window) == ["blocks"]
    assert row(tree, "blocks").checkState(0) == Qt.CheckState.Unchecked
    tree.expandItem(row(tree, "blocks"))
    click_mark(qtbot, tree, row(tree, "blocks", "1"))
    assert frozen(window) == ["blocks.0"]
    assert row(tree, "blocks").checkState(0) == Qt.CheckState.PartiallyChecked
    window.session.document.undo()
    window.session.document.undo()
    assert frozen(window) == []
    assert row(tree, "blocks").checkState(0) == Qt.CheckState.Checked


def test_freezing_up_to_a_module_takes_what_comes_before_it(window, tree, qtbot):
    button = window.findChild(QPushButton, "freezeUpToInside")
    assert not button.isEnabled()
    tree.expandItem(row(tree, "blocks"))
    choose(qtbot, tree, row(tree, "blocks", "0"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert frozen(window) == ["blocks.0", "stem", "token"]
    facts = window.session.document.report.network["net"]
    assert facts.trained == ("blocks.1.conv.weight",)


def test_a_network_ends_where_it_is_told_and_is_whole_again(window, tree, qtbot):
    whole = window.findChild(QToolButton, "wholeNetwork")
    assert not whole.isVisible()
    tree.expandItem(row(tree, "blocks"))
    choose(qtbot, tree, row(tree, "blocks", "0"))
    qtbot.mouseClick(window.findChild(QPushButton, "endInside"), Qt.MouseButton.LeftButton)
    network = window.session.document.report.resolution.by_id
    assert network["net"].output.shape == (8, 8, 8)
    assert "8 × 8 × 8" in window.findChild(QLabel, "layerFacts").text().replace("\xa0", " ")
    qtbot.mouseClick(whole, Qt.MouseButton.LeftButton)
    assert window.session.document.report.resolution.by_id["net"].output.shape == (16,)


def test_a_module_without_one_output_cannot_be_the_end(window, tree, qtbot):
    choose(qtbot, tree, row(tree, "split"))
    assert not window.findChild(QPushButton, "endInside").isEnabled()
