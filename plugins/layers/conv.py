"""Convolutions over one, two and three axes."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from plugins.layers._activations import activated
from plugins.layers._sliding import PaddingSetting, SequencePadding, Sliding
from plugins.layers._source import call, short, unless
from plugins.layers._torch import kernel_bind
from plugins.layers._weighted import Filters
from plugins.layers._windows import need_space, per_axis, refuse_stride_with_dilation, slide
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import WeightSpec
from workbench.plugin_api.parameters import Pair, Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType


class _Conv(Sliding, frozen=True, kw_only=True):
    """What convolutions of all ranks share."""

    category = "Convolution"
    reference = "https://arxiv.org/abs/1603.07285"
    rank: ClassVar[int]

    filters: Filters = 32
    groups: Annotated[
        int,
        param(
            "Groups",
            "Channels are divided into this many groups that do not see each other",
            minimum=1,
            advanced=True,
        ),
    ] = 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return space × filters; raises ShapeError for what cannot be convolved."""
        tensor = inputs[0]
        need_space(self, tensor, self.rank, may_vary=self.rank == 1)
        refuse_stride_with_dilation(self, self.windows)
        self._check_groups(tensor.shape[-1])
        lengths = slide(self, tensor, self.windows, self.pads_for(tensor))
        return TensorType((*lengths, self.filters), tensor.axes)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return kernel (k…, channels / groups, filters) and bias (filters)."""
        size = per_axis(self.kernel_size)
        channels = inputs[0].shape[-1] // self.groups
        fan_in, fan_out = math.prod(size) * channels, math.prod(size) * self.filters
        kernel = self.kernel_spec((*size, channels, self.filters), fan_in, fan_out)
        return {"kernel": kernel, **self.bias_spec(self.filters, fan_in)}

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return output values × kernel values each of them is a sum over."""
        each = math.prod(per_axis(self.kernel_size)) * inputs[0].shape[-1] // self.groups
        return self.output(inputs).size * each

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Conv; pads that differ before and after go into F.pad."""
        tensor = inputs[0]
        inside, _ = self.torch_pads(tensor)
        init = call(
            f"nn.Conv{self.rank}d",
            tensor.shape[-1],
            self.filters,
            short(per_axis(self.kernel_size)),
            stride=unless(short(per_axis(self.stride)), 1),
            padding=unless(short(inside), 0),
            dilation=unless(short(per_axis(self.dilation)), 1),
            groups=unless(self.groups, 1),
            bias=unless(self.use_bias, True),
        )
        binds = {"kernel": kernel_bind("weight", self.rank)}
        if self.use_bias:
            binds["bias"] = Bind("bias")
        expression = "{self}(" + self.torch_padded(tensor) + ")"
        return Code(
            init=init,
            call=activated(expression, self.activation, tensor.rank, "channels_first"),
            layout="channels_first",
            binds=binds,
            lengths=self.lengths_after(tensor),
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Conv; explicit pads go into a ZeroPadding layer."""
        tensor = inputs[0]
        init = call(
            f"layers.Conv{self.rank}D",
            self.filters,
            short(per_axis(self.kernel_size)),
            **self.keras_window_options(tensor),
            groups=unless(self.groups, 1),
            **self.keras_options(),
        )
        return Code(
            self.keras_call(tensor),
            init,
            binds=self.keras_binds(),
            helpers=self.keras_helpers(tensor),
            lengths=self.lengths_after(tensor),
        )

    def summary(self) -> str:
        """Return "32 · 3×3 · same"."""
        return self.words(str(self.filters), *self.window_words())

    def _check_groups(self, channels: int) -> None:
        for count, what in ((channels, "input channels"), (self.filters, "filters")):
            if count % self.groups:
                raise ShapeError(
                    f"{self.title} cannot divide {count} {what} into {self.groups} groups.",
                    "Choose a number of groups that divides both channels and filters.",
                )


class Conv1D(_Conv, frozen=True, kw_only=True):
    """Convolution along time."""

    id = "Conv1D"
    title = "Conv 1D"
    help = "Slides filters along a sequence and finds patterns wherever they are."
    keywords = ("convolution", "temporal", "sequence", "signal", "causal", "dilated", "tcn")
    rank = 1

    kernel_size: Annotated[Size, param("Kernel size")] = 3
    stride: Annotated[Size, param("Stride")] = 1
    padding: SequencePadding = "valid"
    pads: Annotated[
        Pair, param("Pads", "Zeros before and after", shown_if=("padding", ("explicit",)))
    ] = (0, 0)
    dilation: Annotated[Size, param("Dilation", "Step between kernel values")] = 1


class Conv2D(_Conv, frozen=True, kw_only=True):
    """Convolution over a picture."""

    id = "Conv2D"
    title = "Conv 2D"
    help = "Slides filters over a picture and finds patterns wherever they are."
    keywords = ("convolution", "cnn", "image", "filter")
    rank = 2

    kernel_size: Annotated[tuple[Size, Size], param("Kernel size")] = (3, 3)
    stride: Annotated[tuple[Size, Size], param("Stride")] = (1, 1)
    padding: PaddingSetting = "valid"
    pads: Annotated[
        tuple[Pair, Pair],
        param("Pads", "Zeros before and after each axis", shown_if=("padding", ("explicit",))),
    ] = ((0, 0), (0, 0))
    dilation: Annotated[tuple[Size, Size], param("Dilation", "Step between kernel values")] = (1, 1)


class Conv3D(_Conv, frozen=True, kw_only=True):
    """Convolution over a volume or a video."""

    id = "Conv3D"
    title = "Conv 3D"
    help = "Slides filters through a volume or a video."
    keywords = ("convolution", "volume", "video", "voxel")
    rank = 3

    kernel_size: Annotated[tuple[Size, Size, Size], param("Kernel size")] = (3, 3, 3)
    stride: Annotated[tuple[Size, Size, Size], param("Stride")] = (1, 1, 1)
    padding: PaddingSetting = "valid"
    pads: Annotated[
        tuple[Pair, Pair, Pair],
        param("Pads", "Zeros before and after each axis", shown_if=("padding", ("explicit",))),
    ] = ((0, 0), (0, 0), (0, 0))
    dilation: Annotated[
        tuple[Size, Size, Size], param("Dilation", "Step between kernel values")
    ] = (1, 1, 1)
