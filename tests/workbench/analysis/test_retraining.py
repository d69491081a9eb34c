"""Heads are swapped, layers frozen and rates spread by edits that say what they cannot do."""

from __future__ import annotations

import pytest

from workbench.analysis.retraining import (
    freeze_body,
    freeze_up_to,
    head_of,
    spread_rates,
    swap_head,
    unfreeze_from,
)
from workbench.analysis.shapes import resolve
from workbench.document.edits import EditError
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.tensors import TensorType


def chain(*layers):
    nodes = [Node("input", "Input")]
    for name, kind, params in layers:
        nodes.append(Node(name, kind, params, (nodes[-1].id,)))
    return Experiment(graph=Graph((*nodes, Node("output", "Output", {}, (nodes[-1].id,)))))


CLASSIFIER = (
    ("conv1", "Conv2D", {"filters": 4}),
    ("norm1", "BatchNorm", {}),
    ("relu1", "ReLU", {}),
    ("conv2", "Conv2D", {"filters": 6}),
    ("pool", "GlobalAveragePool", {}),
    ("fc", "Dense", {"units": 10, "activation": "softmax"}),
)
CONVOLUTIONAL = (
    ("conv1", "Conv2D", {"filters": 4}),
    ("conv2", "Conv2D", {"filters": 10, "kernel_size": [1, 1]}),
    ("relu", "ReLU", {}),
    ("pool", "GlobalAveragePool", {"keep_axes": True}),
    ("flat", "Flatten", {}),
    ("soft", "Softmax", {}),
)


@pytest.fixture
def network_of(catalog):
    def resolved(experiment):
        found = resolve(experiment.graph, catalog, TensorType((8, 8, 3)))
        assert not found.problems
        return found.network

    return resolved


def frozen(experiment):
    return [node.id for node in experiment.graph.nodes if not node.trainable]


@pytest.mark.parametrize(("layers", "head"), [(CLASSIFIER, "fc"), (CONVOLUTIONAL, "conv2")])
def test_a_new_head_gives_logits_for_the_classes(layers, head, network_of):
    before = chain(*layers)
    network = network_of(before)
    assert head_of(network).id == head
    after = swap_head(before, network, 3)
    swapped = network_of(after)
    assert swapped.outputs[0].output.shape == (3,)
    assert "activation" not in after.graph[head].params
    assert "soft" not in after.graph
    assert before.graph[head].params != after.graph[head].params
    assert head_of(swapped).weights["bias"].shape == (3,)


def test_a_frozen_head_is_trained_again_when_it_is_swapped(network_of):
    before = chain(*CLASSIFIER)
    network = network_of(before)
    everything = freeze_up_to(before, network, "fc")
    assert frozen(everything) == ["conv1", "norm1", "conv2", "fc"]
    assert frozen(swap_head(everything, network, 3)) == ["conv1", "norm1", "conv2"]


def test_the_body_is_frozen_with_its_statistics_and_unfrozen_from_a_layer_on(network_of):
    before = chain(*CLASSIFIER)
    network = network_of(before)
    body = freeze_body(before, network)
    assert frozen(body) == ["conv1", "norm1", "conv2"]
    assert frozen(unfreeze_from(body, network, "relu1")) == ["conv1", "norm1"]
    assert freeze_body(body, network) is body


def test_without_a_single_head_it_is_said(network_of):
    nodes = (
        Node("input", "Input"),
        Node("left", "Dense", {"units": 4}, ("input",)),
        Node("right", "Dense", {"units": 4}, ("input",)),
        Node("sum", "Add", {}, ("left", "right")),
        Node("flat", "Flatten", {}, ("sum",)),
        Node("output", "Output", {}, ("flat",)),
    )
    experiment = Experiment(graph=Graph(nodes))
    network = network_of(experiment)
    assert head_of(network) is None
    with pytest.raises(EditError, match="No single layer decides"):
        swap_head(experiment, network, 3)
    with pytest.raises(EditError, match="none is the head"):
        freeze_body(experiment, network)
    with pytest.raises(EditError, match="no layer called nobody"):
        freeze_up_to(experiment, network, "nobody")


def test_rates_fall_towards_the_input(network_of):
    before = chain(*CLASSIFIER)
    network = network_of(before)
    spread = spread_rates(before, network, 0.001)
    rates = [spread.graph[name].learning_rate_scale for name in ("conv1", "norm1", "conv2", "fc")]
    assert rates == pytest.approx([0.001, 0.01, 0.1, 1.0])
    assert spread.graph["relu1"].learning_rate_scale == 1
    again = spread_rates(spread, network, 1)
    assert {node.learning_rate_scale for node in again.graph.nodes} == {1.0}
