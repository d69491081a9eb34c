"""Functions of each value alone that are no usual activations: bounds, roots, powers, waves."""

from collections.abc import Sequence
from typing import Annotated, Literal

from plugins.layers._source import call, number
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_CLIP = '''\
@keras.saving.register_keras_serializable("workbench")
class Clip(layers.Layer):
    """Values no lower and no higher than two bounds."""

    def __init__(self, lowest, highest, **options):
        super().__init__(**options)
        self.lowest = lowest
        self.highest = highest
        self.supports_masking = True

    def call(self, x):
        x = x if self.lowest is None else ops.maximum(x, self.lowest)
        return x if self.highest is None else ops.minimum(x, self.highest)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"lowest": self.lowest, "highest": self.highest}
        return {**super().get_config(), **own}
'''

_FUNCTION = '''\
@keras.saving.register_keras_serializable("workbench")
class Function(layers.Layer):
    """A function of each value alone, by its name in keras.ops."""

    def __init__(self, function, lowest=None, **options):
        super().__init__(**options)
        self.function = function
        self.lowest = lowest
        self.supports_masking = True

    def call(self, x):
        x = x if self.lowest is None else ops.maximum(x, self.lowest)
        return getattr(keras.ops, self.function)(x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"function": self.function, "lowest": self.lowest}
        return {**super().get_config(), **own}
'''

_Bound = Annotated[float, param("", minimum=-1e30, maximum=1e30)]
_SMALLEST = 1e-20
_LOWEST = {"sqrt": _SMALLEST, "log": _SMALLEST, "rsqrt": _SMALLEST}
"""What roots and logarithms are taken of at least, so that they are numbers."""


class Clip(Layer, frozen=True, kw_only=True):
    """min(max(x, lowest), highest)."""

    id = "Clip"
    title = "Clip"
    category = "Activation"
    help = "Keeps each value between two bounds."
    keywords = ("clamp", "bound", "limit", "hardtanh", "minimum", "maximum")

    lowest: Annotated[_Bound | None, param("Lowest", "Empty: no bound")] = 0.0
    highest: Annotated[_Bound | None, param("Highest", "Empty: no bound")] = 1.0

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError where the bounds are the wrong way round."""
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise ShapeError(
                f"Clip has a lowest value of {self.lowest:g}, above its highest of "
                f"{self.highest:g}.",
                "Exchange them.",
            )
        return inputs[0]

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return torch.clamp, or nothing without bounds."""
        bounds = {"min": self.lowest, "max": self.highest}
        if bounds == {"min": None, "max": None}:
            return Code("{0}")
        return Code(call=call("{0}.clamp", **bounds))

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        if self.lowest is None and self.highest is None:
            return Code("{0}")
        bounds = (
            "None" if bound is None else number(bound) for bound in (self.lowest, self.highest)
        )
        return Code("{self}({0})", call("Clip", *bounds), helpers={"Clip": _CLIP})

    def summary(self) -> str:
        """Return "0 … 1"."""
        lowest, highest = (
            "" if bound is None else f"{bound:g}" for bound in (self.lowest, self.highest)
        )
        return f"{lowest} … {highest}".strip()


class Function(Layer, frozen=True, kw_only=True):
    """A function of each value alone."""

    id = "Function"
    title = "Function"
    category = "Activation"
    help = "Takes a root, a power, a logarithm or a wave of each value."
    keywords = ("sqrt", "square", "exp", "log", "abs", "sin", "cos", "erf", "maths", "power")

    function: Annotated[
        Literal["sqrt", "rsqrt", "square", "abs", "exp", "log", "reciprocal", "sin", "cos", "erf"],
        param(
            "Function",
            "rsqrt: 1 / √x; square: x²; reciprocal: 1 / x. Roots and logarithms of what is below "
            "zero are those of a very small number",
        ),
    ] = "sqrt"

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the tensor's method."""
        lowest = _LOWEST.get(self.function)
        bounded = "{0}" if lowest is None else f"{{0}}.clamp(min={number(lowest)})"
        return Code(call=f"{bounded}.{self.function}()")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        init = call("Function", f'"{self.function}"', lowest=_LOWEST.get(self.function))
        return Code("{self}({0})", init, helpers={"Function": _FUNCTION})

    def summary(self) -> str:
        """Return the function's name."""
        return self.function
