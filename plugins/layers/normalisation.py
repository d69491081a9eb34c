"""Normalisation over the batch, over features, over groups of channels."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated, Literal

from plugins.layers._source import call, short, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_SCALE = param("Scale", "Multiply by a trainable value, gamma", advanced=True)
_CENTER = param("Shift", "Add a trainable value, beta", advanced=True)
_EPSILON = param(
    "Epsilon", "Added to the variance, against division by zero", above=0, maximum=1, advanced=True
)

_BATCH_NORM = '''\
class BatchNorm(nn.Module):
    """Batch normalisation that keeps the biased variance, as Keras and the paper do.

    nn.BatchNorm normalises alike, but keeps the unbiased variance for evaluation.
    """

    def __init__(self, features, momentum=0.1, eps=1e-5, scale=True, shift=True):
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features)) if scale else None
        self.bias = nn.Parameter(torch.zeros(features)) if shift else None
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        rest = self.weight, self.bias, self.training, self.momentum, self.eps
        if not self.training:
            return F.batch_norm(x, mean, variance, *rest)
        count = x.numel() // x.shape[1]
        if count == 1:  # nothing to compare with: the mean is the value itself
            mean.lerp_(x.detach().to(mean.dtype).flatten(), self.momentum)
            variance.mul_(1 - self.momentum)
            zeros, ones = torch.zeros_like(mean), torch.ones_like(mean)
            return F.batch_norm(x - x, zeros, ones, self.weight, self.bias)
        unbiased = variance * (count / (count - 1))
        y = F.batch_norm(x, mean, unbiased, *rest)
        variance.copy_(unbiased * ((count - 1) / count))
        return y
'''


_AFFINE = '''\
class Affine(nn.Module):
    """A trainable scale or shift."""

    def __init__(self, shape, scale=True, shift=True):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape)) if scale else None
        self.bias = nn.Parameter(torch.zeros(shape)) if shift else None

    def forward(self, x):
        x = x if self.weight is None else x * self.weight
        return x if self.bias is None else x + self.bias
'''


class _Affine(Layer, frozen=True, kw_only=True):
    """A normalisation followed by a trainable scale and shift."""

    category = "Normalisation"

    epsilon: Annotated[float, _EPSILON] = 1e-5
    scale: Annotated[bool, _SCALE] = True
    center: Annotated[bool, _CENTER] = True

    def affine_weights(self, shape: tuple[int, ...]) -> dict[str, WeightSpec]:
        """Describe gamma and beta, where there are any."""
        weights = {}
        if self.scale:
            weights["gamma"] = WeightSpec(shape=shape, initializer="ones")
        if self.center:
            weights["beta"] = WeightSpec(shape=shape, initializer="zeros")
        return weights

    def affine_binds(self) -> dict[str, Bind]:
        """Tie gamma and beta to PyTorch's names."""
        binds = {}
        if self.scale:
            binds["gamma"] = Bind("weight")
        if self.center:
            binds["beta"] = Bind("bias")
        return binds

    @property
    def is_affine(self) -> bool:
        """Whether PyTorch's own scale and shift do: it has both of them or neither."""
        return self.scale and self.center

    def with_affine(
        self, module: str, shape: tuple[int, ...], layout: Layout, binds: Mapping[str, Bind]
    ) -> Code:
        """Return the module's code, with a scale or a shift after it where only one is wanted.

        Args:
            module: constructor whose own scale and shift are on if `is_affine`, else off.
            shape: of the scale or shift, so that it broadcasts against the output.
        """
        own = {"weight", "bias"}
        if self.scale == self.center:
            return Code("{self}({0})", module, layout, binds)
        scale, shift = unless(self.scale, True), unless(self.center, True)
        affine = call("Affine", shape, scale=scale, shift=shift)
        moved = {
            name: Bind(f"1.{bind.attribute}", shape=shape)
            if bind.attribute in own
            else Bind(f"0.{bind.attribute}")
            for name, bind in binds.items()
        }
        init = call("nn.Sequential", module, affine)
        return Code("{self}({0})", init, layout, moved, {"Affine": _AFFINE})


