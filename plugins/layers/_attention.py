"""What attention layers and Transformer blocks share: heads, weights, and both frameworks' code."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from plugins.layers import _attention_keras, _attention_torch
from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind
from workbench.plugin_api.layer import Initializer, Layer, Projection, Role, WeightSpec, need_rank
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_PARTS: tuple[Role, ...] = ("query", "key", "value", "output")


class Attention(Layer, frozen=True, kw_only=True):
    """A layer with heads that look from each step at others."""

    category = "Attention"
    attends = True
    inputs = (1, 2)
    rank: ClassVar[int] = 1

    heads: Annotated[
        int, param("Heads", "How many look at once, each in its own way", minimum=1, maximum=1024)
    ] = 4
    key_size: Annotated[
        Size | None,
        param("Head size", "Features of each head; empty: the input's divided by the heads"),
    ] = None
    key_heads: Annotated[
        Size | None,
        param(
            "Key heads",
            "Heads of keys and values, which several query heads share; empty: as many as heads",
            advanced=True,
        ),
    ] = None
    rotary: Annotated[
        bool,
        param("Rotary positions", "Tell positions by turning queries and keys (RoPE)"),
    ] = False
    attention_dropout: Annotated[
        float,
        param(
            "Attention dropout",
            "Share of attention set to zero while training",
            minimum=0,
            below=1,
            advanced=True,
        ),
    ] = 0.0
    use_bias: Annotated[bool, param("Use bias", advanced=True)] = True
    kernel_initializer: Annotated[
        Initializer, param("Initialiser", "Rule by which kernels' start is drawn", advanced=True)
    ] = "glorot_uniform"

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether it draws numbers while training."""
        return self.attention_dropout > 0

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the first input's type; raises ShapeError for what heads cannot look at."""
        for tensor in inputs:
            hint = "Add an Embedding or Reshape before it."
            need_rank(self, tensor, 2, "time × features", hint)
            if tensor.shape[1] is None:
                raise ShapeError(f"{self.title} needs a known number of features.")
        features = inputs[0].shape[1]
        if inputs[-1].shape[1] != features:
            raise ShapeError(
                f"{self.title} needs inputs with as many features each, but got {features} and "
                f"{inputs[-1].shape[1]}.",
                "Add a Dense to one of them.",
            )
        if self.key_size is None and features % self.heads:
            raise ShapeError(
                f"{self.title} cannot divide {features} features among {self.heads} heads.",
                "Choose a number of heads that divides the features, or set the head size.",
            )
        if self.key_heads is not None and self.heads % self.key_heads:
            raise ShapeError(
                f"{self.title} cannot share {self.key_heads} key heads among {self.heads} heads.",
                "Choose a number of key heads that divides the heads.",
            )
        if self.use_bias and self.heads > 1 and self.size_of(inputs) == 1:
            # Keras 3.15 on TensorFlow adds the bias (heads, 1) along time where both are as long.
            raise ShapeError(
                f"{self.title} leaves a single feature to each of its {self.heads} heads, whose "
                "biases Keras adds along the wrong axis.",
                "Choose fewer heads or a larger head size, or switch the bias off.",
            )
        if self.rotary and self.size_of(inputs) % 2:
            raise ShapeError(
                f"{self.title} turns pairs of features, but a head has {self.size_of(inputs)}.",
                "Choose an even head size, or no rotary positions.",
            )
        return inputs[0]

    def size_of(self, inputs: Sequence[TensorType]) -> int:
        """Return the features of each head."""
        return self.key_size or inputs[0].shape[1] // self.heads

    def attention_weights(
        self, inputs: Sequence[TensorType], context: TensorType, prefix: str = ""
    ) -> dict[str, WeightSpec]:
        """Return kernels (features, heads, size), output (heads, size, features), and biases."""
        features, seen = inputs[0].shape[1], context.shape[1]
        size, groups = self.size_of(inputs), self.key_heads or self.heads
        shapes = {
            "query": ((features, self.heads, size), features, self.heads * size),
            "key": ((seen, groups, size), seen, groups * size),
            "value": ((seen, groups, size), seen, groups * size),
            "output": ((self.heads, size, features), self.heads * size, features),
        }
        weights = {}
        for part, (shape, fan_in, fan_out) in shapes.items():
            weights[f"{prefix}{part}_kernel"] = WeightSpec(
                shape=shape, initializer=self.kernel_initializer, fan_in=fan_in, fan_out=fan_out
            )
            if self.use_bias:
                bias = shape[2:] if part == "output" else shape[1:]
                weights[f"{prefix}{part}_bias"] = WeightSpec(shape=bias)
        return weights

    def attention_projections(self, prefix: str = "") -> dict[str, Projection]:
        """Return the kernels; that of the output has heads and their features as inputs."""
        return {
            f"{prefix}{part}_kernel": Projection(
                roles=(part,), leading=2 if part == "output" else 1
            )
            for part in _PARTS
        }

    def attention_multiply_adds(self, inputs: Sequence[TensorType], context: TensorType) -> int:
        """Return those of the four projections, and of scores and sums over all steps."""
        steps, seen = inputs[0].shape[0] or 1, context.shape[0] or 1
        features, size = inputs[0].shape[1], self.size_of(inputs)
        queries, keys = self.heads * size, (self.key_heads or self.heads) * size
        return (
            2 * steps * features * queries
            + 2 * seen * context.shape[1] * keys
            + 2 * steps * seen * queries
        )

    def torch_attention(
        self, inputs: Sequence[TensorType], context: TensorType, *, causal: bool, rotary: bool
    ) -> str:
        """Return the constructor of one attention."""
        return call(
            "MultiHeadAttention",
            inputs[0].shape[1],
            context.shape[1],
            self.heads,
            self.size_of(inputs),
            groups=self.grouped,
            dropout=unless(self.attention_dropout, 0.0),
            bias=unless(self.use_bias, True),
            causal=unless(causal, False),
            rotary=unless(rotary, False),
        )

    def keras_attention(self, inputs: Sequence[TensorType], *, rotary: bool) -> str:
        """Return the constructor of one attention."""
        options = {
            "dropout": unless(self.attention_dropout, 0.0),
            "use_bias": unless(self.use_bias, True),
        }
        size = self.size_of(inputs)
        if self.grouped is None:
            name = "RotaryAttention" if rotary else "layers.MultiHeadAttention"
            return call(name, self.heads, size, **options)
        name = "RotaryGroupedAttention" if rotary else "layers.GroupQueryAttention"
        return call(name, size, self.heads, self.grouped, **options)

    @property
    def grouped(self) -> int | None:
        """Number of key heads, where that is not the number of heads."""
        return unless(self.key_heads, self.heads)

    def torch_binds(
        self, inputs: Sequence[TensorType], context: TensorType, prefix: str = "", path: str = ""
    ) -> dict[str, Bind]:
        """Tie the weights to the linear layers of a MultiHeadAttention at `path`."""
        binds = {}
        for name, spec in self.attention_weights(inputs, context).items():
            part, _, kind = name.partition("_")
            first, last = spec.shape[0], spec.shape[-1]
            if kind == "bias":
                bind = Bind(f"{path}{part}.bias", shape=(spec.size,))
            elif part == "output":
                shape = (last, spec.size // last)
                bind = Bind(f"{path}output.weight", transpose=(2, 0, 1), shape=shape)
            else:
                shape = (spec.size // first, first)
                bind = Bind(f"{path}{part}.weight", transpose=(1, 2, 0), shape=shape)
            binds[prefix + name] = bind
        return binds

    def keras_binds(self, prefix: str = "", path: str = "") -> dict[str, Bind]:
        """Tie the weights to those of Keras' attention at `path`."""
        kinds = ("kernel", "bias") if self.use_bias else ("kernel",)
        return {
            f"{prefix}{part}_{kind}": Bind(f"{path}_{part}_dense.{kind}")
            for part in _PARTS
            for kind in kinds
        }

    def keras_helpers(self) -> Mapping[str, str]:
        """Return what `keras_attention` uses."""
        return _attention_keras.ROTARY if self.rotary else {}


TORCH_ATTENTION = _attention_torch.ATTENTION
TORCH_BLOCK = _attention_torch.BLOCK
KERAS_BLOCK = _attention_keras.BLOCK
