"""Which frozen layers have thawed after so many epochs (Howard and Ruder, 2018, ULMFiT)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.plugin_api.adapters import is_adapted
from workbench.plugin_api.layer import is_in

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


def held(network: Network) -> list[Held]:
    """Return what is frozen, the first layers first."""
    found = []
    for node in network.nodes:
        if node.parameters:
            found += [Held(node.id, path) for path in _held_paths(node)]
    return found


def parts(network: Network, unfreezing: Unfreezing) -> list[list[Held]]:
    """Return what thaws together, in the order in which it thaws: the last layers first."""
    frozen = held(network)
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
    done = parts(network, unfreezing)[: epoch // unfreezing.every]
    warm = {item for part in done for item in part}
    if not warm:
        return network
    nodes = tuple(
        _thawed(node, [item.path for item in warm if item.node == node.id])
        for node in network.nodes
    )
    return replace(network, nodes=nodes)


def in_words(items: Sequence[Held], network: Network, epoch: int) -> str:
    """Return a sentence on what thaws now.

    Args:
        network: as it trains from now on.
        epoch: from 0.
    """
    names = [item.name for item in items]
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    left = len(held(network))
    rest = f"{left} stay frozen" if left > 1 else "one stays frozen" if left else "none is frozen"
    verb = "thaws" if len(names) == 1 else "thaw"
    return f"Epoch {epoch + 1}: {shown} {verb} and learn{'s' if verb == 'thaws' else ''}; {rest}."


def _held_paths(node: ResolvedNode) -> list[str]:
    """Return the modules inside a layer that are held; "" for all of it, none where it trains."""
    inner = [part.path for part in node.layer.inner() if part.path]
    if not node.trainable:
        return [path for path in inner if "." not in path] or [""]
    chosen: Collection[str] = getattr(node.layer, "frozen", ()) if inner else ()
    order = {path: number for number, path in enumerate(inner)}
    return sorted(chosen, key=lambda path: order.get(path, -1))


def _thawed(node: ResolvedNode, paths: list[str]) -> ResolvedNode:
    if not paths:
        return node
    left = [path for path in _held_paths(node) if path not in paths]
    changes: dict[str, Any] = {"trainable": True}
    if hasattr(node.layer, "frozen"):
        changes["layer"] = msgspec.structs.replace(node.layer, frozen=tuple(left))
        changes["weights"] = {
            name: msgspec.structs.replace(
                spec, frozen=is_adapted(node, name) or any(is_in(name, path) for path in left)
            )
            for name, spec in node.weights.items()
        }
    return replace(node, **changes)
