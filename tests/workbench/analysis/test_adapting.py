"""Adapters are edits: where they go, what is trained with them, what cannot be."""

from __future__ import annotations

import pytest

from workbench.analysis.adapting import adapters_in_words, add_adapters, remove_adapters
from workbench.analysis.retraining import swap_head
from workbench.analysis.shapes import resolve
from workbench.document.edits import EditError, change_type, update_node
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, LoRA, Node
from workbench.plugin_api.tensors import SEQUENCE_AXES, TensorType

KIND = TensorType((5, 8), SEQUENCE_AXES)
NODES = (
    Node("input1", "Input"),
    Node("dense1", "Dense", {"units": 8}, ("input1",)),
    Node("norm1", "LayerNorm", {}, ("dense1",)),
    Node("look1", "MultiHeadAttention", {"heads": 2}, ("norm1",)),
    Node("pool1", "GlobalAveragePool", {}, ("look1",)),
    Node("head1", "Dense", {"units": 3}, ("pool1",), trainable=False),
    Node("output1", "Output", {}, ("head1",)),
)
EXPERIMENT = Experiment(graph=Graph(NODES))


@pytest.fixture
def network_of(catalog):
    def resolved(experiment):
        found = resolve(experiment.graph, catalog, KIND)
        assert not found.problems
        return found.network

    return resolved


def adapted(network):
    return {node.id: tuple(node.adapters) for node in network.nodes if node.adapters}


def test_queries_and_values_are_adapted_where_there_is_attention(network_of):
    found = add_adapters(EXPERIMENT, network_of(EXPERIMENT), LoRA(rank=2))
    network = network_of(found)
    assert adapted(network) == {"look1": ("query_kernel", "value_kernel")}
    trained = {node.id: node.trained_parameters for node in network.nodes if node.trained}
    assert trained == {"look1": 2 * 2 * (8 + 8), "head1": 27}
    assert "rank 2 change 2 matrices of look1; 91 of" in adapters_in_words(network)
    assert remove_adapters(found).graph["look1"].lora is None


def test_adapters_again_take_the_place_of_the_first(network_of):
    first = add_adapters(EXPERIMENT, network_of(EXPERIMENT), LoRA(on=("query", "dense")))
    assert set(adapted(network_of(first))) == {"dense1", "look1"}
    second = add_adapters(first, network_of(first), LoRA(rank=1, on=("key",)))
    network = network_of(second)
    assert adapted(network) == {"look1": ("key_kernel",)}
    assert not second.graph["dense1"].trainable


def test_a_layer_without_a_matrix_says_so_and_is_repaired(catalog, network_of):
    odd = update_node(EXPERIMENT, "norm1", lora=LoRA())
    (problem,) = resolve(odd.graph, catalog, KIND).problems
    assert "no matrix" in problem.message
    assert problem.repair.edit(odd) == EXPERIMENT
    swapped = change_type(
        add_adapters(EXPERIMENT, network_of(EXPERIMENT), LoRA()), "look1", "LayerNorm", {}
    )
    assert [p.node for p in resolve(swapped.graph, catalog, KIND).problems] == ["look1"]


def test_without_a_head_or_a_matrix_nothing_is_changed(network_of):
    nodes = (*NODES[:1], NODES[2].__class__("norm1", "LayerNorm", {}, ("input1",)))
    bare = Experiment(graph=Graph((*nodes, Node("output1", "Output", {}, ("norm1",)))))
    with pytest.raises(EditError, match="none is the head"):
        add_adapters(bare, network_of(bare), LoRA())
    with pytest.raises(EditError, match="has a matrix"):
        add_adapters(EXPERIMENT, network_of(EXPERIMENT), LoRA(on=("nothing",)))
    with pytest.raises(EditError, match="No layer has adapters"):
        remove_adapters(EXPERIMENT)


def test_a_frozen_layer_trains_no_adapters_either(network_of):
    found = add_adapters(EXPERIMENT, network_of(EXPERIMENT), LoRA())
    frozen = update_node(found, "look1", trainable=False)
    assert network_of(frozen)["look1"].trained == ()


def test_a_new_head_has_no_adapters(network_of):
    own = update_node(EXPERIMENT, "head1", lora=LoRA())
    head = swap_head(own, network_of(own), 7).graph["head1"]
    assert (head.lora, head.trainable, head.params["units"]) == (None, True, 7)
