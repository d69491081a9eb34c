"""Tokens become rows of numbers."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Initializer, Layer, WeightSpec
from workbench.plugin_api.parameters import Amount, param
from workbench.plugin_api.tensors import TensorType

_PADDED = '''\
@keras.saving.register_keras_serializable("workbench")
class PaddedEmbedding(layers.Embedding):
    """Embedding with one row that never learns."""

    def __init__(self, *sizes, padding_id=0, **options):
        super().__init__(*sizes, **options)
        self.padding_id = padding_id

    def call(self, tokens):
        rows = super().call(tokens)
        learns = ops.expand_dims(tokens != self.padding_id, -1)
        return ops.where(learns, rows, ops.stop_gradient(rows))

    def get_config(self):
        return {**super().get_config(), "padding_id": self.padding_id}
'''


class Embedding(Layer, frozen=True, kw_only=True):
    """A trainable row of numbers for each token."""

    id = "Embedding"
    title = "Embedding"
    category = "Attention"
    help = "Looks up a trainable row of numbers for each word or character of a text."
    reference = "https://www.jmlr.org/papers/v3/bengio03a.html"
    keywords = ("text", "token", "word", "vocabulary", "lookup", "vector")
    takes = "tokens"

    vocabulary: Annotated[
        int,
        param("Vocabulary", "How many tokens there are, padding included", minimum=1),
    ] = 10_000
    features: Annotated[
        int, param("Features", "Numbers for each token", minimum=1, maximum=100_000)
    ] = 64
    padding_id: Annotated[
        Amount | None,
        param("Padding token", "Its row is never trained; empty: all rows are"),
    ] = 0
    initializer: Annotated[
        Initializer, param("Initialiser", "Rule by which the rows' start is drawn", advanced=True)
    ] = "uniform"

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return … × features."""
        tensor = inputs[0]
        return TensorType((*tensor.shape, self.features), (*tensor.axes, "features"))

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return embeddings (vocabulary, features)."""
        sizes = (self.vocabulary, self.features)
        spec = WeightSpec(
            shape=sizes, initializer=self.initializer, fan_in=sizes[0], fan_out=sizes[1]
        )
        return {"embeddings": spec}

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Embedding."""
        init = call("nn.Embedding", self.vocabulary, self.features, padding_idx=self._padding)
        return Code("{self}({0})", init, "channels_last", {"embeddings": Bind("weight")})

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Embedding, or a subclass whose padding row does not learn."""
        binds = {"embeddings": Bind("embeddings")}
        if self._padding is None:
            init = call("layers.Embedding", self.vocabulary, self.features)
            return Code("{self}({0})", init, binds=binds)
        padding = unless(self._padding, 0)
        init = call("PaddedEmbedding", self.vocabulary, self.features, padding_id=padding)
        return Code("{self}({0})", init, binds=binds, helpers={"PaddedEmbedding": _PADDED})

    def summary(self) -> str:
        """Return "10000 → 64"."""
        return f"{self.vocabulary} → {self.features}"

    @property
    def _padding(self) -> int | None:
        is_there = self.padding_id is not None and self.padding_id < self.vocabulary
        return self.padding_id if is_there else None
