"""Normalisation of each sample over features, or over groups of channels."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated

from plugins.layers._affine import Epsilon, Normalisation, Scale, need_sizes
from plugins.layers._source import call, short, unless
from plugins.layers._steps import refuse_varying
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_UNSCALED_RMS_NORM = '''\
@keras.saving.register_keras_serializable("workbench")
class UnscaledRMSNormalization(layers.RMSNormalization):
    """Division by the root mean square without a trainable scale."""

    def build(self, input_shape):
        self.scale = None
'''


class LayerNorm(Normalisation, frozen=True, kw_only=True):
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
        need_sizes(self, tensor, self.axes)
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

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.LayerNormalization."""
        axes = None if self.axes == 1 else str(list(range(-self.axes, 0)))
        init = call("layers.LayerNormalization", axis=axes, **self.keras_options())
        binds = {weight: Bind(weight) for weight in self.weights(inputs)}
        return Code("{self}({0})", init, binds=binds)


class GroupNorm(Normalisation, frozen=True, kw_only=True):
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
        need_sizes(self, tensor)
        channels = tensor.shape[-1]
        if channels % self.groups:
            fitting = [n for n in range(1, min(channels, 64) + 1) if channels % n == 0]
            raise ShapeError(
                f"Group norm cannot divide {channels} channels into {self.groups} groups.",
                f"Possible are {', '.join(map(str, fitting))}.",
            )
        refuse_varying(self, tensor, "Use Layer norm, which takes each step by itself.")
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

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.GroupNormalization."""
        init = call("layers.GroupNormalization", self.groups, **self.keras_options())
        binds = {weight: Bind(weight) for weight in self.weights(inputs)}
        return Code("{self}({0})", init, binds=binds)

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

    epsilon: Epsilon = 1e-6
    scale: Scale = True

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when the features are not known."""
        need_sizes(self, inputs[0])
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

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.RMSNormalization, or a subclass for none of its scale."""
        if self.scale:
            init = call("layers.RMSNormalization", epsilon=self.epsilon)
            return Code("{self}({0})", init, binds={"gamma": Bind("scale")})
        name = "UnscaledRMSNormalization"
        init = call(name, epsilon=self.epsilon)
        return Code("{self}({0})", init, helpers={name: _UNSCALED_RMS_NORM})
