"""A network of a PyTorch library as one block: its own modules, weights and names."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from plugins.layers._source import call
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, Part, Projection, Role, WeightSpec, around, is_in
from workbench.plugin_api.tensors import IMAGE_AXES, SEQUENCE_AXES, ShapeError, TensorType

_BLOCK = '''\
class Reached(Exception):
    """The wanted part of a network has worked; nothing after it has to."""


class Pretrained(nn.Module):
    """A network made elsewhere.

    Args:
        result: which of its results is given; None where it has one.
        without: path of a part that passes on what it gets, such as a head that is replaced.
        end: path of the part whose output is given; those after it do not work.
    """

    def __init__(self, network, result=None, without=None, end=None):
        super().__init__()
        if without is not None:
            network.set_submodule(without, nn.Identity())
        if end is not None:
            network.get_submodule(end).register_forward_hook(self._reach)
        self.network, self.result, self.end = network, result, end

    def forward(self, x, **options):
        if self.end is None:
            found = self.network(x, **options)
            return found if self.result is None else found[self.result]
        try:
            self.network(x, **options)
        except Reached as reached:
            return reached.args[0]

    @staticmethod
    def _reach(module, inputs, output):
        raise Reached(output[0] if isinstance(output, tuple) else output)
'''

_HIDDEN = {"hidden": True}

_MATRICES = {
    "Linear": ("weight",),
    "NonDynamicallyQuantizableLinear": ("weight",),
    "MultiheadAttention": ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"),
}
"""Weights that are matrices (outputs × inputs), by the class of module that has them."""

_ROLES: dict[Role, frozenset[str]] = {
    "query": frozenset(("query", "q", "q_proj", "q_lin", "wq", "to_q", "query_proj")),
    "key": frozenset(("key", "k", "k_proj", "k_lin", "wk", "to_k", "key_proj", "kv")),
    "value": frozenset(("value", "v", "v_proj", "v_lin", "wv", "to_v", "value_proj", "kv")),
}
"""What libraries call the linear layers of attention."""

_ALL_THREE = frozenset(("qkv", "in_proj", "query_key_value", "wqkv", "to_qkv"))


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """A weight of the network by its own name, in PyTorch's layout.

    Attributes:
        trainable: False for running statistics and constants.
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool = True


