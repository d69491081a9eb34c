"""Activations, noise and Dense against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.plugins.layers.running import close, output, softmax, weight
from tests.plugins.networks import random_array


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


ACTIVATIONS = {
    "linear": ("Rescale", lambda x: x),
    "relu": ("ReLU", lambda x: np.maximum(x, 0)),
    "relu6": ("ReLU6", lambda x: np.clip(x, 0, 6)),
    "elu": ("ELU", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "selu": (
        "SELU",
        lambda x: (
            1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
        ),
    ),
    "gelu": ("GELU", lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2),
    "silu": ("SiLU", lambda x: x * sigmoid(x)),
    "mish": ("Mish", lambda x: x * np.tanh(softplus(x))),
    "sigmoid": ("Sigmoid", sigmoid),
    "tanh": ("Tanh", np.tanh),
    "softmax": ("Softmax", lambda x: softmax(x, -1)),
    "softplus": ("Softplus", softplus),
    "softsign": ("Softsign", lambda x: x / (1 + abs(x))),
    "hard_sigmoid": ("HardSigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hard_swish": ("HardSwish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
}


def test_every_activation_setting_is_tried():
    from typing import get_args

    from plugins.layers._activations import ActivationName

    assert set(ACTIVATIONS) == set(get_args(ActivationName))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_as_a_layer_and_as_a_setting(catalog, name):
    layer_type, function = ACTIVATIONS[name]
    x = random_array((5, 4, 3)) * 3
    close(output(catalog, layer_type, x)[1], function(x))
    for layer, params in (
        ("Dense", {"units": 4}),
        ("Conv2D", {"filters": 4, "kernel_size": (1, 1)}),
    ):
        plain, before = output(catalog, layer, x, **params)
        again, after = output(catalog, layer, x, activation=name, **params)
        assert plain.weights.keys() == again.weights.keys()
        close(after, function(before))


@pytest.mark.parametrize(
    ("layer_type", "params", "function"),
    [
        ("LeakyReLU", {"slope": 0.3}, lambda x: np.where(x > 0, x, 0.3 * x)),
        ("ELU", {"alpha": 2.0}, lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0)))),
        (
            "GELU",
            {"approximate": True},
            lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        ),
    ],
)
def test_settings_of_activations(catalog, layer_type, params, function):
    x = random_array((5, 4))
    close(output(catalog, layer_type, x, **params)[1], function(x))


def test_noise_is_there_in_training_only(catalog):
    x = np.ones((64, 8, 8, 6), np.float32)
    for layer_type, params in (
        ("Dropout", {"rate": 0.25}),
        ("SpatialDropout", {"rate": 0.25}),
        ("GaussianNoise", {"deviation": 0.2}),
    ):
        model, found = output(catalog, layer_type, x, **params)
        np.testing.assert_array_equal(found, x)
        model.module.train()
        noisy = model.run(x)
        assert abs(noisy.mean() - 1) < 0.1
        if layer_type == "GaussianNoise":
            assert abs(noisy.std() - 0.2) < 0.01
        else:
            assert set(np.unique(noisy)) == {np.float32(0), np.float32(4 / 3)}
        if layer_type == "SpatialDropout":
            assert (noisy == noisy[:, :1, :1]).all()


def test_dense_works_along_the_last_axis_of_a_picture(catalog):
    x = random_array((3, 5, 4))
    model, found = output(catalog, "Dense", x, units=7, bias_initializer="normal")
    close(found, x @ weight(model, "kernel") + weight(model, "bias"))
