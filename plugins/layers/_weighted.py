"""Settings that all layers with a kernel have in common."""

from typing import Annotated, Any

from plugins.layers._activations import Activation, ActivationName, keras_activation
from plugins.layers._source import unless
from workbench.plugin_api.code import Bind
from workbench.plugin_api.layer import Initializer, Layer, WeightSpec
from workbench.plugin_api.parameters import Field, param

Filters = Annotated[
    int, param("Filters", "Number of output channels", minimum=1, maximum=1_000_000)
]
Penalty = Annotated[float, param("", minimum=0, maximum=1e9)]

_ORDER = ("units", "filters", "multiplier", "kernel_size", "stride", "padding", "pads", "dilation")
"""Settings that a form shows first; the rest follow as they are declared."""

_WITH_BIAS = ("use_bias", (True,))


class Weighted(Layer, frozen=True, kw_only=True):
    """A layer with a kernel, a bias and an activation."""

    activation: Activation = "linear"
    use_bias: Annotated[bool, param("Use bias", "Add a trainable value to each output channel")] = (
        True
    )
    kernel_initializer: Annotated[
        Initializer, param("Initialiser", "Rule by which the kernel's start is drawn")
    ] = "glorot_uniform"
    bias_initializer: Annotated[
        Initializer, param("Bias initialiser", advanced=True, shown_if=_WITH_BIAS)
    ] = "zeros"
    kernel_l1: Annotated[
        Penalty, param("L1 penalty", "Adds this times Σ|w| of the kernel to the loss")
    ] = 0.0
    kernel_l2: Annotated[
        Penalty, param("L2 penalty", "Adds this times Σw² of the kernel to the loss")
    ] = 0.0
    bias_l1: Annotated[Penalty, param("Bias L1 penalty", advanced=True, shown_if=_WITH_BIAS)] = 0.0
    bias_l2: Annotated[Penalty, param("Bias L2 penalty", advanced=True, shown_if=_WITH_BIAS)] = 0.0

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters, the layer's own before the ones all kernels have."""
        fields = super().parameters()
        first = [field for name in _ORDER for field in fields if field.name == name]
        shared = [field for field in fields if field.name in Weighted.__struct_fields__]
        rest = [field for field in fields if field not in first and field not in shared]
        return (*first, *rest, *shared)

    def kernel_spec(self, shape: tuple[int, ...], fan_in: int, fan_out: int) -> WeightSpec:
        """Describe a kernel of this layer."""
        return WeightSpec(
            shape=shape,
            initializer=self.kernel_initializer,
            fan_in=fan_in,
            fan_out=fan_out,
            l1=self.kernel_l1,
            l2=self.kernel_l2,
        )

    def bias_spec(self, channels: int, fan_in: int) -> dict[str, WeightSpec]:
        """Describe the bias, if there is one; it takes its scale from the kernel's fan-in."""
        if not self.use_bias:
            return {}
        spec = WeightSpec(
            shape=(channels,),
            initializer=self.bias_initializer,
            fan_in=fan_in,
            fan_out=channels,
            l1=self.bias_l1,
            l2=self.bias_l2,
        )
        return {"bias": spec}

    def keras_options(self) -> dict[str, Any]:
        """Return the options that Keras' layers with a kernel share, as source."""
        return {
            "activation": None
            if self.activation == "linear"
            else keras_activation(self.activation),
            "use_bias": unless(self.use_bias, True),
        }

    def keras_binds(self) -> dict[str, Bind]:
        """Tie kernel and bias to Keras' variables, which have the canonical layout."""
        names = ("kernel", "bias") if self.use_bias else ("kernel",)
        return {name: Bind(name) for name in names}

    def words(self, *parts: str) -> str:
        """Join the parts of a summary that say something, and the activation."""
        shown: tuple[ActivationName | str, ...] = parts
        if self.activation != "linear":
            shown = (*parts, self.activation)
        return " · ".join(part for part in shown if part)
