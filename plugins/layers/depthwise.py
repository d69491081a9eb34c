"""Convolutions that filter each channel by itself, with or without mixing the channels after."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from plugins.layers._activations import activated
from plugins.layers._sliding import PaddingSetting, SequencePadding, Sliding
from plugins.layers._source import call, short, unless
from plugins.layers._torch import depthwise_bind, kernel_bind
from plugins.layers._weighted import Filters
from plugins.layers._windows import need_space, per_axis, refuse_stride_with_dilation, slide
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import WeightSpec
from workbench.plugin_api.parameters import Pair, Size, param
from workbench.plugin_api.tensors import TensorType

_KERNEL = param("Kernel size")
_STRIDE = param("Stride")
_PADS = param("Pads", "Zeros before and after each axis", shown_if=("padding", ("explicit",)))
_DILATION = param("Dilation", "Step between kernel values")


class _Channelwise(Sliding, frozen=True, kw_only=True):
    """What depthwise and separable convolutions share."""

    category = "Convolution"
    rank: ClassVar[int]

    multiplier: Annotated[
        int,
        param("Multiplier", "Output channels for each input channel", minimum=1, maximum=10_000),
    ] = 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return space × output channels; raises ShapeError for what cannot be convolved."""
        tensor = inputs[0]
        need_space(self, tensor, self.rank, may_vary=self.rank == 1)
        refuse_stride_with_dilation(self, self.windows)
        lengths = slide(self, tensor, self.windows, self.pads_for(tensor))
        return TensorType((*lengths, self.channels_of(tensor)), tensor.axes)

    def channels_of(self, tensor: TensorType) -> int:
        """Return the number of output channels."""
        return tensor.shape[-1] * self.multiplier

    def depthwise_spec(self, tensor: TensorType) -> WeightSpec:
        """Describe the kernel (k…, channels, multiplier); a value sees one channel alone."""
        size = per_axis(self.kernel_size)
        fan_in = math.prod(size)
        shape = (*size, tensor.shape[-1], self.multiplier)
        return self.kernel_spec(shape, fan_in, fan_in * self.multiplier)

    def depthwise_multiply_adds(self, tensor: TensorType) -> int:
        """Return positions × channels × multiplier × kernel values."""
        places = math.prod(size or 1 for size in self.output((tensor,)).shape[:-1])
        filters = tensor.shape[-1] * self.multiplier
        return places * filters * math.prod(per_axis(self.kernel_size))

    def depthwise_init(self, tensor: TensorType, bias: bool) -> str:
        """Return the constructor of the convolution with one group a channel."""
        inside, _ = self.torch_pads(tensor)
        channels = tensor.shape[-1]
        return call(
            f"nn.Conv{self.rank}d",
            channels,
            channels * self.multiplier,
            short(per_axis(self.kernel_size)),
            stride=unless(short(per_axis(self.stride)), 1),
            padding=unless(short(inside), 0),
            dilation=unless(short(per_axis(self.dilation)), 1),
            groups=unless(channels, 1),
            bias=unless(bias, True),
        )

    def keras_code(self, tensor: TensorType, init: str, binds: Mapping[str, Bind]) -> Code:
        """Return a Keras layer's code around its padded input."""
        return Code(
            self.keras_call(tensor),
            init,
            binds=binds,
            helpers=self.keras_helpers(tensor),
            lengths=self.lengths_after(tensor),
        )

    def call_source(self, tensor: TensorType) -> str:
        """Return the call, with the pads that nn.Conv cannot add itself, and the activation."""
        expression = "{self}(" + self.torch_padded(tensor) + ")"
        return activated(expression, self.activation, tensor.rank, "channels_first")


class _Depthwise(_Channelwise, frozen=True, kw_only=True):
    reference = "https://arxiv.org/abs/1704.04861"

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return kernel (k…, channels, multiplier) and bias."""
        fan_in = math.prod(per_axis(self.kernel_size))
        bias = self.bias_spec(self.channels_of(inputs[0]), fan_in)
        return {"kernel": self.depthwise_spec(inputs[0]), **bias}

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return output values × kernel values."""
        return self.depthwise_multiply_adds(inputs[0])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Conv with one group a channel."""
        tensor = inputs[0]
        size = per_axis(self.kernel_size)
        binds = {"kernel": depthwise_bind("weight", size, tensor.shape[-1], self.multiplier)}
        if self.use_bias:
            binds["bias"] = Bind("bias")
        init = self.depthwise_init(tensor, self.use_bias)
        lengths = self.lengths_after(tensor)
        return Code(self.call_source(tensor), init, "channels_first", binds, lengths=lengths)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.DepthwiseConv, or a grouped layers.Conv where TensorFlow has none.

        Its depthwise convolution takes one stride for all axes.
        """
        tensor = inputs[0]
        size = per_axis(self.kernel_size)
        if len(set(per_axis(self.stride))) == 1:
            name, first, groups = f"layers.DepthwiseConv{self.rank}D", (), None
            multiplier, kernel = unless(self.multiplier, 1), Bind("kernel")
        else:
            filters = tensor.shape[-1] * self.multiplier
            name, first, groups = f"layers.Conv{self.rank}D", (filters,), tensor.shape[-1]
            multiplier, kernel = None, Bind("kernel", shape=(*size, 1, filters))
        init = call(
            name,
            *first,
            short(size),
            **self.keras_window_options(tensor),
            depth_multiplier=multiplier,
            groups=unless(groups, 1),
            **self.keras_options(),
        )
        binds = {**self.keras_binds(), "kernel": kernel}
        return self.keras_code(tensor, init, binds)

    def summary(self) -> str:
        """Return "3×3 · same", with "×2" for a multiplier."""
        multiplier = f"×{self.multiplier}" if self.multiplier > 1 else ""
        return self.words(*self.window_words(), multiplier)


