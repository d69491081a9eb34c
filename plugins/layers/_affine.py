"""A trainable scale and shift after a normalisation."""

from collections.abc import Mapping
from typing import Annotated, Any

from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

Epsilon = Annotated[
    float,
    param(
        "Epsilon",
        "Added to the variance, against division by zero",
        above=0,
        maximum=1,
        advanced=True,
    ),
]
Scale = Annotated[bool, param("Scale", "Multiply by a trainable value, gamma", advanced=True)]
_Center = Annotated[bool, param("Shift", "Add a trainable value, beta", advanced=True)]

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


class Normalisation(Layer, frozen=True, kw_only=True):
    """A normalisation followed by a trainable scale and shift."""

    category = "Normalisation"

    epsilon: Epsilon = 1e-5
    scale: Scale = True
    center: _Center = True

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

    def keras_options(self) -> dict[str, Any]:
        """Return the options that Keras' normalisations share; they differ in the epsilon."""
        return {
            "epsilon": self.epsilon,
            "center": unless(self.center, True),
            "scale": unless(self.scale, True),
        }


def need_sizes(layer: Layer, tensor: TensorType, axes: int = 1) -> None:
    """Raise a ShapeError unless the last `axes` axes have known sizes."""
    if not tensor.shape or None in tensor.shape[-axes:]:
        raise ShapeError(
            f"{layer.title} needs a known size along the last axis, but got {tensor}.",
            "Set the input's size.",
        )
