"""Pooling over all of space: one value a channel, or a grid of a chosen size."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from plugins.layers._source import call, short
from plugins.layers._step_pool import keras_reduced, torch_reduced
from plugins.layers._steps import need_series
from plugins.layers._windows import need_space, times
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, torch_axis
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_ADAPTIVE = '''\
@keras.saving.register_keras_serializable("workbench")
class {name}(layers.Layer):
    """{summary}

    Window i of n begins at floor(i · length / n) and ends at ceil((i + 1) · length / n).
    """

    def __init__(self, output_size, **options):
        super().__init__(**options)
        self.output_size = output_size

    def call(self, x):
        for axis, count in enumerate(self.output_size, start=1):
            parts = []
            for index in range(count):
                start = index * x.shape[axis] // count
                stop = -(-(index + 1) * x.shape[axis] // count)
                window = x[(slice(None),) * axis + (slice(start, stop),)]
                parts.append(ops.{operation}(window, axis=axis, keepdims=True))
            x = ops.concatenate(parts, axis=axis)
        return x

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.output_size, input_shape[-1])

    def get_config(self):
        return {{**super().get_config(), "output_size": self.output_size}}
'''


class _GlobalPool(Layer, frozen=True, kw_only=True):
    """What both global pools share; they take any rank and axes that vary."""

    category = "Pooling"
    reference = "https://arxiv.org/abs/1312.4400"
    operation: ClassVar[Literal["mean", "amax"]]
    keras_name: ClassVar[str]

    keep_axes: Annotated[
        bool, param("Keep axes", "Leave the pooled axes with size 1", advanced=True)
    ] = False

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the channels alone; raises ShapeError for a vector."""
        tensor = inputs[0]
        if tensor.rank < 2:
            raise ShapeError(
                f"{self.title} needs space or time to pool over, but got "
                f"{tensor.in_words() or 'a single number'} ({tensor}).",
                "Remove it, or remove Flatten before it.",
            )
        need_series(self, tensor)
        if self.keep_axes:
            return TensorType((*(1,) * (tensor.rank - 1), tensor.shape[-1]), tensor.axes)
        return TensorType(tensor.shape[-1:])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the reduction over the spatial axes, wherever they lie at this point."""
        if inputs[0].varies:
            kind = "mean" if self.operation == "mean" else "max"
            return Code(call=torch_reduced(kind, layout, self.keep_axes))
        rank = inputs[0].rank
        dims = tuple(torch_axis(axis, rank, layout) for axis in range(rank - 1))
        keep = True if self.keep_axes else None
        dim = dims[0] if len(dims) == 1 else dims
        return Code(call=call("{0}." + self.operation, dim=dim, keepdim=keep))

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' global pooling; more than three spatial axes become one before it."""
        tensor = inputs[0]
        if tensor.varies:
            return self._keras_steps(tensor)
        spaces, channels = tensor.rank - 1, tensor.shape[-1]
        name = f"layers.{self.keras_name}{spaces if spaces < 4 else 1}D"
        if spaces < 4:
            return Code("{self}({0})", call(name, keepdims=True if self.keep_axes else None))
        flat = call("layers.Reshape", (-1, channels), name='"{name}.flat"') + "({0})"
        if not self.keep_axes:
            return Code("{self}(" + flat + ")", call(name))
        pooled = call(name, name='"{name}.pool"')
        init = call("layers.Reshape", (*(1,) * spaces, channels))
        return Code("{self}(" + f"{pooled}({flat})" + ")", init)

    def _keras_steps(self, tensor: TensorType) -> Code:
        """Return a layer of its own for samples that differ in length."""
        code = keras_reduced("mean" if self.operation == "mean" else "max")
        if not self.keep_axes:
            return code
        pooled = code.init.removesuffix(")") + ', name="{name}.pool")'
        init = call("layers.Reshape", (1, tensor.shape[-1]))
        return Code("{self}(" + pooled + "([{0}, {mask}]))", init, helpers=code.helpers)

    def summary(self) -> str:
        """Return "keeps axes" where it does."""
        return "keeps axes" if self.keep_axes else ""


class GlobalAveragePool(_GlobalPool, frozen=True, kw_only=True):
    """Mean of each channel."""

    id = "GlobalAveragePool"
    title = "Global average pool"
    help = "Takes the mean of each channel over the whole picture or sequence."
    keywords = ("gap", "mean", "head", "squeeze")
    operation = "mean"
    keras_name = "GlobalAveragePooling"


class GlobalMaxPool(_GlobalPool, frozen=True, kw_only=True):
    """Largest value of each channel."""

    id = "GlobalMaxPool"
    title = "Global max pool"
    help = "Takes the largest value of each channel over the whole picture or sequence."
    keywords = ("gmp", "head")
    operation = "amax"
    keras_name = "GlobalMaxPooling"


class _AdaptivePool2D(Layer, frozen=True, kw_only=True):
    """What both adaptive pools share."""

    category = "Pooling"
    reference = "https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html"
    module: ClassVar[str]
    keras_name: ClassVar[str]
    keras_summary: ClassVar[str]
    keras_operation: ClassVar[str]

    size: Annotated[tuple[Size, Size], param("Output size", "Height × width of the output")] = (
        1,
        1,
    )

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return size × channels; raises ShapeError unless a picture comes in."""
        tensor = inputs[0]
        need_space(self, tensor, 2)
        return TensorType((*self.size, tensor.shape[-1]), tensor.axes)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return PyTorch's module."""
        init = call(self.module, short(self.size))
        return Code("{self}({0})", init, "channels_first")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return plain pooling where windows are alike, else a layer of its own.

        Keras' adaptive pooling ends the process on TensorFlow where an axis becomes 1.
        """
        space = inputs[0].shape[:-1]
        if all(length % size == 0 for length, size in zip(space, self.size, strict=True)):
            pool = [length // size for length, size in zip(space, self.size, strict=True)]
            return Code("{self}({0})", call(f"layers.{self.keras_name}Pooling2D", short(pool)))
        name = f"Adaptive{self.keras_name}Pool"
        helper = _ADAPTIVE.format(
            name=name, summary=self.keras_summary, operation=self.keras_operation
        )
        return Code("{self}({0})", call(name, self.size), helpers={name: helper})

    def summary(self) -> str:
        """Return "7×7"."""
        return times(self.size)


class AdaptiveAveragePool2D(_AdaptivePool2D, frozen=True, kw_only=True):
    """Mean over windows as large as the output size asks for."""

    id = "AdaptiveAveragePool2D"
    title = "Adaptive average pool"
    help = "Takes means over as many windows as the output has places, whatever comes in."
    keywords = ("mean", "spatial pyramid", "any size")
    module = "nn.AdaptiveAvgPool2d"
    keras_name = "Average"
    keras_summary = "Means over windows as large as the output size asks for."
    keras_operation = "mean"


class AdaptiveMaxPool2D(_AdaptivePool2D, frozen=True, kw_only=True):
    """Largest value over windows as large as the output size asks for."""

    id = "AdaptiveMaxPool2D"
    title = "Adaptive max pool"
    help = "Keeps the largest value of as many windows as the output has places."
    keywords = ("spatial pyramid", "any size")
    module = "nn.AdaptiveMaxPool2d"
    keras_name = "Max"
    keras_summary = "Largest values of windows as large as the output size asks for."
    keras_operation = "max"
