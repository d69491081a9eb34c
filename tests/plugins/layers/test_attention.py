"""Attention and Transformer blocks: backends agree, padding is nil, PyTorch's own layers too."""

from __future__ import annotations

import pytest

from tests.plugins.networks import make
from tests.plugins.ragged import chain, compare, padding_difference, series
from workbench.plugin_api.tensors import ShapeError

LENGTHS = (5, 1, 7, 3)
HEADS = {"heads": 2}
CASES = [
    ("MultiHeadAttention", HEADS, 1),
    ("MultiHeadAttention", {"heads": 4, "key_heads": 2, "key_size": 6, "use_bias": False}, 1),
    ("MultiHeadAttention", {**HEADS, "causal": True, "rotary": True}, 1),
    ("MultiHeadAttention", {"heads": 4, "key_heads": 2, "rotary": True}, 1),
    ("MultiHeadAttention", {**HEADS, "key_heads": 1}, 2),
    ("TransformerEncoder", {**HEADS, "dropout": 0.0}, 1),
    ("TransformerEncoder", {**HEADS, "dropout": 0.0, "pre_norm": False, "activation": "relu"}, 1),
    (
        "TransformerEncoder",
        {
            "heads": 4,
            "key_heads": 2,
            "rotary": True,
            "activation": "swiglu",
            "use_bias": False,
            "dropout": 0.0,
        },
        1,
    ),
    ("TransformerDecoder", {**HEADS, "dropout": 0.0, "hidden": 5}, 1),
    ("TransformerDecoder", {**HEADS, "dropout": 0.0, "activation": "swiglu", "rotary": True}, 2),
]
NAMES = [f"{name} {params} {count}" for name, params, count in CASES]


def network_of(catalog, name, params, count, steps=None):
    kinds = [series(8, steps)] * count
    return chain(catalog, kinds, make(catalog, name, **params))


@pytest.mark.parametrize(("name", "params", "count"), CASES, ids=NAMES)
def test_padding_changes_nothing(catalog, name, params, count):
    network = network_of(catalog, name, params, count)
    assert padding_difference(network, LENGTHS, (8, 13)) <= 2e-6


@pytest.mark.parametrize("steps", [None, 6], ids=["ragged", "fixed"])
def test_same_numbers_everywhere(catalog, peers, steps):
    for name, params, count in CASES:
        network = network_of(catalog, name, params, count, steps)
        forward, gradient = compare(peers, network, LENGTHS if steps is None else (steps,) * 3)
        assert forward <= 1e-5, (name, params)
        assert gradient <= 1e-4, (name, params)


@pytest.mark.parametrize("name", ["MultiHeadAttention", "TransformerEncoder"])
def test_heads_of_one_feature_are_refused_with_a_bias_only(catalog, name):
    kind = series(3, 3)
    with pytest.raises(ShapeError, match="a single feature to each of its 3 heads"):
        make(catalog, name, heads=3).output([kind])
    assert make(catalog, name, heads=3, use_bias=False).output([kind]).shape == (3, 3)
    assert make(catalog, name, heads=1, key_size=1).output([kind]).shape == (3, 3)
