"""LoRA adapters in generated code: the same numbers everywhere, and the merged network's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugins.backends.keras.code import generate as generate_keras
from plugins.backends.pytorch.code import generate
from tests.plugins.networks import compiled, random_array
from tests.plugins.parity import (
    answers_everywhere,
    forward_difference,
    gradient_difference,
    random_weights,
)
from workbench.analysis.shapes import resolve
from workbench.document.graph import Graph, LoRA, Node
from workbench.plugin_api.adapters import factor_names, merged, plain
from workbench.plugin_api.tensors import SEQUENCE_AXES, TensorType

if TYPE_CHECKING:
    from tests.plugins.peers import Peers
    from workbench.catalog import Catalog
    from workbench.plugin_api.network import Network

ALL = ("query", "key", "value", "output", "dense")
BLOCK = {"heads": 2, "dropout": 0.0, "hidden": 10, "activation": "swiglu"}


@pytest.fixture
def network(catalog: Catalog) -> Network:
    """Return every kind of layer that takes adapters, and a head without."""
    every = LoRA(rank=3, alpha=4.5, on=ALL)
    nodes = (
        Node("input1", "Input"),
        Node("dense1", "Dense", {"units": 8, "activation": "relu"}, ("input1",), lora=every),
        Node("look1", "MultiHeadAttention", {"heads": 2}, ("dense1",), lora=LoRA(rank=2)),
        Node(
            "share1",
            "MultiHeadAttention",
            {"heads": 4, "key_heads": 2, "rotary": True, "key_size": 4},
            ("look1",),
            lora=every,
        ),
        Node("decoder1", "TransformerDecoder", BLOCK, ("share1", "dense1"), lora=every),
        Node("head1", "Dense", {"units": 3}, ("decoder1",)),
        Node("output1", "Output", {}, ("head1",)),
    )
    resolution = resolve(Graph(nodes), catalog, TensorType((5, 6), SEQUENCE_AXES))
    assert not resolution.problems
    return resolution.network


def test_outputs_and_gradients_agree_on_every_backend(network: Network, peers: Peers) -> None:
    answers = answers_everywhere(peers, network, random_weights(network, 3))
    assert forward_difference(answers) <= 1e-5
    assert gradient_difference(answers) <= 1e-4
    trained = {name for name in answers["pytorch"].gradients if "/" in name}
    assert trained == {*factor_names(network), "head1/kernel", "head1/bias"}


def test_merged_weights_do_the_same_in_a_network_without_adapters(network: Network) -> None:
    weights = random_weights(network, 4)
    x = random_array((5, 6), 4, 1)
    before = compiled(network, weights).run(x)
    bare = plain(network)
    alone = merged(network, weights)
    assert alone.keys() == bare.weight_specs().keys()
    np.testing.assert_allclose(compiled(bare, alone).run(x), before, atol=1e-5)
    for source in (generate(bare).source, generate_keras(bare).source):
        assert "lora" not in source.lower()
