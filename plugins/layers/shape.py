"""Layers that rearrange values without changing them."""

import math
from collections.abc import Sequence
from typing import Annotated

from plugins.layers._source import call
from plugins.layers._steps import refuse_varying
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, need_known, torch_axis
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType


class Flatten(Layer, frozen=True, kw_only=True):
    """Lays all values of a sample in one row."""

    id = "Flatten"
    title = "Flatten"
    category = "Shape"
    help = "Lays all values of a sample in one row, channels fastest; Dense often follows."
    keywords = ("vector", "unroll", "ravel")

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return a vector; raises ShapeError when an axis varies."""
        need_known(self, inputs[0])
        return TensorType((inputs[0].size,))

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return flatten(1) in canonical order: height, width, channels."""
        expression = "{0}" if inputs[0].rank == 1 else "{0}.flatten(1)"
        return Code(call=expression, layout="channels_last")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Flatten; a vector stays as it is."""
        return Code("{0}") if inputs[0].rank == 1 else Code("{self}({0})", call("layers.Flatten"))


class Reshape(Layer, frozen=True, kw_only=True):
    """Gives the same values, in the same order, other axes."""

    id = "Reshape"
    title = "Reshape"
    category = "Shape"
    help = "Gives the same values, in the same order, other axes."
    keywords = ("view", "unflatten")

    shape: Annotated[
        tuple[Annotated[int, param("", minimum=-1)], ...],
        param("Shape", "Size of each axis, without the batch; -1 for one that follows"),
    ] = (-1,)

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the new shape; raises ShapeError when the number of values differs."""
        tensor = inputs[0]
        need_known(self, tensor)
        given = [size for size in self.shape if size != -1]
        if 0 in given or not self.shape or len(self.shape) - len(given) > 1:
            raise ShapeError(
                f"Reshape cannot use the shape {times(self.shape)}.",
                "Give every axis a size of 1 or more; one of them may be -1.",
            )
        known = math.prod(given)
        if tensor.size % known or (len(given) == len(self.shape) and known != tensor.size):
            raise ShapeError(
                f"Reshape got {tensor.size} values ({tensor}), which do not fit "
                f"{times(self.shape)}.",
                "The product of the new sizes must be the number of values.",
            )
        follows = tensor.size // known
        return TensorType(tuple(follows if size == -1 else size for size in self.shape))

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return reshape in canonical order."""
        sizes = ", ".join(str(size) for size in self.output(inputs).shape)
        return Code(call="{0}.reshape(-1, " + sizes + ")", layout="channels_last")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Reshape with every size written out."""
        return Code("{self}({0})", call("layers.Reshape", self.output(inputs).shape))

    def summary(self) -> str:
        """Return "4 × 4 × 8"."""
        return times(self.shape)


class Permute(Layer, frozen=True, kw_only=True):
    """Puts the axes in another order."""

    id = "Permute"
    title = "Permute"
    category = "Shape"
    help = "Puts the axes in another order."
    keywords = ("transpose", "swap", "axes", "movedim")

    axes: Annotated[
        tuple[Size, ...],
        param("Axes", "Which input axis comes first, second …; counted from 1, without the batch"),
    ] = (1,)

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the axes in their new order; raises ShapeError unless each comes once."""
        tensor = inputs[0]
        wanted = list(range(1, tensor.rank + 1))
        if sorted(self.axes) != wanted:
            raise ShapeError(
                f"Permute got {tensor.in_words()} ({tensor}), but is set to axes "
                f"{', '.join(map(str, self.axes))}.",
                f"Name each of {', '.join(map(str, wanted))} once, for instance "
                f"{', '.join(map(str, reversed(wanted)))}.",
            )
        if self.axes[0] != 1:
            refuse_varying(self, tensor, "Leave the first axis where it is.")
        order = [axis - 1 for axis in self.axes]
        return TensorType(
            tuple(tensor.shape[axis] for axis in order), tuple(tensor.axes[axis] for axis in order)
        )

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return one permute between the axes as PyTorch has them at this point."""
        rank = inputs[0].rank
        places = sorted(range(rank), key=lambda axis: torch_axis(axis, rank, layout))
        dims = [torch_axis(self.axes[axis] - 1, rank, layout) for axis in places]
        return Code(call="{0}.permute(0, " + ", ".join(map(str, dims)) + ")")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Permute, which counts axes as we do."""
        return Code("{self}({0})", call("layers.Permute", self.axes))

    def summary(self) -> str:
        """Return "2, 1, 3"."""
        return ", ".join(map(str, self.axes))


def times(sizes: Sequence[int]) -> str:
    """Return "4 × 4 × 8"."""
    return " × ".join(map(str, sizes))
