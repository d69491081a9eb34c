"""Activation functions as layers of their own."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_APPROXIMATE_GELU = '''\
@keras.saving.register_keras_serializable("workbench")
def approximate_gelu(x):
    """GELU by the tanh formula."""
    return keras.activations.gelu(x, approximate=True)
'''


class _Activation(Layer, frozen=True, kw_only=True):
    """A function of each value alone."""

    category = "Activation"
    constructor: ClassVar[str]
    keras_name: ClassVar[str]

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return PyTorch's module."""
        return Code(init=self.torch_module(), call="{self}({0})")

    def torch_module(self) -> str:
        """Return the constructor; layers with settings add them."""
        return f"nn.{self.constructor}()"

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' layer."""
        return Code("{self}({0})", self.keras_layer())

    def keras_layer(self) -> str:
        """Return the constructor; functions that Keras has a layer for name that."""
        return call("layers.Activation", f'"{self.keras_name}"')


class ReLU(_Activation, frozen=True, kw_only=True):
    """max(x, 0)."""

    id = "ReLU"
    title = "ReLU"
    help = "Sets negative values to zero: max(x, 0)."
    reference = "https://www.cs.toronto.edu/~fritz/absps/reluICML.pdf"
    keywords = ("rectified linear", "rectifier")
    constructor = "ReLU"

    def keras_layer(self) -> str:
        """Return layers.ReLU."""
        return call("layers.ReLU")


class ReLU6(_Activation, frozen=True, kw_only=True):
    """min(max(x, 0), 6)."""

    id = "ReLU6"
    title = "ReLU6"
    help = "ReLU that stops at 6; kind to low precision."
    reference = "https://arxiv.org/abs/1704.04861"
    keywords = ("rectified linear", "mobilenet", "clipped")
    constructor = "ReLU6"

    def keras_layer(self) -> str:
        """Return layers.ReLU with a largest value."""
        return call("layers.ReLU", max_value=6)


class LeakyReLU(_Activation, frozen=True, kw_only=True):
    """x, or slope·x below zero."""

    id = "LeakyReLU"
    title = "Leaky ReLU"
    help = "ReLU that lets a small share of negative values through."
    reference = "https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf"
    keywords = ("rectified linear", "lrelu")

    slope: Annotated[
        float,
        param("Slope", "Factor on negative values", minimum=0, maximum=1000),
    ] = 0.01

    def torch_module(self) -> str:
        """Return nn.LeakyReLU; the slope is always written, frameworks differ in the default."""
        return call("nn.LeakyReLU", self.slope)

    def keras_layer(self) -> str:
        """Return layers.LeakyReLU."""
        return call("layers.LeakyReLU", negative_slope=self.slope)

    def summary(self) -> str:
        """Return "slope 0.01"."""
        return f"slope {self.slope:g}"


class PReLU(Layer, frozen=True, kw_only=True):
    """x, or a learned share of it below zero."""

    id = "PReLU"
    title = "PReLU"
    category = "Activation"
    help = "Leaky ReLU that learns its slope, per channel or one for all."
    reference = "https://arxiv.org/abs/1502.01852"
    keywords = ("parametric", "rectified linear")

    per_channel: Annotated[bool, param("Per channel", "One slope a channel, or one for all")] = True
    initial: Annotated[
        float, param("First slope", "Where the slope starts", minimum=0, maximum=1, advanced=True)
    ] = 0.25

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when the channels are not known."""
        tensor = inputs[0]
        if self.per_channel and (not tensor.shape or tensor.shape[-1] is None):
            raise ShapeError(
                f"PReLU needs a known number of channels, but got {tensor}.",
                "Set the input's size, or use one slope for all.",
            )
        return tensor

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return alpha (1, …, channels), shared along every other axis."""
        shape = (1,) * (inputs[0].rank - 1) + (self._slopes(inputs[0]),)
        return {"alpha": WeightSpec(shape=shape, initializer="constant", value=self.initial)}

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.PReLU, which takes channels from the second axis."""
        slopes = self._slopes(inputs[0])
        return Code(
            init=call("nn.PReLU", *(() if slopes == 1 else (slopes,))),
            call="{self}({0})",
            layout="channels_first" if self.per_channel else "same",
            binds={"alpha": Bind("weight", shape=(slopes,))},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.PReLU, which has a slope for each place unless it shares axes."""
        shared = list(range(1, inputs[0].rank + (not self.per_channel)))
        init = call("layers.PReLU", shared_axes=str(shared) if shared else None)
        return Code("{self}({0})", init, binds={"alpha": Bind("alpha")})

    def summary(self) -> str:
        """Return "one slope" where it is shared."""
        return "" if self.per_channel else "one slope"

    def _slopes(self, tensor: TensorType) -> int:
        return tensor.shape[-1] if self.per_channel else 1