class BatchNorm(_Affine, frozen=True, kw_only=True):
    """Normalises each channel over the batch."""

    id = "BatchNorm"
    title = "Batch norm"
    help = "Gives each channel mean 0 and deviation 1 over the batch, then scales and shifts it."
    reference = "https://arxiv.org/abs/1502.03167"
    keywords = ("batch normalisation", "batchnormalization", "bn")

    momentum: Annotated[
        float,
        param(
            "Momentum",
            "Weight of the newest batch in the running mean and variance; Keras counts the other "
            "way round, 0.1 here is 0.9 there",
            above=0,
            maximum=1,
        ),
    ] = 0.1
    running_variance: Annotated[
        Literal["biased", "unbiased"],
        param(
            "Running variance",
            "biased: divided by n, as Keras and the paper do; unbiased: by n - 1, as nn.BatchNorm",
            advanced=True,
        ),
    ] = "biased"

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when the channels are not known."""
        _need_sizes(self, inputs[0])
        if self.running_variance == "unbiased" and inputs[0].rank > 4:
            raise ShapeError(
                f"{self.title} with PyTorch's own variance takes four axes at most.",
                "Set its running variance to “biased”.",
            )
        return inputs[0]

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return gamma, beta, and the statistics moving_mean and moving_variance (channels)."""
        shape = inputs[0].shape[-1:]
        return {
            **self.affine_weights(shape),
            "moving_mean": WeightSpec(shape=shape, initializer="zeros", trainable=False),
            "moving_variance": WeightSpec(shape=shape, initializer="ones", trainable=False),
        }

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a class of its own, or nn.BatchNorm for the unbiased variance."""
        tensor = inputs[0]
        binds = {
            **self.affine_binds(),
            "moving_mean": Bind("running_mean"),
            "moving_variance": Bind("running_var"),
        }
        common = {"momentum": unless(self.momentum, 0.1), "eps": unless(self.epsilon, 1e-5)}
        if self.running_variance == "biased":
            init = call(
                "BatchNorm",
                tensor.shape[-1],
                **common,
                scale=unless(self.scale, True),
                shift=unless(self.center, True),
            )
            helpers = {"BatchNorm": _BATCH_NORM}
            return Code("{self}({0})", init, "channels_first", binds, helpers)
        name = f"nn.BatchNorm{max(tensor.rank - 1, 1)}d"
        module = call(name, tensor.shape[-1], **common, affine=unless(self.is_affine, True))
        shape = (tensor.shape[-1], *(1,) * (tensor.rank - 1))
        return self.with_affine(module, shape, "channels_first", binds)

    def summary(self) -> str:
        """Return "momentum 0.1"."""
        return f"momentum {self.momentum:g}"


class LayerNorm(_Affine, frozen=True, kw_only=True):
    """Normalises each sample over its last axes."""

    id = "LayerNorm"
    title = "Layer norm"
    help = "Normalises each sample, or each position, over its features alone."
    reference = "https://arxiv.org/abs/1607.06450"
    keywords = ("layer normalisation", "layernormalization", "transformer")

    axes: Annotated[
        int, param("Axes", "How many of the last axes are normalised together", minimum=1)
    ] = 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when it has too few known axes."""
        tensor = inputs[0]
        if tensor.rank < self.axes:
            raise ShapeError(
                f"Layer norm is set to the last {self.axes} axes, but got {tensor.in_words()} "
                f"({tensor}).",
                f"Set its axes to {max(tensor.rank, 1)} at most.",
            )
        _need_sizes(self, tensor, self.axes)
        return tensor

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return gamma and beta, as large as the normalised axes."""
        return self.affine_weights(inputs[0].shape[-self.axes :])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.LayerNorm."""
        shape = inputs[0].shape[-self.axes :]
        module = call(
            "nn.LayerNorm",
            short(shape) if len(shape) == 1 else shape,
            eps=unless(self.epsilon, 1e-5),
            elementwise_affine=unless(self.is_affine, True),
        )
        return self.with_affine(module, shape, "channels_last", self.affine_binds())


class GroupNorm(_Affine, frozen=True, kw_only=True):
    """Normalises each sample over groups of channels."""

    id = "GroupNorm"
    title = "Group norm"
    help = "Normalises each sample over groups of channels; needs no large batch."
    reference = "https://arxiv.org/abs/1803.08494"
    keywords = ("group normalisation", "groupnormalization", "instance norm")

    groups: Annotated[
        int,
        param("Groups", "As many as channels: instance normalisation", minimum=1),
    ] = 8

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError unless groups divide the channels."""
        tensor = inputs[0]
        _need_sizes(self, tensor)
        channels = tensor.shape[-1]
        if channels % self.groups:
            fitting = [n for n in range(1, min(channels, 64) + 1) if channels % n == 0]
            raise ShapeError(
                f"Group norm cannot divide {channels} channels into {self.groups} groups.",
                f"Possible are {', '.join(map(str, fitting))}.",
            )
        if prod(size or 2 for size in tensor.shape) == self.groups:
            raise ShapeError(
                "Group norm would make every value zero: each group holds one value only.",
                "Use fewer groups, or another normalisation.",
            )
        return tensor

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return gamma and beta (channels)."""
        return self.affine_weights(inputs[0].shape[-1:])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.GroupNorm."""
        tensor = inputs[0]
        module = call(
            "nn.GroupNorm",
            self.groups,
            tensor.shape[-1],
            eps=unless(self.epsilon, 1e-5),
            affine=unless(self.is_affine, True),
        )
        shape = (tensor.shape[-1], *(1,) * (tensor.rank - 1))
        return self.with_affine(module, shape, "channels_first", self.affine_binds())

    def summary(self) -> str:
        """Return "8 groups"."""
        return f"{self.groups} group{'s' if self.groups > 1 else ''}"


class RMSNorm(Layer, frozen=True, kw_only=True):
    """Divides by the root mean square of the last axis."""

    id = "RMSNorm"
    title = "RMS norm"
    category = "Normalisation"
    help = "Divides each position's features by their root mean square, then scales them."
    reference = "https://arxiv.org/abs/1910.07467"
    keywords = ("root mean square", "layer norm", "llama")

    epsilon: Annotated[float, _EPSILON] = 1e-6
    scale: Annotated[bool, _SCALE] = True

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when the features are not known."""
        _need_sizes(self, inputs[0])
        return inputs[0]

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return gamma (features)."""
        gamma = WeightSpec(shape=inputs[0].shape[-1:], initializer="ones")
        return {"gamma": gamma} if self.scale else {}

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.RMSNorm with an explicit epsilon; PyTorch's default depends on the dtype."""
        affine = unless(self.scale, True)
        features = inputs[0].shape[-1]
        init = call("nn.RMSNorm", features, eps=self.epsilon, elementwise_affine=affine)
        binds = {"gamma": Bind("weight")} if self.scale else {}
        return Code("{self}({0})", init, "channels_last", binds)


def _need_sizes(layer: Layer, tensor: TensorType, axes: int = 1) -> None:
    """Raise a ShapeError unless the last `axes` axes have known sizes."""
    if not tensor.shape or None in tensor.shape[-axes:]:
        raise ShapeError(
            f"{layer.title} needs a known size along the last axis, but got {tensor}.",
            "Set the input's size.",
        )