class Pretrained(Layer, frozen=True, kw_only=True):
    """Keeps the original modules, so that any network of the libraries runs as it was made."""

    id = "Pretrained"
    title = "Pretrained network"
    category = "Pretrained"
    help = (
        "A network of torchvision, timm or transformers as it was made, with its own modules and "
        "weights; they can be listed, watched, frozen and cut. It runs on PyTorch."
    )
    reference = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html"
    keywords = ("timm", "torchvision", "transformers", "hugging face", "bert", "vit", "backbone")
    takes = "anything"
    is_imported = True

    # What it is made of comes with the import; `end` and `frozen` are set in the tree of modules.
    library: Annotated[
        Literal["timm", "torchvision", "transformers"], msgspec.Meta(extra=_HIDDEN)
    ] = "timm"
    architecture: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]*$", extra=_HIDDEN)] = ""
    options: Annotated[dict[str, Any], msgspec.Meta(extra=_HIDDEN)] = msgspec.field(
        default_factory=dict
    )
    input: Annotated[tuple[int | None, ...], msgspec.Meta(extra=_HIDDEN)] = ()
    vocabulary: Annotated[int, msgspec.Meta(extra=_HIDDEN)] = 0
    padding: Annotated[int, msgspec.Meta(extra=_HIDDEN)] = 0
    most_steps: Annotated[int, msgspec.Meta(extra=_HIDDEN)] = 0
    result: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]*$", extra=_HIDDEN)] = ""
    without: Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$", extra=_HIDDEN)] = ""
    end: Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$", extra=_HIDDEN)] = ""
    frozen: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$")], ...],
        msgspec.Meta(extra=_HIDDEN),
    ] = ()
    parts: Annotated[tuple[Part, ...], msgspec.Meta(extra=_HIDDEN)] = ()
    stored: Annotated[tuple[Stored, ...], msgspec.Meta(extra=_HIDDEN)] = ()

    def inner(self) -> tuple[Part, ...]:
        """Return the parts up to the end."""
        return self.parts[: self._end]

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return what the network, or the part at its end, gives.

        Raises:
            ShapeError: it takes something else, or there is no such part.
        """
        if not self.architecture:
            raise ShapeError("This block holds no network.", "Import one with File → Import model.")
        (tensor,) = inputs
        self._need_input(tensor)
        part = self._last_part
        if part.shape is None:
            raise ShapeError(
                f"“{part.path}” does not give one tensor, so nothing can follow it.",
                "Choose another inner module as the end.",
            )
        steps = tensor.shape[0]
        return _type(tuple(steps if size is None else size for size in part.shape))

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return the network's own weights by their own names, up to its end."""
        order = {part.path: place for place, part in enumerate(self.parts)}
        end, frozen = self._end, set(self.frozen)
        return {
            each.name: _spec(each, frozen=not frozen.isdisjoint(around(each.name)))
            for each in self.stored
            if next((order[path] for path in around(each.name) if path in order), 0) < end
        }

    def projections(self, inputs: Sequence[TensorType]) -> Mapping[str, Projection]:
        """Return the matrices of linear layers and of PyTorch's own attention, outputs first."""
        kinds = {part.path: part.kind for part in self.inner()}
        return {
            name: Projection(roles=_roles(name), outputs_first=True)
            for name, spec in self.weights(inputs).items()
            if len(spec.shape) == 2
            and name.rpartition(".")[2] in _MATRICES.get(kinds.get(name.rpartition(".")[0], ""), ())
        }

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return what was counted when the network was imported; varying steps count as one."""
        return sum(part.multiply_adds for part in self.inner())

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the library's constructor; pictures go in channels first, tokens with a mask."""
        init = call(
            "Pretrained",
            self._constructor(),
            result=_text(self.result),
            without=_text(self.without),
            end=_text(self.end),
        )
        binds = {name: Bind(f"network.{name}") for name in self.weights(inputs)}
        paths = {part.path for part in self.parts}
        held = tuple(f"network.{path}" for path in self.frozen if path in paths)
        options = {"init": init, "binds": binds, "helpers": {"Pretrained": _BLOCK}, "held": held}
        if self.vocabulary:
            real = "{mask}" if inputs[0].varies else f"({{0}} != {self.padding})"
            return Code(
                "{self}({0}, attention_mask=" + real + ")", layout="channels_last", **options
            )
        return Code(
            "{self}({0})" + _channels_first(self._last_part), layout="channels_first", **options
        )

    def summary(self) -> str:
        """Return the network's name, where it ends, and what it runs on."""
        end = f" · to {self.end}" if self.end else ""
        return f"{self.architecture}{end} · PyTorch"

    @property
    def _last_part(self) -> Part:
        """The part at the end; the network itself is the first one, with an empty path."""
        for part in self.parts:
            if part.path == self.end:
                return part
        raise ShapeError(
            f"{self.architecture} has no inner module “{self.end}”.",
            "Choose one of those that are listed.",
        )

    @property
    def _end(self) -> int:
        """How many of the parts work: the last one and all in it are the last of them."""
        places = [i for i, part in enumerate(self.parts) if is_in(part.path, self.end)]
        return places[-1] + 1 if places else len(self.parts)

    def _need_input(self, tensor: TensorType) -> None:
        is_tokens = tensor.dtype.startswith(("int", "uint"))
        if is_tokens != bool(self.vocabulary) or tensor.rank != len(self.input):
            wanted = "tokens of texts" if self.vocabulary else "pictures"
            raise ShapeError(
                f"{self.architecture} takes {wanted}, but got {tensor.in_words()} ({tensor}).",
                "Choose other data, or connect it to the Input.",
            )
        pairs = zip(self.input, tensor.shape, strict=True)
        if any(wanted not in (None, size) for wanted, size in pairs):
            sizes = " × ".join(map(str, self.input))
            raise ShapeError(
                f"{self.architecture} takes pictures of {sizes}, but got {tensor}.",
                "Set that height, width and number of channels in the data settings.",
            )
        steps = tensor.shape[0] or 0
        if self.most_steps and self.vocabulary and steps > self.most_steps:
            raise ShapeError(
                f"{self.architecture} knows {self.most_steps} positions, but texts have {steps} "
                "tokens.",
                f"Set a fixed length of {self.most_steps} at most in the data settings.",
            )

    def _constructor(self) -> str:
        options = {name: repr(value) for name, value in self.options.items()}
        match self.library:
            case "timm":
                return call("timm.create_model", repr(self.architecture), **options)
            case "torchvision":
                return call("torchvision.models.get_model", repr(self.architecture), **options)
        kind = options.pop("model_type")
        config = call("transformers.AutoConfig.for_model", kind, **options)
        return f"transformers.{self.architecture}({config})"


def _roles(weight: str) -> tuple[Role, ...]:
    """Tell by a weight's dotted name what it does."""
    path, _, last = weight.lower().rpartition(".")
    name = path.rpartition(".")[2] if last == "weight" else last.removesuffix("_weight")
    if name in _ALL_THREE:
        return ("query", "key", "value")
    return tuple(role for role, names in _ROLES.items() if name in names) or ("dense",)


def _text(value: str) -> str | None:
    return repr(value) if value else None


def _type(shape: tuple[int | None, ...]) -> TensorType:
    axes = {2: SEQUENCE_AXES, 3: IMAGE_AXES}.get(len(shape), ())
    return TensorType(shape, axes)


def _spec(stored: Stored, *, frozen: bool) -> WeightSpec:
    """Return how a weight starts where no file gives it: by the custom of its name and shape."""
    last = stored.name.rpartition(".")[2]
    if not stored.trainable:
        return WeightSpec(
            shape=stored.shape,
            initializer="ones" if last == "running_var" else "zeros",
            trainable=False,
        )
    if len(stored.shape) < 2:
        kind = "ones" if last in ("weight", "gamma") else "zeros"
        return WeightSpec(shape=stored.shape, initializer=kind, frozen=frozen)
    size = 1
    for length in stored.shape[1:]:
        size *= length
    return WeightSpec(
        shape=stored.shape,
        initializer="lecun_normal",
        fan_in=size,
        fan_out=stored.shape[0],
        frozen=frozen,
    )


def _channels_first(part: Part) -> str:
    """Return what brings an output to channels first."""
    if part.shape is None or part.channels_first or len(part.shape) < 2:
        return ""
    return ".transpose(1, 2)" if len(part.shape) == 2 else ".permute(0, 3, 1, 2)"
