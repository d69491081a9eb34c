"""The contract of a layer: parameters, shapes, weights, cost, and its code in each framework."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from workbench.plugin_api.parameters import Field, fields_of
from workbench.plugin_api.tensors import ShapeError, TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.code import Code, Layout

CATEGORIES = (
    "Input and output",
    "Dense",
    "Convolution",
    "Pooling",
    "Normalisation",
    "Activation",
    "Regularisation",
    "Shape",
    "Merge",
    "Recurrent",
    "Attention",
    "Sound",
    "Pretrained",
)

Initializer = Literal[
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "normal",
    "uniform",
    "zeros",
    "ones",
]


class WeightSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One canonical weight of a layer, in Keras' layout.

    Attributes:
        shape: canonical shape.
        initializer: name of the rule its start is drawn by; "constant" takes `value`, and
            "forget_gate" is one in the second quarter of the last axis and zero elsewhere.
        value: the constant.
        fan_in, fan_out: counts that scale the start; 0 means they do not matter.
        trainable: False for running statistics.
        frozen: whether the layer's own settings hold it as it is; it counts as a parameter.
        l1, l2: penalty factors added to the training loss: l1·Σ|w| + l2·Σw².
    """

    shape: tuple[int, ...]
    initializer: Initializer | Literal["constant", "forget_gate"] = "zeros"
    value: float = 0.0
    fan_in: int = 0
    fan_out: int = 0
    trainable: bool = True
    frozen: bool = False
    l1: float = 0.0
    l2: float = 0.0

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


Role = Literal["query", "key", "value", "output", "dense"]


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """A weight that multiplies features as a matrix, which low-rank adapters can change.

    Attributes:
        roles: what it does; one that makes queries, keys and values at once has all three.
        leading: how many axes of the canonical weight come first of the matrix' two sides.
        outputs_first: whether these are the outputs, as in PyTorch's layout, not the inputs.
    """

    roles: tuple[Role, ...] = ("dense",)
    leading: int = 1
    outputs_first: bool = False


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A module inside a layer that keeps a network made elsewhere.

    Attributes:
        path: dotted name in that network, "blocks.3.attn".
        kind: name of its class.
        shape: canonical shape of its output, None along an axis that varies; None where it gives
            something else than one tensor, or works more than once.
        multiply_adds: of its own operations for one sample, those of the parts in it left out.
        channels_first: whether the framework has the channels of its output before their places.
        grows: by axis of the shape, how its length follows from that of the layer's input: (axis,
            times, add, over, plus) for times · ⌊(length + add) / over⌋ + plus, None where it stays;
            empty where that is not known.
    """

    path: str
    kind: str
    shape: tuple[int | None, ...] | None = None
    multiply_adds: int = 0
    channels_first: bool = False
    grows: tuple[tuple[int, int, int, int, int] | None, ...] = ()


def is_in(path: str, whole: str) -> bool:
    """Whether a dotted name is `whole` or lies in it; everything lies in the empty one."""
    return not whole or path == whole or path.startswith(f"{whole}.")


def around(path: str) -> Iterator[str]:
    """Yield a dotted name and all that it lies in, the empty name of the whole last."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""


