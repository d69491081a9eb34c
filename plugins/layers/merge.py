"""Layers that join branches: sums, products, extremes, and one behind the other."""

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar

from plugins.layers._axes import AxisSetting, axis_index
from plugins.layers._keras import joined
from plugins.layers._source import call, unless
from plugins.layers._steps import refuse_varying
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, torch_axis
from workbench.plugin_api.tensors import ShapeError, TensorType

_STRETCHING = '''\
@keras.saving.register_keras_serializable("workbench")
class {name}(layers.{base}):
    """{base} of tensors of different shapes by their own "+".

    On TensorFlow, Keras' own sum takes a small tensor for a bias of the channels.
    """

    def _merge_function(self, inputs):
        return {total}
'''

_DIVIDE = '''\
@keras.saving.register_keras_serializable("workbench")
class Divide(layers.Subtract):
    """First input divided by the second; sizes of 1 are stretched."""

    def _merge_function(self, inputs):
        return ops.divide(inputs[0], inputs[1])
'''


class _Merge(Layer, frozen=True, kw_only=True):
    """Value by value; sizes of 1 and missing leading axes are stretched, as NumPy does."""

    category = "Merge"
    inputs = (2, None)
    pattern: ClassVar[str]
    """Source of two operands joined."""
    keras_sum: ClassVar[str] = ""
    """Source of what Keras' layer gives, where it is a sum."""

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the common type; raises ShapeError when sizes do not go together."""
        largest = max(inputs, key=lambda tensor: tensor.rank)
        sizes = zip(*(_aligned(tensor, largest.rank) for tensor in inputs), strict=True)
        return TensorType(
            tuple(
                self._common(axis, found, inputs)
                for axis, found in zip(largest.axes, sizes, strict=True)
            ),
            largest.axes,
        )

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the operands joined; those with fewer axes get the missing ones first."""
        rank = max(tensor.rank for tensor in inputs)
        operands = [
            f"{{{index}}}{_new_axes(rank - tensor.rank, layout)}"
            for index, tensor in enumerate(inputs)
        ]
        return Code(call=reduce(lambda left, right: self.pattern % (left, right), operands))

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' layer of the same name; it stretches sizes by the same rule.

        Keras on TensorFlow adds (N, 1) to (N, N) as a bias along the wrong axis.
        """
        if not self.keras_sum or len({tensor.shape for tensor in inputs}) == 1:
            return Code(joined(len(inputs)), call(f"layers.{self.id}"))
        name = f"Stretching{self.id}"
        helper = _STRETCHING.format(name=name, base=self.id, total=self.keras_sum)
        return Code(joined(len(inputs)), call(name), helpers={name: helper})

    def _common(
        self, axis: str, sizes: Sequence[int | None], inputs: Sequence[TensorType]
    ) -> int | None:
        distinct = set(sizes) - {1}
        if len(distinct) > 1:
            shapes = " and ".join(dict.fromkeys(str(tensor) for tensor in inputs))
            hint = "Give the branches the same strides and padding."
            if axis == inputs[0].axes[-1]:
                hint = (
                    "Make them equal, for instance with a 1×1 convolution or Dense on one branch."
                )
            raise ShapeError(
                f"{self.title} needs inputs of one shape, but got {shapes}, which differ in "
                f"{axis}.",
                hint,
            )
        return distinct.pop() if distinct else 1


class Add(_Merge, frozen=True, kw_only=True):
    """Sum of branches."""

    id = "Add"
    title = "Add"
    help = "Adds branches value by value; makes a residual connection."
    reference = "https://arxiv.org/abs/1512.03385"
    keywords = ("sum", "residual", "skip", "shortcut", "resnet")
    pattern = "%s + %s"
    keras_sum = "sum(inputs[1:], start=inputs[0])"


class Subtract(_Merge, frozen=True, kw_only=True):
    """First branch minus the second."""

    id = "Subtract"
    title = "Subtract"
    help = "Takes the second branch from the first, value by value."
    keywords = ("minus", "difference")
    inputs = (2, 2)
    pattern = "%s - %s"


class Multiply(_Merge, frozen=True, kw_only=True):
    """Product of branches."""

    id = "Multiply"
    title = "Multiply"
    help = "Multiplies branches value by value; one may gate the other."
    reference = "https://arxiv.org/abs/1709.01507"
    keywords = ("product", "gate", "attention", "squeeze and excitation")
    pattern = "%s * %s"


class Divide(_Merge, frozen=True, kw_only=True):
    """First branch divided by the second."""

    id = "Divide"
    title = "Divide"
    help = "Divides the first branch by the second, value by value."
    keywords = ("quotient", "ratio", "normalise")
    inputs = (2, 2)
    pattern = "%s / %s"

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own, which Keras lacks."""
        return Code(joined(2), call("Divide"), helpers={"Divide": _DIVIDE})


