"""A network of a PyTorch library as one block: its own modules, weights and names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from plugins.layers._kept import ASSETS, HIDDEN, KeptNetwork, moved
from plugins.layers._source import call
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Projection, Role, WeightSpec, around
from workbench.plugin_api.tensors import TensorType

_BLOCK = '''\
class Reached(Exception):
    """The wanted part of a network has worked; nothing after it has to."""


class Pretrained(nn.Module):
    """A network made elsewhere.

    Args:
        result: which of its results is given; None where it has one.
        without: path of a part that passes on what it gets, such as a head that is replaced.
        end: path of the part whose output is given; those after it do not work.
        batch: samples that it takes at a time; None: any number.
    """

    def __init__(self, network, result=None, without=None, end=None, batch=None):
        super().__init__()
        if without is not None:
            network.set_submodule(without, nn.Identity())
        if end is not None:
            network.get_submodule(end).register_forward_hook(self._reach)
        self.network, self.result, self.end, self.batch = network, result, end, batch

    def forward(self, x, **options):
        if self.batch is not None:
            filled = torch.cat((x, x[:1].expand(-len(x) % self.batch, *x.shape[1:])))
            parts = [self.run(part, **options) for part in filled.split(self.batch)]
            return torch.cat(parts)[: len(x)]
        return self.run(x, **options)

    def run(self, x, **options):
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

_MATRICES = {
    "Linear": ("weight",),
    "NonDynamicallyQuantizableLinear": ("weight",),
    "MultiheadAttention": ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"),
}
"""Weights that are matrices (outputs × inputs), by the class of module that has them."""

_TURNED = "Conv1D"
"""The linear layer of GPT-2 and its kin in transformers; its weight is inputs × outputs."""

_ROLES: dict[Role, frozenset[str]] = {
    "query": frozenset(("query", "q", "q_proj", "q_lin", "wq", "to_q", "query_proj", "q_attn")),
    "key": frozenset(("key", "k", "k_proj", "k_lin", "wk", "to_k", "key_proj", "kv")),
    "value": frozenset(("value", "v", "v_proj", "v_lin", "wv", "to_v", "value_proj", "kv")),
}
"""What libraries call the linear layers of attention."""

_ALL_THREE = frozenset(("qkv", "in_proj", "query_key_value", "wqkv", "to_qkv", "c_attn"))


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """A weight of the network by its own name, in PyTorch's layout.

    Attributes:
        trainable: False for running statistics and constants.
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool = True


class Pretrained(KeptNetwork, frozen=True, kw_only=True):
    """Keeps the original modules, so that any network of the libraries runs as it was made."""

    id = "Pretrained"
    title = "Pretrained network"
    help = (
        "A network of torchvision, timm or transformers, or a program in a file, as it was made, "
        "with its own modules and weights; they can be listed, watched, frozen and cut. It runs on "
        "PyTorch."
    )
    reference = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html"
    keywords = ("timm", "torchvision", "transformers", "hugging face", "bert", "vit", "backbone")

    # What it is made of comes with the import; `end` and `frozen` are set in the tree of modules.
    library: Annotated[
        Literal["timm", "torchvision", "transformers", "torch.export", "TorchScript"],
        msgspec.Meta(extra=HIDDEN),
    ] = "timm"
    architecture: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]*$", extra=HIDDEN)] = ""
    options: Annotated[dict[str, Any], msgspec.Meta(extra=HIDDEN)] = msgspec.field(
        default_factory=dict
    )
    asset: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]*$", extra=HIDDEN)] = ""
    batch: Annotated[int, msgspec.Meta(ge=0, extra=HIDDEN)] = 0
    channels_last: Annotated[bool, msgspec.Meta(extra=HIDDEN)] = False
    result: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]*$|^[0-9]+$", extra=HIDDEN)] = ""
    without: Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$", extra=HIDDEN)] = ""
    frozen: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$")], ...],
        msgspec.Meta(extra=HIDDEN),
    ] = ()
    stored: Annotated[tuple[Stored, ...], msgspec.Meta(extra=HIDDEN)] = ()

    @property
    def called(self) -> str:
        """The name of its architecture."""
        return self.architecture

    @property
    def takes_tokens(self) -> bool:
        """Whether it takes texts."""
        return bool(self.vocabulary)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return the network's own weights by their own names, up to its end."""
        order = {part.path: place for place, part in enumerate(self.parts)}
        end, frozen = self.working, set(self.frozen)
        return {
            each.name: _spec(each, frozen=not frozen.isdisjoint(around(each.name)))
            for each in self.stored
            if next((order[path] for path in around(each.name) if path in order), 0) < end
        }

    def projections(self, inputs: Sequence[TensorType]) -> Mapping[str, Projection]:
        """Return the matrices of linear layers and of PyTorch's own attention."""
        kinds = {part.path: part.kind for part in self.inner()}
        found = {}
        for name, spec in self.weights(inputs).items():
            path, _, last = name.rpartition(".")
            kind, is_matrix = kinds.get(path, ""), len(spec.shape) == 2
            if is_matrix and (
                last in _MATRICES.get(kind, ()) or (kind, last) == (_TURNED, "weight")
            ):
                outputs_first = kind != _TURNED
                found[name] = Projection(roles=_roles(name), outputs_first=outputs_first)
        return found

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the library's constructor; pictures go in channels first, tokens with a mask."""
        init = call(
            "Pretrained",
            self._constructor(),
            result=self.result if self.result.isdigit() else _text(self.result),
            without=_text(self.without),
            end=_text(self.end),
            batch=self.batch or None,
        )
        weights = self.weights(inputs)
        binds = {name: Bind(f"network.{name}") for name in weights}
        paths = {part.path for part in self.parts}
        held = tuple(f"network.{path}" for path in self.frozen if path in paths)
        if all(spec.frozen for spec in weights.values()):
            held = ("network",)
        helpers = {"Pretrained": _BLOCK, **({"ASSETS": ASSETS} if self.asset else {})}
        options = {"init": init, "binds": binds, "helpers": helpers, "held": held}
        if self.vocabulary and not self.asset:
            call_it = "{self}({0}, attention_mask=" + self.real(inputs) + ")"
            return Code(call_it, layout="channels_last", **options)
        within: Layout = "channels_last" if self.channels_last else "channels_first"
        return Code("{self}({0})" + moved(self.last_part, within), layout=within, **options)

    def check_assets(self, folder: Path) -> None:
        """Look for what loading the program would unpickle, and for what reads or writes files."""
        if self.asset:
            from plugins.importers._torch_programs import check_program

            check_program(folder / self.asset, self.library)

    def summary(self) -> str:
        """Return the network's name, where it ends, and what it runs on."""
        end = f" · to {self.end}" if self.end else ""
        return f"{self.architecture}{end} · PyTorch"

    def _constructor(self) -> str:
        options = {name: repr(value) for name, value in self.options.items()}
        match self.library:
            case "torch.export":
                program = call("torch.export.load", f'ASSETS / "{self.asset}"')
                return f"torch.export.unflatten({program})"
            case "TorchScript":
                program = call("torch.jit.load", f'ASSETS / "{self.asset}"', map_location='"cpu"')
                return f"{program}.float()"
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


def _spec(stored: Stored, *, frozen: bool) -> WeightSpec:
    """Return how a weight starts where no file gives it: by the custom of its name and shape."""
    last = stored.name.rpartition(".")[2]
    if not stored.trainable:
        return WeightSpec(
            shape=stored.shape,
            initializer="ones" if last == "running_var" else "zeros",
            trainable=False,
            frozen=frozen,
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
