"""Axes as people count them: from 1 without the batch, or -1 for the last."""

from typing import Annotated

from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

AxisSetting = Annotated[
    int,
    param(
        "Axis",
        "-1: the last one, channels or features; 1: the first after the batch",
        minimum=-8,
        maximum=8,
        advanced=True,
    ),
]


def axis_index(layer: Layer, axis: int, tensor: TensorType) -> int:
    """Return the axis' place in `tensor.shape`.

    Raises:
        ShapeError: there is no such axis.
    """
    index = axis - 1 if axis > 0 else axis + tensor.rank
    if axis == 0 or not 0 <= index < tensor.rank:
        raise ShapeError(
            f"{layer.title} is set to axis {axis}, but got {tensor.in_words()} ({tensor}).",
            f"Use -1 for the last axis, or 1 to {tensor.rank}." if tensor.rank else "",
        )
    return index
