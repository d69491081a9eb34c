"""Zeros around, or values off, the edges of space."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from plugins.layers._keras import edge_amounts
from plugins.layers._source import call
from plugins.layers._torch import padded
from plugins.layers._windows import need_space, pads_per_axis
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import Pair, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_AMOUNTS = param("Amounts", "Before and after each axis")

_REFLECT = '''\
@keras.saving.register_keras_serializable("workbench")
class ReflectPad(layers.Layer):
    """What lies at the edges of space, mirrored, around it."""

    def __init__(self, pads, **options):
        super().__init__(**options)
        self.pads = pads

    def call(self, x):
        pads = [tuple(pair) for pair in self.pads]
        return ops.pad(x, [(0, 0), *pads, (0, 0)], mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, *sizes, channels = input_shape
        grown = [size + sum(pair) for size, pair in zip(sizes, self.pads)]
        return (batch, *grown, channels)

    def get_config(self):
        return {**super().get_config(), "pads": self.pads}
'''


class _Edges(Layer, frozen=True, kw_only=True):
    """What padding and cropping share."""

    category = "Shape"
    rank: ClassVar[int]
    sign: ClassVar[int]
    keras_name: ClassVar[Literal["ZeroPadding", "Cropping"]]

    amounts: Pair | tuple[Pair, ...] = (1, 1)

    @property
    def pads(self) -> tuple[Pair, ...]:
        """What each axis grows by before and after; negative for cropping."""
        return tuple(
            (self.sign * before, self.sign * after) for before, after in pads_per_axis(self.amounts)
        )

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the new space × channels; raises ShapeError when nothing would be left."""
        tensor = inputs[0]
        need_space(self, tensor, self.rank)
        lengths = []
        for axis, length, pair in zip(tensor.axes, tensor.shape[:-1], self.pads, strict=False):
            if length + sum(pair) < 1:
                raise ShapeError(
                    f"{self.title} takes {-sum(pair)} off {axis}, but the input has only "
                    f"{length} there.",
                    "Crop less.",
                )
            lengths.append(length + sum(pair))
        return TensorType((*lengths, tensor.shape[-1]), tensor.axes)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' layer, or nothing where nothing changes."""
        amounts = pads_per_axis(self.amounts)
        if not any(map(any, amounts)):
            return Code("{0}")
        init = call(f"layers.{self.keras_name}{self.rank}D", edge_amounts(amounts))
        return Code("{self}({0})", init)

    def summary(self) -> str:
        """Return "1 1 · 2 2", before and after each axis."""
        return " · ".join(f"{before} {after}" for before, after in pads_per_axis(self.amounts))


class _ZeroPad(_Edges, frozen=True, kw_only=True):
    keywords = ("padding", "border", "zeros")
    sign = 1
    keras_name = "ZeroPadding"

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return F.pad along the spatial axes, wherever they lie at this point."""
        return Code(call=padded("{0}", self.pads, layout))


class _Crop(_Edges, frozen=True, kw_only=True):
    keywords = ("cut", "trim", "border")
    sign = -1
    keras_name = "Cropping"

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a slice of the spatial axes, wherever they lie at this point."""
        if not any(map(any, self.pads)):
            return Code(call="{0}")
        slices = [f"{-before or ''}:{after or ''}" for before, after in self.pads]
        front = [":", ":"] if layout == "channels_first" else [":"]
        return Code(call="{0}[" + ", ".join([*front, *slices]) + "]")


class _ReflectPad(_Edges, frozen=True, kw_only=True):
    keywords = ("padding", "border", "mirror")
    sign = 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the larger space × channels; raises ShapeError where too little is mirrored."""
        found = super().output(inputs)
        for axis, length, pair in zip(found.axes, inputs[0].shape, self.pads, strict=False):
            if max(pair) >= length:
                raise ShapeError(
                    f"{self.title} mirrors {max(pair)} values along {axis}, but the input has only "
                    f"{length} there, of which the last is not repeated.",
                    "Pad less.",
                )
        return found

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return F.pad, whose reflection wants channels first."""
        flat = tuple(amount for pair in reversed(self.pads) for amount in pair)
        if not any(flat):
            return Code("{0}")
        return Code(call("F.pad", "{0}", flat, mode='"reflect"'), layout="channels_first")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        if not any(map(any, self.pads)):
            return Code("{0}")
        return Code("{self}({0})", call("ReflectPad", self.pads), helpers={"ReflectPad": _REFLECT})


class ReflectPad1D(_ReflectPad, frozen=True, kw_only=True):
    """A sequence mirrored at its ends."""

    id = "ReflectPad1D"
    title = "Reflect pad 1D"
    help = "Puts what lies at the ends of a sequence, mirrored, before and after it."
    rank = 1

    amounts: Annotated[Pair, _AMOUNTS] = (1, 1)


class ReflectPad2D(_ReflectPad, frozen=True, kw_only=True):
    """A picture mirrored at its edges."""

    id = "ReflectPad2D"
    title = "Reflect pad"
    help = "Puts what lies at the edges of a picture, mirrored, around it."
    rank = 2

    amounts: Annotated[tuple[Pair, Pair], _AMOUNTS] = ((1, 1), (1, 1))


class ZeroPad1D(_ZeroPad, frozen=True, kw_only=True):
    """Zeros before and after a sequence."""

    id = "ZeroPad1D"
    title = "Zero pad 1D"
    help = "Puts zeros before and after a sequence."
    rank = 1

    amounts: Annotated[Pair, _AMOUNTS] = (1, 1)


class ZeroPad2D(_ZeroPad, frozen=True, kw_only=True):
    """Zeros around a picture."""

    id = "ZeroPad2D"
    title = "Zero pad"
    help = "Puts zeros around a picture."
    rank = 2

    amounts: Annotated[tuple[Pair, Pair], _AMOUNTS] = ((1, 1), (1, 1))


class ZeroPad3D(_ZeroPad, frozen=True, kw_only=True):
    """Zeros around a volume."""

    id = "ZeroPad3D"
    title = "Zero pad 3D"
    help = "Puts zeros around a volume or a video."
    rank = 3

    amounts: Annotated[tuple[Pair, Pair, Pair], _AMOUNTS] = ((1, 1), (1, 1), (1, 1))


class Crop1D(_Crop, frozen=True, kw_only=True):
    """Takes steps off the ends of a sequence."""

    id = "Crop1D"
    title = "Crop 1D"
    help = "Takes steps off the ends of a sequence."
    rank = 1

    amounts: Annotated[Pair, _AMOUNTS] = (1, 1)


class Crop2D(_Crop, frozen=True, kw_only=True):
    """Takes rows and columns off a picture."""

    id = "Crop2D"
    title = "Crop"
    help = "Takes rows and columns off the edges of a picture."
    rank = 2

    amounts: Annotated[tuple[Pair, Pair], _AMOUNTS] = ((1, 1), (1, 1))


class Crop3D(_Crop, frozen=True, kw_only=True):
    """Takes slices off a volume."""

    id = "Crop3D"
    title = "Crop 3D"
    help = "Takes slices off the edges of a volume or a video."
    rank = 3

    amounts: Annotated[tuple[Pair, Pair, Pair], _AMOUNTS] = ((1, 1), (1, 1), (1, 1))
