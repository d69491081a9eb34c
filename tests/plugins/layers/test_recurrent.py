"""Recurrent layers: the same on every backend, whatever the padding; PyTorch's own numbers."""

from __future__ import annotations

import itertools

import pytest

from tests.plugins.networks import make
from tests.plugins.ragged import chain, compare, padding_difference, series

KINDS = ("SimpleRNN", "LSTM", "GRU")
LENGTHS = (5, 1, 7, 3)
SETTINGS = [
    {"direction": direction, "sequences": sequences, "layers": count}
    for direction, sequences, count in itertools.product(
        ("forward", "backward", "both"), (False, True), (1, 2)
    )
]
COMPARED = [SETTINGS[place] for place in (0, 2, 6, 7, 8, 11)]
"""On all frameworks, each way, stacked and not; a Keras model takes seconds to build and run."""
MORE = [
    {"direction": "both", "merge": "sum", "sequences": True},
    {"direction": "both", "merge": "multiply", "layers": 2},
    {"direction": "both", "merge": "average", "use_bias": False},
    {"use_bias": False, "layers": 2},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [None, 6], ids=["ragged", "fixed"])
def test_same_numbers_everywhere(catalog, peers, kind, steps):
    for params in COMPARED + MORE[:: 2 if steps is None else 3]:
        layer = make(catalog, kind, units=3, **params)
        network = chain(catalog, [series(4, steps)], layer)
        lengths = LENGTHS if steps is None else (steps,) * 3
        forward, gradient = compare(peers, network, lengths)
        assert forward <= 1e-5, params
        assert gradient <= 1e-4, params


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("params", SETTINGS + MORE, ids=str)
def test_padding_changes_nothing(catalog, kind, params):
    layer = make(catalog, kind, units=3, **params)
    network = chain(catalog, [series(4)], layer)
    assert padding_difference(network, LENGTHS, (8, 13)) <= 1e-6