class Layer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of layer. Its fields are its parameters; an instance is one node's settings.

    Shapes leave out the batch and put channels or features last, in every method.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    category: ClassVar[str] = ""
    help: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    keywords: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[tuple[int, int | None]] = (1, 1)
    """Fewest and most inputs; None: any number."""
    takes: ClassVar[Literal["numbers", "tokens", "anything"]] = "numbers"
    """What its inputs are: tokens are whole numbers that stand for words or characters."""
    is_random: ClassVar[bool] = False
    """Whether it draws numbers while training, which each framework does in its own way."""
    is_over_batch: ClassVar[bool] = False
    """Whether it takes statistics over the batch while training."""

    is_imported: ClassVar[bool] = False
    """Whether it comes with an imported network only, so that the palette does not offer it."""
    is_fixed: ClassVar[bool] = False
    """Whether it computes the same for good, without weights of its own, and passes no gradient."""
    attends: ClassVar[bool] = False
    """Whether it has `attention`."""

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the output's type for one sample.

        Raises:
            ShapeError: the layer cannot take these inputs; the message says why in words.
        """
        return inputs[0]

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return the canonical weights by name; called only for inputs that `output` took."""
        return {}

    def projections(self, inputs: Sequence[TensorType]) -> Mapping[str, Projection]:
        """Return those of the weights that low-rank adapters (LoRA) can change, by name.

        In PyTorch each is bound to a matrix (outputs × inputs), in Keras to the `kernel` of a
        Dense or EinsumDense layer.
        """
        return {}

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return the multiply-add operations of one sample's forward pass."""
        return 0

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return PyTorch code. `layout` is how the first input is laid out at this point.

        A layer whose Code has a fixed layout may ignore it: the generator permutes. A layer that
        answers "same" uses it to find the framework's axis numbers (see `torch_axis`).
        """
        raise NotImplementedError(f"{type(self).__name__} has no PyTorch code")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras code; values are canonical throughout, so the layout is "same".

        `init` is a call that makes one keras.layers.Layer; the generator adds its name, and puts
        it in place of `{self}` in `call`, once. Parts that need layers of their own name them
        after `{name}`: `{self}(layers.ZeroPadding2D(1, name="{name}.pad")({0}))`. Binds lead from
        the layer to its variables ("kernel"). Only layers are called, never bare `keras.ops`:
        their automatic names could be a node's.
        """
        raise NotImplementedError(f"{type(self).__name__} has no Keras code")

    def attention(
        self,
        inputs: Sequence[NDArray[np.float32]],
        weights: Mapping[str, NDArray[np.float32]],
        real: Sequence[int | None],
        queries: int,
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return what each step of one sample attends to, where the layer `attends`.

        Args:
            inputs: of one sample, in canonical layout without the batch.
            weights: canonical, by the names of `weights`.
            real: of each input, the steps before those that fill it up; None: all are real.
            queries: how many of the first steps are wanted at most.

        Returns:
            By part of the layer ("" where it has only one) heads × queries × keys. Each row adds
            up to 1; what a step may not see is NaN, as are the rows of steps that fill up.
        """
        return {}

    def inner(self) -> tuple[Part, ...]:
        """Return the modules inside, in the order in which they begin to work.

        Their outputs can be watched as "node.path", they are frozen by the setting `frozen` (a list
        of paths, each with all that is in it), and the setting `end` makes the output of one that
        of the layer.
        """
        return ()

    def inner_of(self, inputs: Sequence[TensorType]) -> tuple[Part, ...]:
        """Return the same with the shapes that they have for these inputs."""
        return self.inner()

    def check_assets(self, folder: Path) -> None:
        """Look through the files that its code reads, before a backend runs that code.

        An experiment may come from anybody, with files that were never imported here.

        Args:
            folder: the folder `assets` beside the generated module.

        Raises:
            UserError: a file would do more than to compute.
        """

    def summary(self) -> str:
        """Return the few settings worth a line on the node, "32 · 3×3 · same"."""
        return ""

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)


def torch_axis(axis: int, rank: int, layout: Layout) -> int:
    """Return PyTorch's dimension (batch is 0) of a canonical axis (0 is the first after batch)."""
    if layout != "channels_first" or rank == 1:
        return axis + 1
    return 1 if axis == rank - 1 else axis + 2


def need_values(layer: Layer, inputs: Sequence[TensorType]) -> None:
    """Raise a ShapeError where tokens come in for numbers, or numbers for tokens."""
    for tensor in inputs:
        is_tokens = tensor.dtype.startswith(("int", "uint"))
        if is_tokens and layer.takes == "numbers":
            raise ShapeError(
                f"{layer.title} needs numbers to compute with, but got tokens ({tensor}).",
                "Add an Embedding before it.",
            )
        if not is_tokens and layer.takes == "tokens":
            raise ShapeError(
                f"{layer.title} needs tokens, but got {tensor.in_words()} ({tensor}).",
                "Connect it to the Input of a text.",
            )


def need_rank(layer: Layer, tensor: TensorType, rank: int, axes: str, hint: str = "") -> None:
    """Raise a ShapeError in words unless the tensor has `rank` axes, named by `axes`."""
    if tensor.rank != rank:
        raise ShapeError(
            f"{layer.title} needs {axes}, but got {tensor.in_words()} ({tensor}).", hint
        )


def need_known(layer: Layer, tensor: TensorType) -> None:
    """Raise a ShapeError unless every axis has a fixed size."""
    if None in tensor.shape:
        raise ShapeError(
            f"{layer.title} needs a fixed size along every axis, but got {tensor}.",
            "Set the input's size, or pool over the varying axis first.",
        )
