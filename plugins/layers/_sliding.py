"""What layers with a sliding kernel share: kernel size, stride, padding and dilation."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from plugins.layers._keras import padded as keras_padded
from plugins.layers._source import call, short, unless
from plugins.layers._steps import REAL_STEPS, keras_real, torch_real
from plugins.layers._torch import padded
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
from workbench.plugin_api.code import Lengths
from workbench.plugin_api.parameters import Pair, param
from workbench.plugin_api.tensors import TensorType

PaddingSetting = Annotated[
    Literal["valid", "same", "explicit"],
    param(
        "Padding",
        "valid: none; same: zeros so that the output has ceil(input / stride) values along each "
        "axis, the odd one behind as TensorFlow does; explicit: as many as you say",
    ),
]


SequencePadding = Annotated[
    Literal["valid", "same", "causal", "explicit"],
    param(
        "Padding",
        "valid: none; same: zeros so that the output has ceil(input / stride) steps; causal: zeros "
        "in front only, so that no output sees a later step; explicit: as many as you say",
    ),
]
"""Of layers along time. Where samples differ in length, their padding counts for nothing."""


class Sliding(Weighted, frozen=True, kw_only=True):
    """A layer whose kernel slides along the spatial axes, one value or tuple item an axis."""

    kernel_size: int | tuple[int, ...] = 3
    stride: int | tuple[int, ...] = 1
    padding: Padding = "valid"
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

    def lengths_after(self, tensor: TensorType) -> Lengths | None:
        """Return how the number of real steps changes, where samples differ in length."""
        if not tensor.varies:
            return None
        return self.windows[0].lengths(self.padding, pads_per_axis(self.pads)[0])

    def keras_window_options(self, tensor: TensorType) -> dict[str, Any]:
        """Return strides, padding and dilation as Keras' convolutions take them, as source."""
        strides = per_axis(self.stride)
        if self.is_misread(tensor):
            strides = (*strides[:-1], 1)  # `keras_call` leaves out what lies between
        return {
            "strides": unless(short(strides), 1),
            "padding": '"same"' if self._keras_pads_itself(tensor) else None,
            "dilation_rate": unless(short(per_axis(self.dilation)), 1),
        }

    def keras_padded(self, tensor: TensorType) -> str:
        """Return the input, with the explicit pads around it."""
        if tensor.varies:
            return keras_padded(keras_real(), self.pads_for(tensor))
        if self._keras_pads_itself(tensor):
            return "{0}"
        return keras_padded("{0}", self.pads_for(tensor))

    def keras_call(self, tensor: TensorType) -> str:
        """Return the call of the layer with its padded input."""
        expression = "{self}(" + self.keras_padded(tensor) + ")"
        if not self.is_misread(tensor):
            return expression
        rank = len(self.windows)
        strides = (*(1,) * (rank - 1), self.windows[-1].stride)
        skip = call(f"layers.MaxPooling{rank}D", 1, strides=strides, name='"{name}.skip"')
        return f"{skip}({expression})"

    def _keras_pads_itself(self, tensor: TensorType) -> bool:
        return self.padding == "same" and not tensor.varies and not self.is_misread(tensor)

    def is_misread(self, tensor: TensorType) -> bool:
        """Whether oneDNN, with which processors convolve, reads the input wrongly.

        PyTorch 2.15 and TensorFlow 2.21 give garbage for a single channel whose last stride alone
        is above 1 (the one before it is 1).
        """
        *inner, last = self.windows
        return bool(tensor.shape[-1] == 1 and inner and last.stride > 1 == inner[-1].stride)

    def keras_helpers(self, tensor: TensorType) -> dict[str, str]:
        """Return what `keras_padded` uses."""
        return REAL_STEPS if tensor.varies else {}

    def torch_padded(self, tensor: TensorType) -> str:
        """Return the input, with the pads around it that nn.Conv cannot add itself."""
        _, outside = self.torch_pads(tensor)
        given = torch_real("channels_first") if tensor.varies else "{0}"
        expression = padded(given, outside, "channels_first")
        if self.is_misread(tensor):  # but not where its stride in memory is the usual one
            expression += ".squeeze(1).unsqueeze(1)"
        return expression

    def window_words(self) -> Sequence[str]:
        """Return the kernel's part of a summary: "3×3", then "stride 2" or "same"."""
        stride = stride_words(per_axis(self.stride))
        names = {"valid": "", "same": "same", "explicit": "padded", "causal": "causal"}
        padding = names[self.padding]
        return times(per_axis(self.kernel_size)), stride or padding
