"""What is the same is told from what is merely equal; what differs is found in any of several."""

from __future__ import annotations

import msgspec
import pytest

from workbench.document.changes import compare, is_same
from workbench.document.edits import set_training
from workbench.document.experiment import Component, Experiment
from workbench.document.graph import Graph, Node
from workbench.document.training import SGD

CONV = Node("conv1", "Conv2D", {"filters": 8, "activation": "relu"}, position=(1.0, 2.0))
BASE = Experiment(graph=Graph((CONV,)))


def test_what_differs_in_any_of_several():
    moved = msgspec.structs.replace(CONV, params={"filters": 16}, position=(9.0, 9.0))
    other = set_training(Experiment(graph=Graph((moved,))), optimizer=SGD(learning_rate=0.1))
    third = msgspec.structs.replace(BASE, task=Component("classification", {"top_k": 3}))
    rows = {row.path: row.values for row in compare([BASE, other, third])}
    assert rows["graph.conv1.filters"] == (8, 16, 8)
    assert rows["graph.conv1.activation"] == ("relu", None, "relu")
    assert rows["training.optimizer.type"] == ("adam", "sgd", "adam")
    assert rows["training.optimizer.learning_rate"] == (0.001, 0.1, 0.001)
    assert rows["training.optimizer.momentum"] == (None, 0.9, None)
    assert rows["task.params.top_k"] == (None, None, 3)
    assert not any("position" in path for path in rows)
    assert compare([BASE]) == compare([]) == compare([BASE, BASE]) == []


def test_a_layer_more_is_a_row_for_each_of_its_settings():
    more = Experiment(graph=Graph((CONV, Node("relu1", "ReLU", inputs=("conv1",)))))
    rows = {row.path: row.values for row in compare([BASE, more])}
    assert rows == {
        "graph.relu1.type": (None, "ReLU"),
        "graph.relu1.inputs": (None, ("conv1",)),
    }


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, 1.0), ({"a": [1]}, {"a": [True]}), (0, None)]
)
def test_equal_to_python_is_not_the_same(one, other):
    assert not is_same(one, other)


def test_lists_and_the_order_of_names_make_no_difference():
    assert is_same((3, 3), [3, 3])
    assert is_same({"a": 1, "b": 2}, {"b": 2, "a": 1})
