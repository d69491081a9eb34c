"""PyTorch code of low-rank adapters (LoRA): matrices are computed anew from their factors."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.plugin_api.adapters import A, B
from workbench.plugin_api.code import Bind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from workbench.plugin_api.code import Code
    from workbench.plugin_api.layer import Projection
    from workbench.plugin_api.network import ResolvedNode

_LORA = '''\
class LoRA(nn.Module):
    """A low-rank change of a matrix: W + alpha / rank * B @ A (Hu et al., 2021)."""

    def __init__(self, matrix, rank, alpha, inputs_first=False):
        super().__init__()
        outputs, inputs = matrix.T.shape if inputs_first else matrix.shape
        self.scale, self.inputs_first = alpha / rank, inputs_first
        self.a = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.b = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, matrix):
        change = self.scale * self.b @ self.a
        return matrix + (change.T if self.inputs_first else change)
'''

_ADD = '''\
def add_lora(module, names, rank, alpha, inputs_first=()):
    """Return a module of which low-rank changes of some matrices are trained, no more.

    `names` are the ends of their names: "query.weight" is each query layer's. Those that end in
    `inputs_first` have rows of inputs, where linear layers have rows of outputs.
    """

    def ends(name, wanted):
        return any(f".{name}".endswith(f".{end}") for end in wanted)

    module.requires_grad_(False)
    for name, matrix in list(module.named_parameters()):
        if ends(name, names):
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            change = LoRA(matrix, rank, alpha, ends(name, inputs_first))
            parametrize.register_parametrization(owner, last, change)
    return module
'''

HELPERS = {"LoRA": _LORA, "add_lora": _ADD}


def with_adapters(node: ResolvedNode, code: Code) -> Code:
    """Return a node's code with its adapters.

    The matrix itself is what is adapted, so that modules which read it instead of calling the
    linear layer that has it (attention in torch.nn and torchvision) are adapted as well.
    """
    if node.lora is None or not node.adapters:
        return code
    binds = dict(code.binds)
    for name, projection in node.adapters.items():
        path, _, last = code.binds[name].attribute.rpartition(".")
        place = f"{path}.parametrizations.{last}".lstrip(".")
        shape = node.weights[name].shape
        binds[name] = replace(code.binds[name], attribute=f"{place}.original")
        a, b = _binds(place, shape, projection, node.lora.rank)
        binds |= {A.format(name): a, B.format(name): b}
    init = f"add_lora({code.init}, {_listed(node, code)}"
    init += f", rank={node.lora.rank}, alpha={node.lora.alpha!r}"
    if turned := [name for name in node.adapters if _is_turned(node, code, name)]:
        init += f", inputs_first={_listed(node, code, turned)}"
    init += ")"
    statistics = (code.binds[name] for name, spec in node.weights.items() if not spec.trainable)
    held = {bind.attribute.rpartition(".")[0] for bind in statistics}
    return replace(
        code,
        init=init,
        binds=binds,
        helpers={**code.helpers, **HELPERS},
        held=tuple(sorted({*code.held, *held} - {""})),
    )


def _is_turned(node: ResolvedNode, code: Code, name: str) -> bool:
    """Whether PyTorch's matrix has its inputs first, as the one of the document does."""
    bind = code.binds[name]
    is_same = bind.transpose is None and bind.shape is None
    return is_same and not node.adapters[name].outputs_first


def _listed(node: ResolvedNode, code: Code, wanted: Collection[str] | None = None) -> str:
    """Return the source of a list of ends of names: of all adapted weights, or of some."""
    names = node.adapters if wanted is None else wanted
    ends = _ends(
        [code.binds[name].attribute for name in names],
        [bind.attribute for bind in code.binds.values()],
    )
    return "[" + ", ".join(f'"{end}"' for end in ends) + "]"


def _binds(
    place: str, shape: tuple[int, ...], projection: Projection, rank: int
) -> tuple[Bind, Bind]:
    """Tie A and B to (rank × inputs) and (outputs × rank)."""
    if projection.outputs_first:
        return Bind(f"{place}.0.a"), Bind(f"{place}.0.b")
    leading, rest = projection.leading, len(shape) - projection.leading
    inputs, outputs = math.prod(shape[:leading]), math.prod(shape[leading:])
    return (
        Bind(f"{place}.0.a", (leading, *range(leading)), (rank, inputs)),
        Bind(f"{place}.0.b", (*range(1, rest + 1), 0), (outputs, rank)),
    )


def _ends(wanted: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the shortest ends of dotted names that tell the wanted ones from the others."""
    others = {*names} - {*wanted}
    found: list[str] = []
    for name in wanted:
        words = name.split(".")
        ends = (".".join(words[-count:]) for count in range(min(2, len(words)), len(words) + 1))
        end = next(e for e in ends if not any(f".{other}".endswith(f".{e}") for other in others))
        found.append(end)
    return list(dict.fromkeys(found))