class ELU(_Activation, frozen=True, kw_only=True):
    """x, or alpha·(exp(x) - 1) below zero."""

    id = "ELU"
    title = "ELU"
    help = "Exponential below zero, linear above; its mean is nearer to zero than ReLU's."
    reference = "https://arxiv.org/abs/1511.07289"
    keywords = ("exponential linear",)

    alpha: Annotated[
        float, param("Alpha", "Where it levels off below zero", minimum=0, maximum=1000)
    ] = 1.0

    def torch_module(self) -> str:
        """Return nn.ELU."""
        return call("nn.ELU", *(() if self.alpha == 1 else (self.alpha,)))

    def keras_layer(self) -> str:
        """Return layers.ELU."""
        return call("layers.ELU", alpha=unless(self.alpha, 1))

    def summary(self) -> str:
        """Return "α 1"."""
        return f"α {self.alpha:g}"


class SELU(_Activation, frozen=True, kw_only=True):
    """ELU scaled so that means and variances settle by themselves."""

    id = "SELU"
    title = "SELU"
    help = "ELU scaled so that a deep stack of Dense keeps mean 0 and variance 1 by itself."
    reference = "https://arxiv.org/abs/1706.02515"
    keywords = ("self-normalising", "scaled exponential")
    constructor = "SELU"
    keras_name = "selu"


class GELU(_Activation, frozen=True, kw_only=True):
    """x·Φ(x)."""

    id = "GELU"
    title = "GELU"
    help = "Weighs each value by the normal distribution: x·Φ(x); usual in transformers."
    reference = "https://arxiv.org/abs/1606.08415"
    keywords = ("gaussian error", "transformer")

    approximate: Annotated[
        bool, param("Approximate", "Use the tanh formula instead of the exact one")
    ] = False

    def torch_module(self) -> str:
        """Return nn.GELU."""
        return call("nn.GELU", approximate='"tanh"' if self.approximate else None)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Activation; its "gelu" is the exact one."""
        if not self.approximate:
            return Code("{self}({0})", call("layers.Activation", '"gelu"'))
        name = "approximate_gelu"
        return Code(
            "{self}({0})", call("layers.Activation", name), helpers={name: _APPROXIMATE_GELU}
        )

    def summary(self) -> str:
        """Return "tanh" where it is approximate."""
        return "tanh" if self.approximate else ""


class SiLU(_Activation, frozen=True, kw_only=True):
    """x·sigmoid(x)."""

    id = "SiLU"
    title = "SiLU"
    help = "x·sigmoid(x), also called Swish: smooth, with a small dip below zero."
    reference = "https://arxiv.org/abs/1710.05941"
    keywords = ("swish",)
    constructor = "SiLU"
    keras_name = "silu"


class Mish(_Activation, frozen=True, kw_only=True):
    """x·tanh(softplus(x))."""

    id = "Mish"
    title = "Mish"
    help = "x·tanh(softplus(x)): smooth, much like SiLU."
    reference = "https://arxiv.org/abs/1908.08681"
    constructor = "Mish"
    keras_name = "mish"


class Sigmoid(_Activation, frozen=True, kw_only=True):
    """1 / (1 + exp(-x))."""

    id = "Sigmoid"
    title = "Sigmoid"
    help = "Squeezes each value between 0 and 1."
    keywords = ("logistic", "probability", "gate")
    constructor = "Sigmoid"
    keras_name = "sigmoid"


class HardSigmoid(_Activation, frozen=True, kw_only=True):
    """min(max(x / 6 + 1/2, 0), 1)."""

    id = "HardSigmoid"
    title = "Hard sigmoid"
    help = "Sigmoid of three straight lines; cheap."
    reference = "https://arxiv.org/abs/1905.02244"
    keywords = ("logistic", "gate", "mobilenet")
    constructor = "Hardsigmoid"
    keras_name = "hard_sigmoid"


class HardSwish(_Activation, frozen=True, kw_only=True):
    """x·hardsigmoid(x)."""

    id = "HardSwish"
    title = "Hard swish"
    help = "SiLU with a hard sigmoid; cheap."
    reference = "https://arxiv.org/abs/1905.02244"
    keywords = ("hard silu", "mobilenet")
    constructor = "Hardswish"
    keras_name = "hard_silu"


class Tanh(_Activation, frozen=True, kw_only=True):
    """Hyperbolic tangent."""

    id = "Tanh"
    title = "Tanh"
    help = "Squeezes each value between -1 and 1."
    keywords = ("hyperbolic tangent",)
    constructor = "Tanh"
    keras_name = "tanh"


class Softplus(_Activation, frozen=True, kw_only=True):
    """log(1 + exp(x))."""

    id = "Softplus"
    title = "Softplus"
    help = "A smooth ReLU, always positive: log(1 + exp(x))."
    reference = "https://proceedings.mlr.press/v15/glorot11a.html"
    constructor = "Softplus"
    keras_name = "softplus"


class Softsign(_Activation, frozen=True, kw_only=True):
    """x / (1 + |x|)."""

    id = "Softsign"
    title = "Softsign"
    help = "Like Tanh, but levels off more slowly: x / (1 + |x|)."
    reference = "https://proceedings.mlr.press/v9/glorot10a.html"
    constructor = "Softsign"
    keras_name = "softsign"
