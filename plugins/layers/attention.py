"""Multi-head attention, of a sequence to itself or to another one."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from plugins.layers import _attention_maps
from plugins.layers._attention import TORCH_ATTENTION, Attention
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Projection, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType


class MultiHeadAttention(Attention, frozen=True, kw_only=True):
    """Each step becomes a mixture of the steps it looks at."""

    id = "MultiHeadAttention"
    title = "Multi-head attention"
    help = (
        "Lets each step look at all others, or at those of a second input, and mix what it finds."
    )
    reference = "https://arxiv.org/abs/1706.03762"
    keywords = ("self-attention", "cross-attention", "transformer", "gqa", "grouped query", "rope")

    causal: Annotated[
        bool, param("Causal", "A step sees itself and those before it, never a later one")
    ] = False

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the first input's type; raises ShapeError for what does not go together."""
        if len(inputs) > 1 and (self.causal or self.rotary):
            raise ShapeError(
                f"{self.title} of two inputs cannot be causal nor have rotary positions, as steps "
                "of one are not before or after those of the other.",
                "Switch both off.",
            )
        return super().output(inputs)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return query, key, value and output kernels and biases."""
        return self.attention_weights(inputs, inputs[-1])

    def projections(self, inputs: Sequence[TensorType]) -> Mapping[str, Projection]:
        """Return the kernels of query, key, value and output."""
        return self.attention_projections()

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return those of the projections and of all pairs of steps."""
        return self.attention_multiply_adds(inputs, inputs[-1])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a module around F.scaled_dot_product_attention."""
        context = inputs[-1]
        init = self.torch_attention(inputs, context, causal=self.causal, rotary=self.rotary)
        index = len(inputs) - 1
        given = ["{0}", *(["{1}"] if index else [])]
        if context.varies and not self.causal:
            given.append(f"real={{mask{index or ''}}}")
        return Code(
            f"{{self}}({', '.join(given)})",
            init,
            "channels_last",
            self.torch_binds(inputs, context),
            TORCH_ATTENTION,
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' attention of this kind, or a subclass with rotary positions."""
        index = len(inputs) - 1
        given = ["{0}", f"{{{index}}}"]
        if self.causal:
            given.append("use_causal_mask=True")
        elif inputs[index].varies:
            given.append(f"value_mask={{mask{index or ''}}}")
        return Code(
            f"{{self}}({', '.join(given)})",
            self.keras_attention(inputs, rotary=self.rotary),
            binds=self.keras_binds(),
            helpers=self.keras_helpers(),
        )

    def attention(
        self,
        inputs: Sequence[NDArray[np.float32]],
        weights: Mapping[str, NDArray[np.float32]],
        real: Sequence[int | None],
        queries: int,
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the shares of each head."""
        x, context = (rows.astype(np.float64) for rows in (inputs[0], inputs[-1]))
        attended = _attention_maps.attend(
            x[:queries], context, weights, rotary=self.rotary, causal=self.causal, real=real[-1]
        )
        return {"": _attention_maps.of_real(attended, real[0])}

    def summary(self) -> str:
        """Return "4 heads · causal"."""
        words = f"{self.heads} head{'s' if self.heads > 1 else ''}"
        return f"{words} · causal" if self.causal else words
