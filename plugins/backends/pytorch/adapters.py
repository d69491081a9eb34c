"""PyTorch code of low-rank adapters (LoRA): matrices are computed anew from their factors."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.plugin_api.adapters import A, B
from workbench.plugin_api.code import Bind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.code import Code
    from workbench.plugin_api.layer import Projection
    from workbench.plugin_api.network import ResolvedNode

_LORA = '''\
class LoRA(nn.Module):
    """A low-rank change of a matrix: W + alpha / rank * B @ A (Hu et al., 2021)."""

    def __init__(self, matrix, rank, alpha):
        super().__init__()
        outputs, inputs = matrix.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.b = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, matrix):
        return matrix + self.scale * self.b @ self.a
'''

_ADD = '''\
def add_lora(module, names, rank, alpha):
    """Return a module of which low-rank changes of some matrices are trained, no more.

    `names` are the ends of their names: "query.weight" is each query layer's.
    """
    module.requires_grad_(False)
    for name, matrix in list(module.named_parameters()):
        if any(f".{name}".endswith(f".{end}") for end in names):
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            change = LoRA(matrix, rank, alpha)
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
    ends = _ends(
        [code.binds[name].attribute for name in node.adapters],
        [bind.attribute for bind in code.binds.values()],
    )
    listed = ", ".join(f'"{end}"' for end in ends)
    init = f"add_lora({code.init}, [{listed}], rank={node.lora.rank}, alpha={node.lora.alpha!r})"
    statistics = (code.binds[name] for name, spec in node.weights.items() if not spec.trainable)
    held = {bind.attribute.rpartition(".")[0] for bind in statistics}
    return replace(
        code,
        init=init,
        binds=binds,
        helpers={**code.helpers, **HELPERS},
        held=tuple(sorted({*code.held, *held} - {""})),
    )


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
