"""A trainable scale and shift without a normalisation."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_TORCH = '''\
class Scale(nn.Module):
    """Multiplies by a trainable number and adds another, along the last axis."""

    def __init__(self, features, scale=True, shift=False, initial=1.0):
        super().__init__()
        full = torch.full((features,), initial)
        self.weight = nn.Parameter(full) if scale else None
        self.bias = nn.Parameter(torch.zeros(features)) if shift else None

    def forward(self, x):
        x = x if self.weight is None else x * self.weight
        return x if self.bias is None else x + self.bias
'''

_KERAS = '''\
@keras.saving.register_keras_serializable("workbench")
class Scale(layers.Layer):
    """Multiplies by a trainable number and adds another, along the last axis."""

    def __init__(
        self, per_channel=True, scale=True, shift=False, initial=1.0, **options
    ):
        super().__init__(**options)
        self.per_channel = per_channel
        self.scale = scale
        self.shift = shift
        self.initial = initial
        self.supports_masking = True

    def build(self, input_shape):
        shape = (input_shape[-1] if self.per_channel else 1,)
        start = keras.initializers.Constant(self.initial)
        if self.scale:
            self.gamma = self.add_weight(shape, initializer=start, name="gamma")
        if self.shift:
            self.beta = self.add_weight(shape, initializer="zeros", name="beta")

    def call(self, x):
        if self.scale:
            x = x * ops.cast(self.gamma, x.dtype)
        return x + ops.cast(self.beta, x.dtype) if self.shift else x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {
            "per_channel": self.per_channel,
            "scale": self.scale,
            "shift": self.shift,
            "initial": self.initial,
        }
        return {**super().get_config(), **own}
'''


class Scale(Layer, frozen=True, kw_only=True):
    """x·gamma + beta with trainable numbers, one a channel or one for all."""

    id = "Scale"
    title = "Scale"
    category = "Normalisation"
    help = "Multiplies each channel by a trainable number, and can add another: x·γ + β."
    reference = "https://arxiv.org/abs/2103.17239"
    keywords = ("layer scale", "layerscale", "affine", "gamma", "gain", "shift", "bias", "convnext")

    per_channel: Annotated[bool, param("Per channel", "One number a channel, or one for all")] = (
        True
    )
    scale: Annotated[bool, param("Scale", "Multiply by a trainable value, gamma")] = True
    shift: Annotated[bool, param("Shift", "Add a trainable value, beta")] = False
    initial: Annotated[
        float,
        param("First scale", "Where gamma starts", minimum=-1e6, maximum=1e6, advanced=True),
    ] = 1.0

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when the channels are not known."""
        tensor = inputs[0]
        if self.per_channel and (not tensor.shape or tensor.shape[-1] is None):
            raise ShapeError(
                f"Scale needs a known number of channels, but got {tensor}.",
                "Set the input's size, or use one number for all.",
            )
        return tensor

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return gamma and beta (channels, or 1)."""
        shape, weights = (self._numbers(inputs[0]),), {}
        if self.scale:
            start = WeightSpec(shape=shape, initializer="constant", value=self.initial)
            weights["gamma"] = start
        if self.shift:
            weights["beta"] = WeightSpec(shape=shape, initializer="zeros")
        return weights

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a module of its own; it takes channels from the last axis."""
        binds = {"gamma": Bind("weight"), "beta": Bind("bias")}
        init = call(
            "Scale",
            self._numbers(inputs[0]),
            scale=unless(self.scale, True),
            shift=unless(self.shift, False),
            initial=unless(self.initial, 1),
        )
        return Code(
            "{self}({0})",
            init,
            "channels_last" if self.per_channel else "same",
            {name: binds[name] for name in self.weights(inputs)},
            {"Scale": _TORCH},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        init = call(
            "Scale",
            per_channel=unless(self.per_channel, True),
            scale=unless(self.scale, True),
            shift=unless(self.shift, False),
            initial=unless(self.initial, 1),
        )
        binds = {name: Bind(name) for name in self.weights(inputs)}
        return Code("{self}({0})", init, binds=binds, helpers={"Scale": _KERAS})

    def summary(self) -> str:
        """Return "γ · β", "γ" or "one γ"."""
        parts = [name for name, wanted in (("γ", self.scale), ("β", self.shift)) if wanted]
        return ("" if self.per_channel else "one ") + " · ".join(parts)

    def _numbers(self, tensor: TensorType) -> int:
        return tensor.shape[-1] if self.per_channel else 1
