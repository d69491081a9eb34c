"""Initial weights: reproducible, independent of each other, with the rules' own spread."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest

from tests.plugins.networks import Build
from workbench.plugin_api.layer import Initializer, WeightSpec
from workbench.plugin_api.network import Network
from workbench.worker.initial import draw, generator, initial_weights


def network(catalog):
    build = Build(catalog)
    build.input("image", 8, 8, 3)
    build.add("conv", "Conv2D", "image", filters=4)
    build.add("norm", "BatchNorm", "conv")
    build.add("slope", "PReLU", "norm", initial=0.125)
    build.add("flatten", "Flatten", "slope")
    build.add("dense", "Dense", "flatten", units=5)
    build.add("output", "Output", "dense")
    return build.network()


def test_every_weight_has_its_shape_and_type(catalog):
    weights = initial_weights(network(catalog), 0)
    specs = network(catalog).weight_specs()
    assert {name: value.shape for name, value in weights.items()} == {
        name: spec.shape for name, spec in specs.items()
    }
    assert {value.dtype for value in weights.values()} == {np.dtype("float32")}
    assert all(value.flags.c_contiguous for value in weights.values())
    np.testing.assert_array_equal(weights["norm/moving_variance"], np.ones(4))
    np.testing.assert_array_equal(weights["slope/alpha"], np.full((1, 1, 4), 0.125))
    np.testing.assert_array_equal(weights["dense/bias"], np.zeros(5))


def test_a_start_depends_on_seed_node_and_name_alone(catalog):
    full = network(catalog)
    fewer = Network("Other", tuple(reversed(full.nodes[:2] + full.nodes[-2:])))
    weights, again = initial_weights(full, 7), initial_weights(fewer, 7)
    for name, value in again.items():
        np.testing.assert_array_equal(value, weights[name])
    other = initial_weights(full, 8)
    assert not np.array_equal(other["conv/kernel"], weights["conv/kernel"])


def test_numbers_never_change_between_versions():
    """Runs of older versions are continued and compared, so these are here to stay."""
    first = generator(3, "conv1", "kernel").uniform(size=3)
    np.testing.assert_array_equal(first, EXPECTED)


EXPECTED = [0.715460043756893, 0.029101405733710894, 0.8097298101222923]

SPREAD = {
    "glorot_uniform": math.sqrt(2 / (200 + 300)),
    "glorot_normal": math.sqrt(2 / (200 + 300)),
    "he_uniform": math.sqrt(2 / 200),
    "he_normal": math.sqrt(2 / 200),
    "lecun_uniform": math.sqrt(1 / 200),
    "lecun_normal": math.sqrt(1 / 200),
    "orthogonal": math.sqrt(1 / 300),
    "normal": 0.05,
    "uniform": 0.05 / math.sqrt(3),
    "zeros": 0.0,
    "ones": 0.0,
}


def test_every_rule_is_tried():
    assert set(SPREAD) == set(get_args(Initializer))


@pytest.mark.parametrize("rule", SPREAD)
def test_spread_of_a_rule(rule):
    spec = WeightSpec(shape=(200, 300), initializer=rule, fan_in=200, fan_out=300)
    value = draw(spec, generator(0, "dense", "kernel"))
    assert value.std() == pytest.approx(SPREAD[rule], rel=0.02)
    assert value.mean() == pytest.approx(float(rule == "ones"), abs=0.002)
    if rule.endswith("uniform"):
        assert abs(value).max() <= SPREAD[rule] * math.sqrt(3) * 1.0001


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (8, 8), (2, 40), (5,), (40, 2)], ids=str)
def test_orthogonal_is_orthonormal_along_the_shorter_side(shape):
    spec = WeightSpec(shape=shape, initializer="orthogonal", fan_in=4, fan_out=8)
    matrix = draw(spec, generator(0, "dense", "kernel")).reshape(-1, shape[-1])
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-5)


@pytest.mark.parametrize("rule", SPREAD)
def test_every_rule_takes_a_bias(catalog, rule):
    build = Build(catalog)
    build.input("vector", 6)
    build.add("dense", "Dense", "vector", units=1, bias_initializer=rule, kernel_initializer=rule)
    weights = initial_weights(build.network(), 0)
    assert all(np.isfinite(value).all() for value in weights.values())