class Average(_Merge, frozen=True, kw_only=True):
    """Mean of branches."""

    id = "Average"
    title = "Average"
    help = "Takes the mean of branches, value by value."
    keywords = ("mean", "ensemble")
    pattern = "%s + %s"
    keras_sum = "sum(inputs[1:], start=inputs[0]) / len(inputs)"

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the sum divided by the number of branches."""
        return Code(call=f"({super().torch(inputs, layout).call}) / {len(inputs)}")


class Maximum(_Merge, frozen=True, kw_only=True):
    """Largest value of branches."""

    id = "Maximum"
    title = "Maximum"
    help = "Keeps the largest value of the branches at each place."
    keywords = ("max", "maxout")
    pattern = "torch.maximum(%s, %s)"


class Minimum(_Merge, frozen=True, kw_only=True):
    """Smallest value of branches."""

    id = "Minimum"
    title = "Minimum"
    help = "Keeps the smallest value of the branches at each place."
    keywords = ("min",)
    pattern = "torch.minimum(%s, %s)"


class Concatenate(Layer, frozen=True, kw_only=True):
    """Branches one behind the other."""

    id = "Concatenate"
    title = "Concatenate"
    category = "Merge"
    help = "Puts branches one behind the other along an axis, by default their channels."
    reference = "https://arxiv.org/abs/1608.06993"
    keywords = ("concat", "stack", "skip", "u-net", "densenet", "inception")
    inputs = (2, None)

    axis: AxisSetting = -1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the joined type; raises ShapeError unless all other axes agree."""
        first = inputs[0]
        axis = axis_index(self, self.axis, first)
        if axis == 0:
            refuse_varying(self, first, "Join the branches along features, axis -1.")
        for tensor in inputs[1:]:
            if tensor.rank != first.rank:
                raise ShapeError(
                    f"Concatenate got {first.in_words()} ({first}) and {tensor.in_words()} "
                    f"({tensor}).",
                    "Add Flatten or a global pool to the one with more axes.",
                )
            others = zip(first.axes, first.shape, tensor.shape, strict=True)
            for index, (name, ours, theirs) in enumerate(others):
                if index != axis and ours != theirs:
                    raise ShapeError(
                        f"Concatenate along {first.axes[axis]} needs equal {name}, but got "
                        f"{first} and {tensor}.",
                        "Give the branches the same strides and padding, or pad the smaller one.",
                    )
        sizes = [tensor.shape[axis] for tensor in inputs]
        total = None if None in sizes else sum(sizes)
        return TensorType((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.axes)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return torch.cat along the axis, wherever it lies at this point."""
        rank = inputs[0].rank
        dim = torch_axis(axis_index(self, self.axis, inputs[0]), rank, layout)
        operands = ", ".join(f"{{{index}}}" for index in range(len(inputs)))
        return Code(call=f"torch.cat(({operands}), dim={dim})")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Concatenate; its axes count the batch, so that ours are the same."""
        return Code(joined(len(inputs)), call("layers.Concatenate", axis=unless(self.axis, -1)))

    def summary(self) -> str:
        """Return "axis 1" where it is not the last."""
        return "" if self.axis == -1 else f"axis {self.axis}"


def _aligned(tensor: TensorType, rank: int) -> tuple[int | None, ...]:
    return (*(1,) * (rank - tensor.rank), *tensor.shape)


def _new_axes(missing: int, layout: Layout) -> str:
    """Return an index that puts axes of size 1 where the missing ones would be."""
    if not missing:
        return ""
    before = [":", ":"] if layout == "channels_first" else [":"]
    return f"[{', '.join([*before, *['None'] * missing])}]"
