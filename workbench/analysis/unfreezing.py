"""Which frozen layers have thawed after so many epochs (Howard and Ruder, 2018, ULMFiT)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from workbench.plugin_api.adapters import is_adapted
from workbench.plugin_api.layer import around, is_in

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from workbench.document.training import Unfreezing
    from workbench.plugin_api.network import Network, ResolvedNode


@dataclass(frozen=True)
class Held:
    """A layer, or a module inside one, that is frozen by choice and could be trained.

    Attributes:
        path: of the module inside; empty: the whole layer.
    """

    node: str
    path: str = ""

    @property
    def name(self) -> str:
        """What people know it by: "conv1", "body.blocks.3"."""
        return f"{self.node}.{self.path}" if self.path else self.node


def held(network: Network, stages: int) -> list[Held]:
    """Return what is frozen, the first layers first.

    Args:
        stages: into how many parts it is to be divided; a module with more than such a share of
            its block's weights is divided into those in it.
    """
    return [
        Held(node.id, path)
        for node in network.nodes
        if node.parameters
        for path in (_modules(node, stages) if node.layer.inner() else _whole(node))
    ]


def parts(network: Network, unfreezing: Unfreezing) -> list[list[Held]]:
    """Return what thaws together, in the order in which it thaws: the last layers first."""
    frozen = held(network, unfreezing.stages)
    count = min(unfreezing.stages, len(frozen))
    ends = [round(len(frozen) * n / count) for n in range(count + 1)] if count else [0]
    return [frozen[start:end] for start, end in pairwise(ends)][::-1]


def thawing(network: Network, unfreezing: Unfreezing | None, epoch: int) -> list[Held]:
    """Return what joins the training at the beginning of an epoch (from 0)."""
    if unfreezing is None or not epoch or epoch % unfreezing.every:
        return []
    found = parts(network, unfreezing)
    number = epoch // unfreezing.every - 1
    return found[number] if number < len(found) else []


def thawed(network: Network, unfreezing: Unfreezing | None, epoch: int) -> Network:
    """Return the network as an epoch (from 0) trains it."""
    if unfreezing is None:
        return network
    stages = parts(network, unfreezing)
    done = epoch // unfreezing.every
    warm = {item.node for part in stages[:done] for item in part}
    if not warm:
        return network
    cold = [item for part in reversed(stages[done:]) for item in part]
    nodes = tuple(
        _thawed(node, [item.path for item in cold if item.node == node.id])
        if node.id in warm
        else node
        for node in network.nodes
    )
    return replace(network, nodes=nodes)


def in_words(items: Sequence[Held], left: int, epoch: int) -> str:
    """Return a sentence on what thaws now.

    Args:
        left: how many stay frozen.
        epoch: from 0.
    """
    names = [item.name for item in items]
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    rest = f"{left} stay frozen" if left > 1 else "one stays frozen" if left else "none is frozen"
    verb = "thaws" if len(names) == 1 else "thaw"
    return f"Epoch {epoch + 1}: {shown} {verb} and learn{'s' if verb == 'thaws' else ''}; {rest}."


def left(network: Network, unfreezing: Unfreezing, epoch: int) -> int:
    """Return how much is still frozen in an epoch (from 0)."""
    cold = parts(network, unfreezing)[epoch // unfreezing.every :]
    return sum(map(len, cold))


def _whole(node: ResolvedNode) -> list[str]:
    return [] if node.trainable else [""]


def _modules(node: ResolvedNode, stages: int) -> list[str]:
    """Return the frozen modules inside a block that thaw each by itself, in the order they work."""
    inner = {part.path: place for place, part in enumerate(node.layer.inner())}
    chosen: Collection[str] = getattr(node.layer, "frozen", ())
    units = set(chosen if node.trainable else [""])
    names = [name for name, spec in node.weights.items() if spec.trainable]
    most = node.parameters / stages

    def size(unit: str) -> int:
        return sum(node.weights[name].size for name in names if is_in(name, unit))

    while large := [unit for unit in units if unit == "" or size(unit) > most]:
        divided = {unit: _inside(unit, names, inner) for unit in large}
        if all(inside == {unit} for unit, inside in divided.items()):
            break
        units = units.difference(large).union(*divided.values())
    return sorted((unit for unit in units if size(unit)), key=lambda unit: inner.get(unit, -1))


def _inside(unit: str, names: Collection[str], inner: Collection[str]) -> set[str]:
    """Return the outermost modules in one, and its own weights; itself where there are none."""
    found = set()
    for name in names:
        if is_in(name, unit):
            between = [path for path in around(name) if path != unit and is_in(path, unit)]
            found.add(next((path for path in reversed(between) if path in inner), name))
    alone = not found & {*inner}
    return {unit} if unit and alone else found


def _thawed(node: ResolvedNode, cold: list[str]) -> ResolvedNode:
    """Return a layer that is trained but for the modules of it that are cold."""
    if not node.layer.inner():
        return replace(node, trainable=True)
    layer = msgspec.structs.replace(node.layer, frozen=tuple(cold))
    weights = {
        name: msgspec.structs.replace(
            spec, frozen=is_adapted(node, name) or any(is_in(name, path) for path in cold)
        )
        for name, spec in node.weights.items()
    }
    return replace(node, layer=layer, weights=weights, trainable=True)
