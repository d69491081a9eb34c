"""Every layer's type, weights and cost, and what is said when a layer cannot be worked out."""

from __future__ import annotations

import time

import pytest

from workbench.analysis.shapes import resolve
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.tensors import TensorType

DIGITS = TensorType((8, 8, 1))


def chain(*layers: tuple[str, str, dict]) -> Graph:
    nodes, before = [], ()
    for node_id, kind, params in layers:
        nodes.append(Node(node_id, kind, params, before))
        before = (node_id,)
    return Graph(tuple(nodes))


CNN = chain(
    ("input1", "Input", {}),
    ("conv1", "Conv2D", {"filters": 16, "kernel_size": [3, 3], "padding": "same"}),
    ("norm1", "BatchNorm", {}),
    ("relu1", "ReLU", {}),
    ("pool1", "MaxPool2D", {}),
    ("flat1", "Flatten", {}),
    ("dense1", "Dense", {"units": 10}),
    ("output1", "Output", {}),
)


def test_shapes_follow_the_data(catalog):
    found = resolve(CNN, catalog, DIGITS)
    assert found.problems == ()
    assert {key: str(node.output) for key, node in found.by_id.items()} == {
        "input1": "8 × 8 × 1",
        "conv1": "8 × 8 × 16",
        "norm1": "8 × 8 × 16",
        "relu1": "8 × 8 × 16",
        "pool1": "4 × 4 × 16",
        "flat1": "256",
        "dense1": "10",
        "output1": "10",
    }


def test_parameters_and_cost_are_counted(catalog):
    network = resolve(CNN, catalog, DIGITS).network
    assert network["conv1"].parameters == 3 * 3 * 1 * 16 + 16
    assert network["norm1"].parameters == 2 * 16
    assert network["norm1"].statistics == 2 * 16
    assert network["dense1"].parameters == 256 * 10 + 10
    assert network.parameters == 160 + 32 + 2570
    assert network["conv1"].multiply_adds == 8 * 8 * 16 * 9
    assert network["dense1"].multiply_adds == 2560
    assert set(network.weight_specs()) >= {"conv1/kernel", "norm1/moving_mean", "dense1/bias"}


def test_without_data_the_input_asks_for_its_shape(catalog):
    found = resolve(CNN, catalog)
    assert [problem.node for problem in found.problems] == ["input1"]
    assert "Data panel" in found.problems[0].hint
    assert found.by_id == {}, "what follows a broken layer is left out silently"


def test_a_set_shape_needs_no_data(catalog):
    graph = chain(("input1", "Input", {"shape": [28, 28, 3]}), ("relu1", "ReLU", {}))
    assert str(resolve(graph, catalog).by_id["relu1"].output) == "28 × 28 × 3"


def test_a_mistake_is_said_in_words_at_its_layer(catalog):
    graph = chain(
        ("input1", "Input", {}), ("dense1", "Dense", {}), ("conv1", "Conv2D", {}), ("r", "ReLU", {})
    )
    found = resolve(graph, catalog, TensorType((64,)))
    (problem,) = found.problems
    assert (problem.severity, problem.node) == ("error", "conv1")
    assert "height × width × channels" in problem.message
    assert "features" in problem.message
    assert set(found.by_id) == {"input1", "dense1"}


def test_a_kernel_larger_than_the_picture_is_one_problem(catalog):
    graph = chain(
        ("input1", "Input", {}), ("conv1", "Conv2D", {"kernel_size": [9, 9]}), ("r", "ReLU", {})
    )
    (problem,) = resolve(graph, catalog, DIGITS).problems
    assert problem.node == "conv1"


def test_a_layer_without_inputs_says_how_to_connect_it(catalog):
    graph = Graph((Node("relu1", "ReLU"), Node("sum1", "Add", inputs=("relu1",))))
    messages = {p.node: p.message for p in resolve(graph, catalog, DIGITS).problems}
    assert messages["relu1"] == "ReLU “relu1” needs an input."
    assert messages["sum1"] == "Add “sum1” needs 2 inputs, but has 1."


def test_too_many_inputs_suggest_joining_them(catalog):
    graph = Graph(
        (
            Node("input1", "Input"),
            Node("relu1", "ReLU", inputs=("input1", "input1")),
            Node("input2", "Input", inputs=("relu1",)),
        )
    )
    problems = {p.node: p for p in resolve(graph, catalog, DIGITS).problems}
    assert problems["relu1"].message == "ReLU “relu1” takes 1 input, but has 2."
    assert "Add or Concatenate" in problems["relu1"].hint
    assert problems["input2"].message == "Input “input2” takes no input, but has 1."


def test_an_input_that_does_not_exist_is_named(catalog):
    graph = Graph((Node("relu1", "ReLU", inputs=("ghost",)),))
    (problem,) = resolve(graph, catalog, DIGITS).problems
    assert "ghost, which does not exist" in problem.message


def test_an_unknown_type_can_be_removed(catalog):
    graph = chain(("input1", "Input", {}), ("x", "Hologram", {}), ("relu1", "ReLU", {}))
    (problem,) = resolve(graph, catalog, DIGITS).problems
    assert "no layer called “Hologram”" in problem.message
    mended = problem.repair.edit(Experiment(graph=graph)).graph
    assert resolve(mended, catalog, DIGITS).problems == ()


def test_a_cycle_is_one_problem(catalog):
    graph = Graph((Node("a", "ReLU", inputs=("b",)), Node("b", "ReLU", inputs=("a",))))
    (problem,) = resolve(graph, catalog, DIGITS).problems
    assert "cycle" in problem.message
    assert problem.node in {"a", "b"}


@pytest.mark.parametrize("params", [{"units": 0}, {"units": "many"}, {"unit": 3}, {"units": None}])
def test_bad_settings_are_a_problem_of_their_layer(catalog, params):
    graph = chain(("input1", "Input", {}), ("dense1", "Dense", params))
    (problem,) = resolve(graph, catalog, TensorType((4,))).problems
    assert problem.node == "dense1"
    assert "setting that cannot be used" in problem.message


def test_a_thousand_layers_are_worked_out_while_typing(catalog):
    layers = [("input1", "Input", {})]
    layers += [(f"conv{n}", "Conv2D", {"filters": 8, "padding": "same"}) for n in range(1000)]
    graph = chain(*layers)
    start = time.process_time()
    found = resolve(graph, catalog, DIGITS)
    assert time.process_time() - start < 0.5
    assert len(found.by_id) == 1001
