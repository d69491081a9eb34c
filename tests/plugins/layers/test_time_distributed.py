"""Layers of pictures at each step of a video: as if every picture went through by itself."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.networks import compiled, make, random_array, single
from workbench.plugin_api.tensors import ShapeError, TensorType

WINDOW = {"padding": "explicit", "pads": ((1, 0), (2, 1))}
CASES = [
    ("Conv2D", {"kernel_size": (3, 2), "activation": "relu", **WINDOW}),
    ("DepthwiseConv2D", {"kernel_size": (3, 2), "multiplier": 2, **WINDOW}),
    ("SeparableConv2D", {"kernel_size": (3, 2), "padding": "same"}),
    ("MaxPool2D", {"pool_size": (3, 3), **WINDOW}),
    ("AveragePool2D", {"pool_size": (3, 3), **WINDOW}),
    ("GlobalAveragePool", {}),
    ("GlobalMaxPool", {"keep_axes": True}),
    ("Flatten", {}),
]


@pytest.mark.parametrize(("inner", "params"), CASES, ids=[case[0] for case in CASES])
def test_each_picture_goes_through_the_layer(catalog, inner, params):
    video = random_array((3, 6, 5, 4))
    layer = make(catalog, f"TimeDistributed{inner}", **params)
    model = compiled(single(catalog, layer, [video.shape[1:]]))
    found = model.run(video)
    alone = compiled(
        single(catalog, make(catalog, inner, **params), [video.shape[2:]]), model.weights
    )
    expected = np.stack([alone.run(video[:, step]) for step in range(3)], axis=1)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-6)
    node, one = model.network["layer"], alone.network["layer"]
    assert (node.parameters, node.multiply_adds) == (one.parameters, 3 * one.multiply_adds)
    assert not model.network.inner  # a backend looks for parts of it that could be watched


def test_settings_are_those_of_the_layer(catalog):
    names = [field.name for field in catalog.layers["TimeDistributedConv2D"].parameters()]
    assert names == [field.name for field in catalog.layers["Conv2D"].parameters()]
    layer = make(catalog, "TimeDistributedConv2D", filters=8)
    assert layer.summary() == make(catalog, "Conv2D", filters=8).summary()


def test_what_follows_sees_a_sequence(catalog):
    video = TensorType((None, 8, 8, 3), ("time", "height", "width", "channels"))
    pooled = make(catalog, "TimeDistributedGlobalAveragePool").output([video])
    assert pooled == TensorType((None, 3), ("time", "features"))
    convolved = make(catalog, "TimeDistributedConv2D").output([video])
    assert convolved == TensorType((None, 6, 6, 32), video.axes)


def test_a_single_picture_is_refused(catalog):
    with pytest.raises(ShapeError) as caught:
        make(catalog, "TimeDistributedConv2D").output([TensorType((8, 8, 3))])
    assert caught.value.message == (
        "Conv 2D, each step needs time × height × width × channels, but got "
        "height × width × channels (8 × 8 × 3)."
    )
    assert caught.value.hint == "Use the layer that takes one picture, or add Reshape before it."
