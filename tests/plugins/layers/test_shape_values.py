"""Layers that rearrange, resample and join: axes, order, rounding."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.plugins.layers.running import close, output, softmax
from tests.plugins.networks import Build, compiled, random_array


@pytest.mark.parametrize("before", ["nothing", "LayerNorm", "Conv2D"])
def test_flatten_keeps_height_width_channels(catalog, before):
    build = Build(catalog)
    source = build.input("image", 3, 4, 2)
    if before != "nothing":
        params = {"filters": 5} if before == "Conv2D" else {}
        source = build.add("before", before, source, **params)
    build.add("flat", "Flatten", source)
    build.add("out", "Output", "flat")
    model = compiled(build.network())
    x = random_array((3, 4, 2))
    found = model.probe(x, wanted=[source, "flat"])
    np.testing.assert_array_equal(found["flat"], found[source].reshape(2, -1))


def test_nearest_resize_takes_pixels_by_their_centres(catalog):
    x = random_array((5, 7, 2))
    _, found = output(catalog, "Resize", x, height=3, width=10, interpolation="nearest")
    rows = [math.floor((i + 0.5) * 5 / 3) for i in range(3)]
    columns = [math.floor((i + 0.5) * 7 / 10) for i in range(10)]
    np.testing.assert_array_equal(found, x[:, rows][:, :, columns])


@pytest.mark.parametrize(("height", "width"), [(3, 4), (13, 11), (4, 12)])
def test_bicubic_resize_is_antialiased_with_a_half(catalog, height, width):
    from PIL import Image

    x = random_array((8, 9, 1), batch=1)
    picture = Image.fromarray(x[0, :, :, 0], mode=None)
    expected = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    params = {"height": height, "width": width, "interpolation": "bicubic"}
    _, found = output(catalog, "Resize", x, **params)
    close(found[0, :, :, 0], expected, 1e-4)


def test_bilinear_upsample_does_not_align_corners(catalog):
    x = np.array([0.0, 1.0], np.float32).reshape(1, 2, 1, 1)
    _, found = output(catalog, "Upsample2D", x, factor=(2, 1), interpolation="bilinear")
    close(found.ravel(), np.array([0.0, 0.25, 0.75, 1.0]))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_nearest_upsample_repeats(catalog, rank):
    x = random_array((*(3, 2, 4)[:rank], 2))
    factors = (2, 3, 2)[:rank]
    _, found = output(catalog, f"Upsample{rank}D", x, factor=factors if rank > 1 else factors[0])
    for axis, factor in enumerate(factors, start=1):
        x = np.repeat(x, factor, axis=axis)
    np.testing.assert_array_equal(found, x)


def in_both_layouts(catalog, layer_type, *arrays, **params):
    """Yield the layer's output with its inputs channels first and channels last.

    Reshape leaves its output channels last inside the module, even that of a picture.
    """
    for is_last in (False, True):
        build = Build(catalog)
        sources = []
        for index, array in enumerate(arrays):
            source = build.input(f"in{index}", *array.shape[1:])
            if is_last and array.ndim > 2:
                source = build.add(f"same{index}", "Reshape", source, shape=array.shape[1:])
            sources.append(source)
        build.add("layer", layer_type, *sources, **params)
        build.add("out", "Output", "layer")
        yield compiled(build.network()).run(*arrays)


def framed(x, rows, columns):
    return np.pad(x, ((0, 0), rows, columns, (0, 0)))


ARRANGED = [
    ("Permute", {"axes": (2, 3, 1)}, lambda x: x.transpose(0, 2, 3, 1)),
    ("Permute", {"axes": (3, 1, 2)}, lambda x: x.transpose(0, 3, 1, 2)),
    ("Reshape", {"shape": (6, -1)}, lambda x: x.reshape(len(x), 6, -1)),
    ("ZeroPad2D", {"amounts": ((1, 0), (2, 3))}, lambda x: framed(x, (1, 0), (2, 3))),
    ("Crop2D", {"amounts": ((1, 0), (0, 2))}, lambda x: x[:, 1:, :-2]),
    ("Softmax", {}, lambda x: softmax(x, -1)),
    ("Softmax", {"axis": 1}, lambda x: softmax(x, 1)),
    ("LogSoftmax", {"axis": 2}, lambda x: np.log(softmax(x, 2))),
    ("GLU", {}, lambda x: x[..., :2] / (1 + np.exp(-x[..., 2:]))),
    ("GLU", {"axis": 2}, lambda x: x[:, :, :3] / (1 + np.exp(-x[:, :, 3:]))),
    ("GlobalAveragePool", {}, lambda x: x.mean(axis=(1, 2))),
    ("GlobalMaxPool", {"keep_axes": True}, lambda x: x.max(axis=(1, 2), keepdims=True)),
    ("PReLU", {"initial": 0.5}, lambda x: np.where(x > 0, x, x / 2)),
    ("PReLU", {"per_channel": False}, lambda x: np.where(x > 0, x, x / 4)),
    ("Rescale", {"scale": 2.0, "offset": -3.0}, lambda x: 2 * x - 3),
]


@pytest.mark.parametrize(("layer_type", "params", "expected"), ARRANGED)
def test_axes_are_the_documents_in_every_layout(catalog, layer_type, params, expected):
    x = random_array((3, 6, 4))
    for found in in_both_layouts(catalog, layer_type, x, **params):
        close(found, expected(x))


def test_sequences_are_padded_and_cropped_along_time(catalog):
    x = random_array((5, 3))
    _, found = output(catalog, "ZeroPad1D", x, amounts=(2, 1))
    np.testing.assert_array_equal(found, np.pad(x, ((0, 0), (2, 1), (0, 0))))
    _, found = output(catalog, "Crop1D", x, amounts=(2, 1))
    np.testing.assert_array_equal(found, x[:, 2:-1])


MERGED = [
    ("Add", lambda a, b: a + b),
    ("Subtract", lambda a, b: a - b),
    ("Multiply", lambda a, b: a * b),
    ("Average", lambda a, b: (a + b) / 2),
    ("Maximum", np.maximum),
    ("Minimum", np.minimum),
]


@pytest.mark.parametrize(("layer_type", "expected"), MERGED)
@pytest.mark.parametrize("other", [(3, 6, 4), (4,), (1, 1, 4), (6, 4), (3, 1, 1)], ids=str)
def test_branches_of_fewer_axes_are_stretched(catalog, layer_type, expected, other):
    x, y = random_array((3, 6, 4)), random_array(other, seed=1)
    stretched = y.reshape(2, *(1,) * (3 - len(other)), *other)
    for found in in_both_layouts(catalog, layer_type, x, y):
        close(found, expected(x, stretched))
    for found in in_both_layouts(catalog, layer_type, y, x):
        close(found, expected(stretched, x))


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate_along_every_axis(catalog, axis):
    x, y = random_array((3, 6, 4)), random_array((3, 6, 4), seed=1)
    for found in in_both_layouts(catalog, "Concatenate", x, y, x, axis=axis):
        np.testing.assert_array_equal(found, np.concatenate([x, y, x], axis=axis))
