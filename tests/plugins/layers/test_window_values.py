"""Convolutions and pools against slow NumPy: pads, strides, crops."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.layers import reference
from tests.plugins.layers.running import close, output, weight
from tests.plugins.networks import random_array

CONVOLUTIONS = [
    {"padding": "same", "stride": 2, "kernel_size": 3},
    {"padding": "same", "stride": 2, "kernel_size": 2},
    {"padding": "same", "stride": 3, "kernel_size": 4},
    {"padding": "same", "stride": 1, "kernel_size": 4},
    {"padding": "same", "dilation": 2, "kernel_size": 2},
    {"padding": "valid", "dilation": 2, "kernel_size": 3},
    {"padding": "explicit", "pads": (1, 2), "stride": 2, "kernel_size": 3},
    {"padding": "explicit", "pads": (1, 1), "kernel_size": 3},
]


def pads_of(shape, case):
    if case["padding"] == "explicit":
        return [case["pads"]] * len(shape)
    if case["padding"] == "valid":
        return [(0, 0)] * len(shape)
    settings = case.get("stride", 1), case.get("dilation", 1)
    return [reference.same_pads(n, case["kernel_size"], *settings) for n in shape]


def steps_of(shape, case):
    rank = len(shape)
    return [case.get("stride", 1)] * rank, [case.get("dilation", 1)] * rank, pads_of(shape, case)


def per_axis(case, rank):
    """Return settings as a layer of a rank takes them; a 1D layer takes bare ones."""
    numbers = ("kernel_size", "stride", "dilation", "pads")
    if rank == 1:
        return dict(case)
    return {k: (v,) * rank if k in numbers else v for k, v in case.items()}


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("shape", [(9,), (8, 7), (5, 6, 5)], ids=str)
def test_convolution(catalog, shape, case):
    rank = len(shape)
    x = random_array((*shape, 4))
    params = per_axis(case, rank) | {"filters": 6, "groups": 2, "bias_initializer": "normal"}
    model, found = output(catalog, f"Conv{rank}D", x, **params)
    expected = reference.convolution(
        x,
        weight(model, "kernel"),
        weight(model, "bias"),
        steps_of(shape, case),
        groups=2,
    )
    close(found, expected)


@pytest.mark.parametrize("stride", [(1, 1, 2), (2, 1, 2), (1, 2), (1, 3)], ids=str)
def test_single_channel_whose_stride_in_memory_is_odd(catalog, stride):
    rank = len(stride)
    for case in ({"padding": "valid"}, {"padding": "same"}):
        x = random_array((*(4, 5, 6)[-rank:], 1), batch=3)
        params = {"kernel_size": (2,) * rank, "stride": stride, "filters": 3, **case}
        model, found = output(catalog, f"Conv{rank}D", x, **params)
        pads = [(0, 0)] * rank
        if case["padding"] == "same":
            axes = zip(x.shape[1:-1], stride, strict=True)
            pads = [reference.same_pads(length, 2, step) for length, step in axes]
        steps = list(stride), [1] * rank, pads
        close(found, reference.convolution(x, weight(model, "kernel"), 0, steps))


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("shape", [(9,), (8, 7)], ids=str)
def test_depthwise_and_separable(catalog, shape, case):
    rank = len(shape)
    x = random_array((*shape, 3))
    steps = steps_of(shape, case)
    params = per_axis(case, rank) | {"multiplier": 2, "bias_initializer": "normal"}
    model, found = output(catalog, f"DepthwiseConv{rank}D", x, **params)
    close(found, reference.depthwise(x, weight(model, "kernel"), weight(model, "bias"), steps))
    model, found = output(catalog, f"SeparableConv{rank}D", x, filters=5, **params)
    between = reference.depthwise(x, weight(model, "depthwise_kernel"), 0, steps)
    mixed = between @ weight(model, "pointwise_kernel").reshape(6, 5)
    close(found, mixed + weight(model, "bias"))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "sizes",
    [(3, 2, 1), (2, 2, 1), (4, 2, 1), (5, 2, 1), (2, 3, 1), (3, 1, 1), (1, 1, 1), (3, 1, 2)],
)
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 2)], ids=str)
def test_transposed_convolution(catalog, shape, sizes, padding):
    kernel, stride, dilation = sizes
    rank = len(shape)
    x = random_array((*shape, 3))
    params = per_axis({"kernel_size": kernel, "stride": stride, "dilation": dilation}, rank)
    params |= {"filters": 2, "padding": padding, "bias_initializer": "normal"}
    model, found = output(catalog, f"ConvTranspose{rank}D", x, **params)
    expected = reference.transposed(
        x,
        weight(model, "kernel"),
        weight(model, "bias"),
        ([stride] * rank, [dilation] * rank),
        padding,
    )
    close(found, expected)


def test_transposed_convolution_that_crops_one_axis_and_extends_the_other(catalog):
    x = random_array((4, 3, 2))
    sizes = {"kernel_size": (4, 2), "stride": (2, 3), "filters": 3, "bias_initializer": "normal"}
    model, found = output(catalog, "ConvTranspose2D", x, **sizes)
    kernel, bias = weight(model, "kernel"), weight(model, "bias")
    close(found, reference.transposed(x, kernel, bias, ((2, 3), (1, 1)), "same"))
    np.testing.assert_allclose(found[:, :, -1], np.broadcast_to(bias, found[:, :, -1].shape))


POOLS = [
    {"padding": "same", "kernel_size": 3, "stride": 2},
    {"padding": "same", "kernel_size": 2, "stride": 2},
    {"padding": "same", "kernel_size": 4, "stride": 1},
    {"padding": "explicit", "kernel_size": 3, "stride": 2, "pads": (1, 1)},
    {"padding": "explicit", "kernel_size": 3, "stride": 1, "pads": (0, 2)},
    {"padding": "explicit", "kernel_size": 3, "stride": 1, "pads": (2, 2)},
    {"padding": "valid", "kernel_size": 2, "stride": 3},
]


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("case", POOLS, ids=str)
@pytest.mark.parametrize("shape", [(7,), (7, 6), (5, 2, 4), (2, 3, 2)], ids=str)
def test_pooling_leaves_padding_out(catalog, shape, case, kind):
    rank = len(shape)
    if (
        case["padding"] != "same"
        and min(shape) + sum(case.get("pads", (0, 0))) < case["kernel_size"]
    ):
        shape = (5,) * rank
    x = random_array((*shape, 3)) - 5  # so that a padding of zeros would win, and pull means up
    params = per_axis(case, rank)
    params["pool_size"] = params.pop("kernel_size")
    _, found = output(catalog, f"{kind}Pool{rank}D", x, **params)
    kernel, stride = [case["kernel_size"]] * rank, [case["stride"]] * rank
    close(found, reference.pooling(x, kernel, stride, pads_of(shape, case), kind == "Average"))
