"""Keras halves of layers where frameworks differ, and that each one is saved and loaded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plugins.backends.keras.code import generate
from tests.plugins.layers.test_drawn_keras_layers import (
    CATALOG,
    FORWARD,
    GRADIENT,
    LAYERS,
    compare,
    compare_network,
)
from tests.plugins.networks import Build, make, single
from tests.plugins.parity import keras_case, random_weights
from workbench.plugin_api.network import ResolvedNode
from workbench.plugin_api.tensors import TensorType

SPECIAL = [
    # a stride longer than the kernel, and a crop that is not even
    ("ConvTranspose1D", {"kernel_size": 2, "stride": 5}, [(4, 3)]),
    ("ConvTranspose2D", {"kernel_size": (2, 4), "stride": (3, 3)}, [(3, 4, 2)]),
    ("ConvTranspose2D", {"kernel_size": (4, 4), "stride": (1, 1)}, [(3, 4, 2)]),
    ("ConvTranspose2D", {"stride": (1, 1), "dilation": (2, 3), "padding": "valid"}, [(3, 4, 2)]),
    ("ConvTranspose3D", {"kernel_size": (2, 2, 3), "stride": (3, 2, 1)}, [(2, 3, 2, 2)]),
    # strides that TensorFlow's depthwise convolution refuses
    ("DepthwiseConv2D", {"stride": (2, 1), "multiplier": 2, "padding": "same"}, [(6, 5, 3)]),
    ("SeparableConv2D", {"stride": (1, 3), "multiplier": 2, "padding": "same"}, [(6, 5, 3)]),
    ("Conv2D", {"groups": 3, "filters": 6, "stride": (2, 2), "padding": "same"}, [(6, 5, 3)]),
    # a single channel whose last stride alone is above 1, which oneDNN reads wrongly
    ("Conv2D", {"kernel_size": (2, 2), "stride": (1, 2), "activation": "relu"}, [(5, 6, 1)]),
    ("Conv2D", {"filters": 1, "stride": (1, 3), "padding": "same"}, [(4, 5, 1)]),
    ("Conv3D", {"kernel_size": (3, 3, 3), "stride": (2, 1, 2)}, [(3, 4, 3, 1)]),
    ("DepthwiseConv2D", {"stride": (1, 3), "multiplier": 3}, [(4, 4, 1)]),
    ("SeparableConv2D", {"stride": (1, 2), "padding": "same"}, [(4, 4, 1)]),
    # uneven padding, of which PyTorch's pooling in Keras repeats the edge
    ("AveragePool2D", {"pool_size": (3, 2), "stride": (2, 1), "padding": "same"}, [(6, 5, 3)]),
    ("AveragePool3D", {"pool_size": (3, 3, 3), "padding": "same"}, [(2, 2, 2, 3)]),
    ("MaxPool2D", {"padding": "explicit", "pads": ((1, 0), (1, 1))}, [(6, 5, 3)]),
    ("MaxPool1D", {"pool_size": 4, "padding": "explicit", "pads": (3, 3)}, [(2, 3)]),
    ("AdaptiveAveragePool2D", {"size": (3, 7)}, [(5, 4, 3)]),
    ("AdaptiveMaxPool2D", {"size": (1, 3)}, [(5, 4, 3)]),
    ("GlobalAveragePool", {"keep_axes": True}, [(2, 3, 2, 2, 3)]),
    ("GlobalMaxPool", {}, [(2, 3, 2, 2, 3)]),
    # cubic interpolation by Keys' rule, larger and smaller
    ("Upsample2D", {"factor": (3, 2), "interpolation": "bicubic"}, [(4, 5, 2)]),
    ("Resize", {"height": 3, "width": 9, "interpolation": "bicubic"}, [(7, 5, 2)]),
    ("Resize", {"height": 3, "width": 2, "antialias": True}, [(7, 5, 2)]),
    ("Resize", {"height": 5, "width": 1, "antialias": True}, [(6, 6, 2)]),
    ("Resize", {"height": 5, "width": 1, "interpolation": "bicubic"}, [(6, 4, 1)]),
    ("Upsample2D", {"factor": (3, 1), "interpolation": "bicubic"}, [(4, 1, 1)]),
    ("Resize", {"height": 5, "width": 11, "interpolation": "nearest"}, [(7, 5, 2)]),
    # statistics of a single value, and of values without any spread
    ("BatchNorm", {"momentum": 0.3}, [(4, 3)]),
    ("BatchNorm", {"running_variance": "unbiased", "momentum": 0.3}, [(3, 2)]),
    ("LayerNorm", {}, [(4, 1)]),
    ("GroupNorm", {"groups": 3}, [(6,)]),
    ("GroupNorm", {"groups": 6}, [(2, 3, 6)]),
    ("RMSNorm", {"scale": False}, [(4, 5)]),
    ("PReLU", {"per_channel": False}, [(4, 5, 3)]),
    ("GLU", {"axis": 1}, [(4, 5)]),
    ("LogSoftmax", {"axis": 1}, [(4, 5)]),
    ("GELU", {"approximate": True}, [(40,)]),
    ("Multiply", {}, [(4, 5, 3), (3,)]),
    ("Subtract", {}, [(3,), (4, 5, 3)]),
    ("Average", {}, [(1, 5, 3), (4, 1, 3), (5, 1)]),
    # Keras on TensorFlow would take the smaller one for a bias of the channels
    ("Add", {}, [(2,), (1,)]),
    ("Average", {}, [(1,), (2,), (1,)]),
    ("Rescale", {"scale": 1 / 127.5, "offset": -1.0}, [(4, 3)]),
    ("Dense", {"units": 1, "activation": "softmax"}, [(4,)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer_type", "params", "inputs"), SPECIAL, ids=[f"{case[0]} {case[1]}" for case in SPECIAL]
)
def test_what_frameworks_do_in_ways_of_their_own(peers, layer_type, params, inputs):
    forward, gradient = compare(peers, make(CATALOG, layer_type, **params), inputs)
    assert forward <= FORWARD
    assert gradient <= GRADIENT


def test_batch_norm_on_a_batch_of_one_value(peers):
    forward, gradient = compare(peers, make(CATALOG, "BatchNorm"), [(3,)], batch=1)
    assert forward <= FORWARD
    assert gradient <= GRADIENT


VARYING = [
    ("GlobalAveragePool", {}, 1),
    ("GlobalMaxPool", {"keep_axes": True}, 1),
    ("Dense", {"units": 3, "activation": "relu"}, 1),
    ("LayerNorm", {}, 1),
    ("RMSNorm", {}, 1),
    ("GroupNorm", {"groups": 2}, 1),
    ("BatchNorm", {}, 1),
    ("BatchNorm", {"running_variance": "unbiased"}, 1),
    ("PReLU", {}, 1),
    ("GELU", {}, 1),
    ("Softmax", {"axis": 1}, 1),
    ("LogSoftmax", {"axis": 1}, 1),
    ("GLU", {}, 1),
    ("Permute", {"axes": (2, 1)}, 1),
    ("Rescale", {"scale": 2.0}, 1),
    ("Dropout", {}, 1),
    ("SpatialDropout", {}, 1),
    ("GaussianNoise", {}, 1),
    ("Add", {}, 2),
    ("Average", {}, 2),
    ("Maximum", {}, 2),
    ("Concatenate", {}, 2),
    ("Concatenate", {"axis": 1}, 2),
]


@pytest.mark.parametrize(("layer_type", "params", "count"), VARYING)
def test_axes_that_vary_from_sample_to_sample(peers, layer_type, params, count):
    build = Build(CATALOG)
    clip = TensorType((None, 6), ("rows", "features"))  # not time: no lengths go along
    for index in range(count):
        node = f"in{index}"
        build.nodes[node] = ResolvedNode(node, make(CATALOG, "Input"), (), (), clip)
    build.put("layer", make(CATALOG, layer_type, **params), *build.nodes)
    build.add("out", "Output", "layer")
    forward, gradient = compare_network(peers, build.network(), lengths=5)
    assert forward <= FORWARD
    assert gradient <= GRADIENT


OTHER = {
    **{f"ConvTranspose{rank}D": {"stride": (4,) * rank if rank > 1 else 4} for rank in (1, 2, 3)},
    **{
        f"{kind}Pool{rank}D": {
            "pool_size": (3,) * rank if rank > 1 else 3,
            "padding": "explicit",
            "pads": ((1, 2),) * rank if rank > 1 else (1, 2),
        }
        for kind in ("Average", "Max")
        for rank in (1, 2, 3)
    },
    "AdaptiveAveragePool2D": {"size": (2, 3)},
    "AdaptiveMaxPool2D": {"size": (5, 3)},
    "BatchNorm": {"running_variance": "unbiased", "epsilon": 1e-7, "momentum": 1e-5},
    "Conv2D": {"padding": "explicit", "pads": ((1, 2), (0, 0)), "activation": "hard_swish"},
    "GELU": {"approximate": True},
    "GaussianNoise": {"deviation": 2.5},
    "LogSoftmax": {"axis": 1},
    "PReLU": {"per_channel": False},
    "Permute": {"axes": (3, 1, 2)},
    "RMSNorm": {"scale": False},
    "Rescale": {"scale": 1e30, "offset": -1e-30},
    "Upsample2D": {"interpolation": "bicubic"},
    "Spectrogram": {
        "n_fft": 8,
        "window_length": 6,
        "hop_length": 2,
        "padding": "reflect",
        "strength": "magnitude",
        "scale": "decibel",
    },
    "MelSpectrogram": {"n_fft": 8, "hop_length": 3, "n_mels": 3, "picture": True},
    "TimeDistributedConv2D": {"padding": "explicit", "pads": ((1, 2), (0, 0))},
    "TimeDistributedAveragePool2D": {
        "pool_size": (3, 3),
        "padding": "explicit",
        "pads": ((1, 2), (1, 2)),
    },
}
"""Settings of layers that make Keras code of their own; the others keep their defaults."""


def each_layers_network(layer_type):
    rank = getattr(CATALOG.layers[layer_type], "rank", 2)
    layer = make(CATALOG, layer_type, **OTHER.get(layer_type, {}))
    return single(CATALOG, layer, [(*(9,) * rank, 8)] * layer.inputs[0])


@pytest.mark.parametrize("layer_type", LAYERS)
def test_keras_files_hold_every_layer(peers, layer_type):
    network = each_layers_network(layer_type)
    case = keras_case(network, random_weights(network, seed=1))
    case = replace(case, seeds=[], reload=True)
    answer = peers.ask(case, ["jax"])["jax"]
    assert not answer.error, answer.error
    for found, expected in zip(answer.reloaded, answer.outputs, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_helpers_are_registered_and_named_in_the_module():
    sources = {
        layer_type: generate(each_layers_network(layer_type)).source for layer_type in LAYERS
    }
    with_helper = {name for name, source in sources.items() if "@keras.saving" in source}
    assert with_helper >= {"GLU", "BatchNorm", "MaxPool2D", "RMSNorm", "GELU", "GaussianNoise"}
    for source in sources.values():
        registered = source.count('@keras.saving.register_keras_serializable("workbench")')
        functions = source.count("\ndef ") - source.count(
            " -> np.ndarray:"
        )  # constants need no name
        assert registered == source.count("\nclass ") + functions - 1
