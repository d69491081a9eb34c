"""What layers with a sliding kernel share: kernel size, stride, padding and dilation."""

from collections.abc import Sequence
from typing import Annotated, Any

from plugins.layers._keras import padded as keras_padded
from plugins.layers._source import short, unless
from plugins.layers._weighted import Weighted
from plugins.layers._windows import (
    Padding,
    Window,
    pads_per_axis,
    per_axis,
    resolve_pads,
    stride_words,
    times,
)
from workbench.plugin_api.parameters import Pair, param
from workbench.plugin_api.tensors import TensorType

PaddingSetting = Annotated[
    Padding,
    param(
        "Padding",
        "valid: none; same: zeros so that the output has ceil(input / stride) values along each "
        "axis, the odd one behind as TensorFlow does; explicit: as many as you say",
    ),
]


class Sliding(Weighted, frozen=True, kw_only=True):
    """A layer whose kernel slides along the spatial axes, one value or tuple item an axis."""

    kernel_size: int | tuple[int, ...] = 3
    stride: int | tuple[int, ...] = 1
    padding: PaddingSetting = "valid"
    pads: Pair | tuple[Pair, ...] = (0, 0)
    dilation: int | tuple[int, ...] = 1

    @property
    def windows(self) -> tuple[Window, ...]:
        """The kernel along each spatial axis."""
        axes = zip(
            per_axis(self.kernel_size),
            per_axis(self.stride),
            per_axis(self.dilation),
            strict=True,
        )
        return tuple(Window(*axis) for axis in axes)

    def pads_for(self, tensor: TensorType) -> tuple[Pair, ...]:
        """Return the zeros before and after each spatial axis."""
        return resolve_pads(tensor, self.windows, self.padding, pads_per_axis(self.pads))

    def torch_pads(self, tensor: TensorType) -> tuple[tuple[int, ...], tuple[Pair, ...]]:
        """Return the pads that nn.Conv can add itself, and those that F.pad must."""
        pads = self.pads_for(tensor)
        if all(before == after for before, after in pads):
            return tuple(before for before, _ in pads), ((0, 0),) * len(pads)
        return (0,) * len(pads), pads

    def keras_window_options(self) -> dict[str, Any]:
        """Return strides, padding and dilation as Keras' convolutions take them, as source."""
        return {
            "strides": unless(short(per_axis(self.stride)), 1),
            "padding": '"same"' if self.padding == "same" else None,
            "dilation_rate": unless(short(per_axis(self.dilation)), 1),
        }

    def keras_padded(self, tensor: TensorType) -> str:
        """Return the input, with the explicit pads around it."""
        explicit = self.padding == "explicit"
        return keras_padded("{0}", self.pads_for(tensor)) if explicit else "{0}"

    def window_words(self) -> Sequence[str]:
        """Return the kernel's part of a summary: "3×3", then "stride 2" or "same"."""
        stride = stride_words(per_axis(self.stride))
        padding = {"valid": "", "same": "same", "explicit": "padded"}[self.padding]
        return times(per_axis(self.kernel_size)), stride or padding
