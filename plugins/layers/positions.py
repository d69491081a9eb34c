"""Where in its sequence a step stands, added to its features."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from plugins.layers._source import call, number
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Initializer, Layer, WeightSpec, need_rank
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_LEARNED = '''\
class LearnedPositions(nn.Module):
    """Adds a trainable row to each step; there is none for steps after the last position."""

    def __init__(self, positions, features):
        super().__init__()
        self.weight = nn.Parameter(
            torch.empty(positions, features).uniform_(-0.05, 0.05)
        )

    def forward(self, x):
        steps = x.shape[1]
        return x + F.pad(self.weight, (0, 0, 0, steps))[:steps]
'''

_KERAS_LEARNED = '''\
@keras.saving.register_keras_serializable("workbench")
class LearnedPositions(layers.Layer):
    """Adds a trainable row to each step; there is none for steps after the last position."""

    def __init__(self, positions, **options):
        super().__init__(**options)
        self.positions = positions
        self.supports_masking = True

    def build(self, input_shape):
        shape = (self.positions, input_shape[-1])
        self.embeddings = self.add_weight(
            shape, initializer="uniform", name="embeddings"
        )

    def call(self, x):
        places = ops.arange(ops.shape(x)[1], dtype="int32")
        rows = ops.take(
            self.embeddings, ops.minimum(places, self.positions - 1), axis=0
        )
        has_row = ops.expand_dims(places < self.positions, -1)
        return x + ops.where(has_row, rows, ops.zeros_like(rows))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "positions": self.positions}
'''

_SINUSOIDS = '''\
def sinusoids(x, base=10000.0):
    """Return sines and cosines of each step, of ever longer waves: time × features."""
    steps, features = x.shape[1:]
    places = torch.arange(steps, device=x.device, dtype=x.dtype)[:, None]
    waves = (
        torch.arange((features + 1) // 2, device=x.device, dtype=x.dtype) * 2 / features
    )
    angles = places * base**-waves
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)[:, :features]
'''

_KERAS_SINUSOIDS = '''\
@keras.saving.register_keras_serializable("workbench")
class SinusoidalPositions(layers.Layer):
    """Adds sines and cosines of each step, of ever longer waves."""

    def __init__(self, base=10000.0, **options):
        super().__init__(**options)
        self.base = base
        self.supports_masking = True

    def call(self, x):
        steps, features = ops.shape(x)[1], x.shape[-1]
        places = ops.expand_dims(ops.arange(steps, dtype=x.dtype), 1)
        waves = ops.arange((features + 1) // 2, dtype=x.dtype) * 2 / features
        angles = places * ops.power(ops.cast(self.base, x.dtype), -waves)
        pairs = ops.stack((ops.sin(angles), ops.cos(angles)), axis=-1)
        return x + ops.reshape(pairs, (-1, (features + 1) // 2 * 2))[:, :features]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "base": self.base}
'''


class _Positions(Layer, frozen=True, kw_only=True):
    category = "Attention"
    rank: ClassVar[int] = 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError unless a sequence of features comes in."""
        tensor = inputs[0]
        need_rank(self, tensor, 2, "time × features", "Add an Embedding or Reshape before it.")
        if tensor.shape[1] is None:
            raise ShapeError(f"{self.title} needs a known number of features, but got {tensor}.")
        return tensor


class LearnedPositions(_Positions, frozen=True, kw_only=True):
    """A trainable row for each place in a sequence."""

    id = "LearnedPositions"
    title = "Learned positions"
    help = "Adds a trainable row of numbers to each step, one for each place in the sequence."
    reference = "https://arxiv.org/abs/1810.04805"
    keywords = ("position", "embedding", "transformer", "bert")

    positions: Annotated[
        int,
        param("Positions", "Steps of the longest sample", minimum=1, maximum=1_000_000),
    ] = 512
    initializer: Annotated[
        Initializer, param("Initialiser", "Rule by which the rows' start is drawn", advanced=True)
    ] = "uniform"

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when it is longer than the positions."""
        tensor = super().output(inputs)
        if tensor.shape[0] is not None and tensor.shape[0] > self.positions:
            raise ShapeError(
                f"Learned positions has {self.positions} positions, but samples have "
                f"{tensor.shape[0]} steps.",
                f"Set its positions to {tensor.shape[0]} or more, or cut the samples.",
            )
        return tensor

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return embeddings (positions, features)."""
        sizes = (self.positions, inputs[0].shape[1])
        spec = WeightSpec(
            shape=sizes, initializer=self.initializer, fan_in=sizes[0], fan_out=sizes[1]
        )
        return {"embeddings": spec}

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a module of its own."""
        return Code(
            "{self}({0})",
            call("LearnedPositions", self.positions, inputs[0].shape[1]),
            "channels_last",
            {"embeddings": Bind("weight")},
            {"LearnedPositions": _LEARNED},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        return Code(
            "{self}({0})",
            call("LearnedPositions", self.positions),
            binds={"embeddings": Bind("embeddings")},
            helpers={"LearnedPositions": _KERAS_LEARNED},
        )

    def summary(self) -> str:
        """Return "512 positions"."""
        return f"{self.positions} position{'s' if self.positions > 1 else ''}"


class SinusoidalPositions(_Positions, frozen=True, kw_only=True):
    """Sines and cosines of each place in a sequence."""

    id = "SinusoidalPositions"
    title = "Sinusoidal positions"
    help = "Adds sines and cosines of each step's place; nothing to train, and no longest sequence."
    reference = "https://arxiv.org/abs/1706.03762"
    keywords = ("position", "encoding", "transformer", "sine")

    base: Annotated[
        float, param("Base", "Ratio of the longest wave to the shortest", above=1, advanced=True)
    ] = 10_000.0

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the input and a function of its own."""
        return Code(
            f"{{0}} + {call('sinusoids', '{0}', base=self._base)}",
            layout="channels_last",
            helpers={"sinusoids": _SINUSOIDS},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        return Code(
            "{self}({0})",
            call("SinusoidalPositions", base=self._base),
            helpers={"SinusoidalPositions": _KERAS_SINUSOIDS},
        )

    @property
    def _base(self) -> str | None:
        return None if self.base == 10_000 else number(self.base)
