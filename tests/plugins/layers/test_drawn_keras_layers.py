"""Random layers on every backend: the same outputs, gradients and moving statistics."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, event, given, settings

from tests.plugins.layers.draws import layers, refusal
from tests.plugins.networks import make, single
from tests.plugins.parity import (
    answers_everywhere,
    forward_difference,
    gradient_difference,
    random_weights,
)
from workbench.catalog import Catalog
from workbench.plugin_api.tensors import TensorType

CATALOG = Catalog()
CATALOG.add_module("plugins.layers")
LAYERS = sorted(layer.id for layer in CATALOG.layers if layer.takes == "numbers")

FORWARD = 1e-5
"""Largest absolute difference of outputs and moving statistics, float32."""
GRADIENT = 1e-4
"""Largest difference of a gradient, as a share of the largest gradient."""

BATCH = {"BatchNorm": 6}
"""Batch normalisation of two values has a gradient that is nothing but rounding."""


def bounds(layer, shape):
    """Return the largest differences of outputs and gradients let through; see docs/parity.md.

    Normalised over two values, outputs are ±1 times gamma unless the two nearly agree, and what is
    left of a gradient is a difference of nearly equal numbers. Over a single value, outputs and
    gradients are zero but for rounding, which 1 / sqrt(epsilon) multiplies. Where waves
    cancel out, a spectrum holds little but rounding, which a logarithm shows.
    """
    if layer.category == "Sound":
        return (FORWARD, GRADIENT) if layer.scale == "linear" else (100 * FORWARD, 100 * GRADIENT)
    counts = {
        "LayerNorm": lambda: math.prod(shape[-layer.axes :]),
        "GroupNorm": lambda: math.prod(shape) // layer.groups,
    }
    count = counts[layer.id]() if layer.id in counts else math.inf
    if count > 2:
        return FORWARD, GRADIENT
    return (10 * FORWARD, 0.2) if count == 1 else (100 * FORWARD, 100 * GRADIENT)


def draws(kind):
    """Return how many layers of a kind are drawn: more where there is more to get wrong."""
    return 12 if hasattr(kind, "windows") else 4 + len(kind.parameters()) * 3 // 2


def compare(peers, layer, inputs, batch=2):
    """Return the largest differences of a layer's outputs, and of its gradients."""
    return compare_network(peers, single(CATALOG, layer, inputs), batch=batch)


def compare_network(peers, network, **sizes):
    """Return the largest differences between any two backends: of outputs, of gradients."""
    weights = random_weights(network, seed=len(network.nodes))
    answers = answers_everywhere(peers, network, weights, **sizes)
    return forward_difference(answers), gradient_difference(answers)


@pytest.mark.parametrize("layer_type", LAYERS)
def test_layer_gives_the_same_numbers_everywhere(peers, layer_type):
    kind = CATALOG.layers[layer_type]

    @settings(max_examples=draws(kind), database=None)
    @given(layers(kind))
    def check(drawn):
        params, inputs = drawn
        layer = make(CATALOG, layer_type, **params)
        assume(refusal(layer, [TensorType(shape) for shape in inputs]) is None)
        forward, gradient = compare(peers, layer, inputs, BATCH.get(layer_type, 2))
        event(f"forward {forward:.0e}, gradient {gradient:.0e}")
        of_outputs, of_gradients = bounds(layer, inputs[0])
        assert forward <= of_outputs
        assert gradient <= of_gradients

    check()
