"""Whole blocks of Transformers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from plugins.layers import _attention_maps
from plugins.layers._affine import Epsilon
from plugins.layers._attention import KERAS_BLOCK, TORCH_BLOCK, Attention
from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Projection, WeightSpec
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.tensors import TensorType

_TORCH_ACTIVATIONS = {"gelu": "nn.GELU()", "relu": "nn.ReLU()", "swiglu": "nn.SiLU()"}
_KERAS_ACTIVATIONS = {"gelu": '"gelu"', "relu": '"relu"', "swiglu": '"silu"'}


class _Block(Attention, frozen=True, kw_only=True):
    """What encoder and decoder blocks share."""

    causal_kind: ClassVar[bool]

    hidden: Annotated[
        Size | None,
        param("Hidden features", "Of the feed-forward network; empty: four times the input's"),
    ] = None
    activation: Annotated[
        Literal["gelu", "relu", "swiglu"],
        param("Activation", "Of the feed-forward network; swiglu has a third kernel as a gate"),
    ] = "gelu"
    dropout: Annotated[
        float,
        param("Dropout", "After each part, and inside the feed-forward", minimum=0, below=1),
    ] = 0.1
    pre_norm: Annotated[
        bool,
        param(
            "Normalise first",
            "Normalise before each part, which trains easily; else after it, as the paper did",
        ),
    ] = True
    epsilon: Epsilon = 1e-5

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether it draws numbers while training."""
        return self.dropout > 0 or super().is_random

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return weights of attention, cross attention (two inputs), feed-forward and norms."""
        features, hidden = inputs[0].shape[1], self._hidden(inputs)
        found = self.attention_weights(inputs, inputs[0], "attention_")
        if len(inputs) > 1:
            found |= self.attention_weights(inputs, inputs[1], "cross_")
        for part, rows, columns in self._feed_forward(features, hidden):
            found[f"{part}_kernel"] = WeightSpec(
                shape=(rows, columns),
                initializer=self.kernel_initializer,
                fan_in=rows,
                fan_out=columns,
            )
            if self.use_bias:
                found[f"{part}_bias"] = WeightSpec(shape=(columns,))
        for norm in self._norms(inputs):
            found[f"{norm}_gamma"] = WeightSpec(shape=(features,), initializer="ones")
            found[f"{norm}_beta"] = WeightSpec(shape=(features,))
        return found

    def projections(self, inputs: Sequence[TensorType]) -> Mapping[str, Projection]:
        """Return the kernels of every attention and of the feed-forward network."""
        found = self.attention_projections("attention_")
        if len(inputs) > 1:
            found |= self.attention_projections("cross_")
        dense = self._feed_forward(inputs[0].shape[1], self._hidden(inputs))
        return found | {f"{part}_kernel": Projection() for part, _, _ in dense}

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return those of every attention and of the feed-forward network."""
        features, hidden = inputs[0].shape[1], self._hidden(inputs)
        total = sum(
            self.attention_multiply_adds(inputs, context) for context in (inputs[0], *inputs[1:])
        )
        steps = inputs[0].shape[0] or 1
        return total + steps * features * hidden * len(self._feed_forward(features, hidden))

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return one module made of attention, feed-forward network and norms."""
        features, is_cross = inputs[0].shape[1], len(inputs) > 1
        causal = self.causal_kind
        own = self.torch_attention(inputs, inputs[0], causal=causal, rotary=self.rotary)
        feed_forward = call(
            "FeedForward",
            features,
            self._hidden(inputs),
            _TORCH_ACTIVATIONS[self.activation],
            dropout=unless(self.dropout, 0.0),
            bias=unless(self.use_bias, True),
            gated=unless(self.activation == "swiglu", False),
        )
        cross = None
        if is_cross:
            cross = self.torch_attention(inputs, inputs[1], causal=False, rotary=False)
        init = call(
            "TransformerBlock",
            features,
            own,
            feed_forward,
            cross=cross,
            dropout=unless(self.dropout, 0.0),
            eps=unless(self.epsilon, 1e-5),
            pre_norm=unless(self.pre_norm, True),
        )
        return Code(
            self._call(inputs), init, "channels_last", self._torch_binds(inputs), TORCH_BLOCK
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return one layer made of Keras' own."""
        is_cross = len(inputs) > 1
        init = call(
            "TransformerBlock",
            self.keras_attention(inputs, rotary=self.rotary),
            self._hidden(inputs),
            cross=self.keras_attention(inputs, rotary=False) if is_cross else None,
            activation=unless(_KERAS_ACTIVATIONS[self.activation], '"gelu"'),
            gated=unless(self.activation == "swiglu", False),
            causal=unless(self.causal_kind, False),
            dropout=unless(self.dropout, 0.0),
            use_bias=unless(self.use_bias, True),
            epsilon=unless(self.epsilon, 1e-5),
            pre_norm=unless(self.pre_norm, True),
        )
        binds = self.keras_binds("attention_", "attention.")
        if is_cross:
            binds |= self.keras_binds("cross_", "cross.")
        for name in self.weights(inputs):
            if name not in binds:
                part, _, kind = name.rpartition("_")
                binds[name] = Bind(f"{part}.{kind}")
        helpers = {**self.keras_helpers(), **KERAS_BLOCK}
        return Code(self._call(inputs), init, binds=binds, helpers=helpers)

    def attention(
        self,
        inputs: Sequence[NDArray[np.float32]],
        weights: Mapping[str, NDArray[np.float32]],
        real: Sequence[int | None],
        queries: int,
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the shares of "self" and of "cross" attention, or of the only one."""
        x = inputs[0].astype(np.float64)
        given = self._normed(x, weights, "norm1")
        own = _attention_maps.attend(
            given[:queries],
            given,
            _attention_maps.under(weights, "attention_"),
            rotary=self.rotary,
            causal=self.causal_kind,
            real=real[0],
        )
        shares = _attention_maps.of_real(own, real[0])
        if len(inputs) == 1:
            return {"": shares}
        x = x[:queries] + own.output
        if not self.pre_norm:
            x = _attention_maps.normalised(x, weights, "norm1", self.epsilon)
        cross = _attention_maps.attend(
            self._normed(x, weights, "norm3"),
            inputs[1].astype(np.float64),
            _attention_maps.under(weights, "cross_"),
            rotary=False,
            causal=False,
            real=real[1],
        )
        return {"self": shares, "cross": _attention_maps.of_real(cross, real[0])}

    def summary(self) -> str:
        """Return "4 heads · swiglu"."""
        words = f"{self.heads} head{'s' if self.heads > 1 else ''}"
        return words if self.activation == "gelu" else f"{words} · {self.activation}"

    def _normed(
        self, x: NDArray[np.float64], weights: Mapping[str, NDArray[np.float32]], name: str
    ) -> NDArray[np.float64]:
        """Return what a part of the block gets of x."""
        if not self.pre_norm:
            return x
        return _attention_maps.normalised(x, weights, name, self.epsilon)

    def _hidden(self, inputs: Sequence[TensorType]) -> int:
        return self.hidden or 4 * inputs[0].shape[1]

    def _feed_forward(self, features: int, hidden: int) -> list[tuple[str, int, int]]:
        """Return name, rows and columns of each kernel."""
        gate = [("gate", features, hidden)] if self.activation == "swiglu" else []
        return [("inner", features, hidden), *gate, ("outer", hidden, features)]

    def _norms(self, inputs: Sequence[TensorType]) -> tuple[str, ...]:
        return ("norm1", "norm2", "norm3")[: 1 + len(inputs)]

    def _call(self, inputs: Sequence[TensorType]) -> str:
        given = ["{0}"]
        if inputs[0].varies and not self.causal_kind:
            given.append("real={mask}")
        if len(inputs) > 1:
            given.append("context={1}")
            if inputs[1].varies:
                given.append("context_real={mask1}")
        return f"{{self}}({', '.join(given)})"

    def _torch_binds(self, inputs: Sequence[TensorType]) -> dict[str, Bind]:
        binds = self.torch_binds(inputs, inputs[0], "attention_", "attention.")
        if len(inputs) > 1:
            binds |= self.torch_binds(inputs, inputs[1], "cross_", "cross.")
        for name in self.weights(inputs):
            part, _, kind = name.rpartition("_")
            if kind in ("gamma", "beta"):
                binds[name] = Bind(f"{part}.{'weight' if kind == 'gamma' else 'bias'}")
            elif part in ("inner", "gate", "outer"):
                weight = Bind(f"feed_forward.{part}.weight", transpose=(1, 0))
                bias = Bind(f"feed_forward.{part}.bias")
                binds[name] = weight if kind == "kernel" else bias
        return binds


class TransformerEncoder(_Block, frozen=True, kw_only=True):
    """Self-attention and a feed-forward network, each with a shortcut and a normalisation."""

    id = "TransformerEncoder"
    title = "Transformer encoder"
    help = "One block of a Transformer: each step looks at all others, then is worked on alone."
    reference = "https://arxiv.org/abs/1706.03762"
    keywords = ("attention", "bert", "block", "text", "self-attention")
    inputs = (1, 1)
    causal_kind = False


class TransformerDecoder(_Block, frozen=True, kw_only=True):
    """A causal block, which looks at a second input where there is one."""

    id = "TransformerDecoder"
    title = "Transformer decoder"
    help = (
        "One block of a Transformer that writes: each step looks at those before it, and at a "
        "second input if there is one."
    )
    reference = "https://arxiv.org/abs/1706.03762"
    keywords = ("attention", "gpt", "block", "causal", "language model", "cross-attention")
    causal_kind = True
