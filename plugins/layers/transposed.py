"""Transposed convolutions over one, two and three axes."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from plugins.layers._activations import activated
from plugins.layers._source import call, short, unless
from plugins.layers._torch import kernel_bind, padded
from plugins.layers._weighted import Filters, Weighted
from plugins.layers._windows import (
    Window,
    need_space,
    per_axis,
    refuse_stride_with_dilation,
    stride_words,
    times,
)
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import WeightSpec
from workbench.plugin_api.parameters import Pair, Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_KERNEL = param("Kernel size")
_STRIDE = param("Stride", "How many times larger the output is along each axis")
_DILATION = param("Dilation", "Step between kernel values")

_FITTED = '''\
class FittedConvTranspose{rank}d(nn.ConvTranspose{rank}d):
    """Transposed convolution whose stride is longer than its kernel.

    The output is cropped, or extended by the bias alone, as `fit` says for F.pad.
    """

    def __init__(self, *sizes, fit, **options):
        super().__init__(*sizes, **options)
        self.fit = fit

    def forward(self, x):
        y = F.conv_transpose{rank}d(
            x, self.weight, stride=self.stride, dilation=self.dilation
        )
        y = F.pad(y, self.fit)
        return y if self.bias is None else y + self.bias.view(-1{ones})
'''


class _ConvTranspose(Weighted, frozen=True, kw_only=True):
    """What transposed convolutions of all ranks share."""

    category = "Convolution"
    reference = "https://arxiv.org/abs/1603.07285"
    rank: ClassVar[int]

    filters: Filters = 32
    kernel_size: int | tuple[int, ...] = 3
    stride: int | tuple[int, ...] = 2
    padding: Annotated[
        Literal["valid", "same"],
        param("Padding", "same: exactly stride times larger; valid: the kernel's overhang is kept"),
    ] = "same"
    dilation: int | tuple[int, ...] = 1

    @property
    def windows(self) -> tuple[Window, ...]:
        """The kernel along each spatial axis."""
        axes = zip(
            per_axis(self.kernel_size), per_axis(self.stride), per_axis(self.dilation), strict=True
        )
        return tuple(Window(*axis) for axis in axes)

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the larger space × filters; raises ShapeError for what cannot be computed."""
        tensor = inputs[0]
        need_space(self, tensor, self.rank)
        refuse_stride_with_dilation(self, self.windows)
        if any(window.kernel == 1 and window.stride > 1 for window in self.windows):
            raise ShapeError(
                f"{self.title} cannot have a kernel of 1 along an axis with a stride above 1.",
                "Use a kernel as long as the stride, or Upsample before a convolution.",
            )
        lengths = (
            (length - 1) * window.stride + window.reach + sum(pair)
            for length, window, pair in zip(
                tensor.shape[:-1], self.windows, self._fit(), strict=True
            )
        )
        return TensorType((*lengths, self.filters), tensor.axes)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return kernel (k…, filters, channels) and bias (filters)."""
        size, channels = per_axis(self.kernel_size), inputs[0].shape[-1]
        fan_in, fan_out = math.prod(size) * channels, math.prod(size) * self.filters
        kernel = self.kernel_spec((*size, self.filters, channels), fan_in, fan_out)
        return {"kernel": kernel, **self.bias_spec(self.filters, fan_in)}

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return input values × kernel values that each of them is multiplied by."""
        return inputs[0].size * math.prod(per_axis(self.kernel_size)) * self.filters

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.ConvTranspose; where its padding cannot crop as wanted, F.pad does.

        Zeros behind the output stand for output_padding, which corrupts memory in PyTorch 2.15
        on the CPU.
        """
        tensor, fit = inputs[0], self._fit()
        is_extended = any(after > 0 for _, after in fit)
        inside = [-pair[0] if pair[0] == pair[1] and not is_extended else 0 for pair in fit]
        outside = [(0, 0) if pair[0] == pair[1] else pair for pair in fit]
        flat = tuple(amount for pair in reversed(fit) for amount in pair)
        name = (
            f"FittedConvTranspose{self.rank}d" if is_extended else f"nn.ConvTranspose{self.rank}d"
        )
        init = call(
            name,
            tensor.shape[-1],
            self.filters,
            short(per_axis(self.kernel_size)),
            stride=unless(short(per_axis(self.stride)), 1),
            padding=unless(short(inside), 0),
            dilation=unless(short(per_axis(self.dilation)), 1),
            bias=unless(self.use_bias, True),
            fit=flat if is_extended else None,
        )
        binds = {"kernel": kernel_bind("weight", self.rank)}
        if self.use_bias:
            binds["bias"] = Bind("bias")
        expression = "{self}({0})"
        if not is_extended:
            expression = padded(expression, outside, "channels_first")
        helper = _FITTED.format(rank=self.rank, ones=", 1" * self.rank)
        return Code(
            init=init,
            call=activated(expression, self.activation, tensor.rank, "channels_first"),
            layout="channels_first",
            binds=binds,
            helpers={name: helper} if is_extended else {},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.ConvTranspose."""
        init = call(
            f"layers.Conv{self.rank}DTranspose",
            self.filters,
            short(per_axis(self.kernel_size)),
            strides=unless(short(per_axis(self.stride)), 1),
            padding='"same"' if self.padding == "same" else None,
            dilation_rate=unless(short(per_axis(self.dilation)), 1),
            **self.keras_options(),
        )
        return Code("{self}({0})", init, binds=self.keras_binds())

    def summary(self) -> str:
        """Return "32 · 3×3 · stride 2"."""
        size = times(per_axis(self.kernel_size))
        return self.words(str(self.filters), size, stride_words(per_axis(self.stride)))

    def _fit(self) -> tuple[Pair, ...]:
        """Return what is added before and after the full output; negative where it is cropped."""
        pairs = []
        for window in self.windows:
            overhang = window.reach - window.stride
            if overhang < 0:
                pairs.append((0, -overhang))
            elif self.padding == "same":
                pairs.append((-(overhang // 2), overhang // 2 - overhang))
            else:
                pairs.append((0, 0))
        return tuple(pairs)


class ConvTranspose1D(_ConvTranspose, frozen=True, kw_only=True):
    """Transposed convolution along time."""

    id = "ConvTranspose1D"
    title = "Transposed conv 1D"
    help = "Makes a sequence longer by learned filters."
    keywords = ("deconvolution", "upsample", "sequence", "decoder")
    rank = 1

    kernel_size: Annotated[Size, _KERNEL] = 3
    stride: Annotated[Size, _STRIDE] = 2
    dilation: Annotated[Size, _DILATION] = 1


class ConvTranspose2D(_ConvTranspose, frozen=True, kw_only=True):
    """Transposed convolution over a picture."""

    id = "ConvTranspose2D"
    title = "Transposed conv"
    help = "Makes a picture larger by learned filters; the way back in a decoder."
    keywords = ("deconvolution", "upsample", "decoder", "segmentation", "conv 2d transpose")
    rank = 2

    kernel_size: Annotated[tuple[Size, Size], _KERNEL] = (3, 3)
    stride: Annotated[tuple[Size, Size], _STRIDE] = (2, 2)
    dilation: Annotated[tuple[Size, Size], _DILATION] = (1, 1)


class ConvTranspose3D(_ConvTranspose, frozen=True, kw_only=True):
    """Transposed convolution through a volume."""

    id = "ConvTranspose3D"
    title = "Transposed conv 3D"
    help = "Makes a volume or a video larger by learned filters."
    keywords = ("deconvolution", "upsample", "volume", "decoder")
    rank = 3

    kernel_size: Annotated[tuple[Size, Size, Size], _KERNEL] = (3, 3, 3)
    stride: Annotated[tuple[Size, Size, Size], _STRIDE] = (2, 2, 2)
    dilation: Annotated[tuple[Size, Size, Size], _DILATION] = (1, 1, 1)