class _Separable(_Channelwise, frozen=True, kw_only=True):
    reference = "https://arxiv.org/abs/1610.02357"

    filters: Filters = 32

    def channels_of(self, tensor: TensorType) -> int:
        """Return the number of filters."""
        return self.filters

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return depthwise_kernel, pointwise_kernel (1…, channels · multiplier, filters), bias."""
        between = inputs[0].shape[-1] * self.multiplier
        shape = (*(1,) * self.rank, between, self.filters)
        return {
            "depthwise_kernel": self.depthwise_spec(inputs[0]),
            "pointwise_kernel": self.kernel_spec(shape, between, self.filters),
            **self.bias_spec(self.filters, between),
        }

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return those of both convolutions."""
        between = inputs[0].shape[-1] * self.multiplier
        return self.depthwise_multiply_adds(inputs[0]) + self.output(inputs).size * between

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return two nn.Conv in a row."""
        tensor = inputs[0]
        size, channels = per_axis(self.kernel_size), tensor.shape[-1]
        pointwise = call(
            f"nn.Conv{self.rank}d",
            channels * self.multiplier,
            self.filters,
            1,
            bias=unless(self.use_bias, True),
        )
        binds = {
            "depthwise_kernel": depthwise_bind("0.weight", size, channels, self.multiplier),
            "pointwise_kernel": kernel_bind("1.weight", self.rank),
        }
        if self.use_bias:
            binds["bias"] = Bind("1.bias")
        init = call("nn.Sequential", self.depthwise_init(tensor, bias=False), pointwise)
        lengths = self.lengths_after(tensor)
        return Code(self.call_source(tensor), init, "channels_first", binds, lengths=lengths)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.SeparableConv."""
        init = call(
            f"layers.SeparableConv{self.rank}D",
            self.filters,
            short(per_axis(self.kernel_size)),
            **self.keras_window_options(inputs[0]),
            depth_multiplier=unless(self.multiplier, 1),
            **self.keras_options(),
        )
        binds = {name: Bind(name) for name in self.weights(inputs)}
        return self.keras_code(inputs[0], init, binds)

    def summary(self) -> str:
        """Return "32 · 3×3 · same"."""
        return self.words(str(self.filters), *self.window_words())


class DepthwiseConv1D(_Depthwise, frozen=True, kw_only=True):
    """Filters each channel of a sequence by itself."""

    id = "DepthwiseConv1D"
    title = "Depthwise conv 1D"
    help = "Filters each channel of a sequence by itself; few weights."
    keywords = ("convolution", "sequence", "grouped")
    rank = 1

    kernel_size: Annotated[Size, _KERNEL] = 3
    stride: Annotated[Size, _STRIDE] = 1
    padding: SequencePadding = "valid"
    pads: Annotated[Pair, _PADS] = (0, 0)
    dilation: Annotated[Size, _DILATION] = 1


class DepthwiseConv2D(_Depthwise, frozen=True, kw_only=True):
    """Filters each channel of a picture by itself."""

    id = "DepthwiseConv2D"
    title = "Depthwise conv"
    help = "Filters each channel of a picture by itself; few weights."
    keywords = ("convolution", "mobilenet", "grouped")
    rank = 2

    kernel_size: Annotated[tuple[Size, Size], _KERNEL] = (3, 3)
    stride: Annotated[tuple[Size, Size], _STRIDE] = (1, 1)
    padding: PaddingSetting = "valid"
    pads: Annotated[tuple[Pair, Pair], _PADS] = ((0, 0), (0, 0))
    dilation: Annotated[tuple[Size, Size], _DILATION] = (1, 1)


class SeparableConv1D(_Separable, frozen=True, kw_only=True):
    """Filters each channel of a sequence, then mixes the channels."""

    id = "SeparableConv1D"
    title = "Separable conv 1D"
    help = "Filters each channel of a sequence by itself, then mixes the channels."
    keywords = ("convolution", "sequence", "depthwise", "pointwise")
    rank = 1

    kernel_size: Annotated[Size, _KERNEL] = 3
    stride: Annotated[Size, _STRIDE] = 1
    padding: SequencePadding = "valid"
    pads: Annotated[Pair, _PADS] = (0, 0)
    dilation: Annotated[Size, _DILATION] = 1


class SeparableConv2D(_Separable, frozen=True, kw_only=True):
    """Filters each channel of a picture, then mixes the channels."""

    id = "SeparableConv2D"
    title = "Separable conv"
    help = "Filters each channel of a picture by itself, then mixes the channels; few weights."
    keywords = ("convolution", "xception", "depthwise", "pointwise")
    rank = 2

    kernel_size: Annotated[tuple[Size, Size], _KERNEL] = (3, 3)
    stride: Annotated[tuple[Size, Size], _STRIDE] = (1, 1)
    padding: PaddingSetting = "valid"
    pads: Annotated[tuple[Pair, Pair], _PADS] = ((0, 0), (0, 0))
    dilation: Annotated[tuple[Size, Size], _DILATION] = (1, 1)
