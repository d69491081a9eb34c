"""Noise during training that keeps a network from learning its samples by heart."""

from collections.abc import Sequence
from typing import Annotated

from plugins.layers._source import call
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_RATE = param("Rate", "Share of values set to zero during training", minimum=0, below=1)

_GAUSSIAN_NOISE = '''\
class GaussianNoise(nn.Module):
    """Adds normal noise while training."""

    def __init__(self, deviation):
        super().__init__()
        self.deviation = deviation

    def forward(self, x):
        return x + torch.randn_like(x) * self.deviation if self.training else x
'''

_STRONG_GAUSSIAN_NOISE = '''\
@keras.saving.register_keras_serializable("workbench")
class StrongGaussianNoise(layers.GaussianNoise):
    """Normal noise whose deviation may be above 1."""

    def __init__(self, stddev, **options):
        super().__init__(1.0, **options)
        self.stddev = stddev
'''


class Dropout(Layer, frozen=True, kw_only=True):
    """Sets random values to zero while training."""

    id = "Dropout"
    title = "Dropout"
    is_random = True
    category = "Regularisation"
    help = "Sets random values to zero while training and scales the others up to make good."
    reference = "https://jmlr.org/papers/v15/srivastava14a.html"
    keywords = ("overfitting", "noise")

    rate: Annotated[float, _RATE] = 0.5

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Dropout."""
        return Code(init=call("nn.Dropout", self.rate), call="{self}({0})")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Dropout."""
        return Code("{self}({0})", call("layers.Dropout", self.rate))

    def summary(self) -> str:
        """Return "rate 0.5"."""
        return f"rate {self.rate:g}"


class SpatialDropout(Layer, frozen=True, kw_only=True):
    """Sets whole channels to zero while training."""

    id = "SpatialDropout"
    title = "Spatial dropout"
    is_random = True
    category = "Regularisation"
    help = "Sets whole channels to zero while training; fits convolutions better than Dropout."
    reference = "https://arxiv.org/abs/1411.4280"
    keywords = ("overfitting", "noise", "channel dropout", "dropout2d")

    rate: Annotated[float, _RATE] = 0.2

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError for a vector."""
        tensor = inputs[0]
        if not 2 <= tensor.rank <= 4:
            raise ShapeError(
                f"Spatial dropout needs channels with space around them, but got "
                f"{tensor.in_words()} ({tensor}).",
                "Use Dropout here.",
            )
        return tensor

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Dropout1d, 2d or 3d, which drop along the second axis."""
        name = f"nn.Dropout{inputs[0].rank - 1}d"
        return Code(init=call(name, self.rate), call="{self}({0})", layout="channels_first")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.SpatialDropout1D, 2D or 3D."""
        return Code("{self}({0})", call(f"layers.SpatialDropout{inputs[0].rank - 1}D", self.rate))

    def summary(self) -> str:
        """Return "rate 0.2"."""
        return f"rate {self.rate:g}"


class GaussianNoise(Layer, frozen=True, kw_only=True):
    """Adds normal noise while training."""

    id = "GaussianNoise"
    title = "Gaussian noise"
    is_random = True
    category = "Regularisation"
    help = "Adds normal noise of mean 0 while training."
    reference = "https://doi.org/10.1162/neco.1995.7.1.108"
    keywords = ("noise", "jitter", "augmentation")

    deviation: Annotated[
        float, param("Deviation", "Standard deviation of the noise", minimum=0, maximum=1e6)
    ] = 0.1

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a module of its own."""
        return Code(
            init=call("GaussianNoise", self.deviation),
            call="{self}({0})",
            helpers={"GaussianNoise": _GAUSSIAN_NOISE},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.GaussianNoise, or a subclass for a deviation that it refuses."""
        if self.deviation <= 1:
            return Code("{self}({0})", call("layers.GaussianNoise", self.deviation))
        name = "StrongGaussianNoise"
        init = call(name, self.deviation)
        return Code("{self}({0})", init, helpers={name: _STRONG_GAUSSIAN_NOISE})

    def summary(self) -> str:
        """Return "σ 0.1"."""
        return f"σ {self.deviation:g}"
