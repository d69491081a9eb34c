"""Groups of layers: their paths, what is in them, and the network with some of them folded.

A group is a path, "layer3" or "layer3/block2", that its members carry. A folded group is shown as
one node, its face, whose key is the path with "/" behind it, so that it is no layer's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from workbench.document.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

FACE = ""
"""Type of the node that stands for a folded group; no layer has it."""


class Wire(NamedTuple):
    """A connection between layers: input number `place` of `target`, fed by `source`."""

    source: str
    target: str
    place: int


@lru_cache(maxsize=4096)
def enclosing(path: str) -> tuple[str, ...]:
    """Return a group and those around it, the outermost first; nothing for no group."""
    parts = path.split("/") if path else []
    return tuple("/".join(parts[: end + 1]) for end in range(len(parts)))


def is_inside(path: str, group: str) -> bool:
    """Return whether a path is a group or lies in it; everything lies in the empty one."""
    return not group or path == group or path.startswith(f"{group}/")


def paths(graph: Graph) -> tuple[str, ...]:
    """Return all groups, in the order of their first members, outer ones before inner ones."""
    return tuple(dict.fromkeys(path for node in graph.nodes for path in enclosing(node.group)))


def members(graph: Graph, group: str) -> tuple[str, ...]:
    """Return the ids of the layers in a group and in those inside it, in the document's order."""
    return tuple(node.id for node in graph.nodes if is_inside(node.group, group))


def common(groups: Iterable[str]) -> str:
    """Return the innermost group that holds all of some."""
    chains = [enclosing(group) for group in groups]
    if not chains:
        return ""
    shared = [path for path in chains[0] if all(path in chain for chain in chains)]
    return shared[-1] if shared else ""


def loose(graph: Graph) -> frozenset[str]:
    """Return groups that cannot be folded: a face of one would depend on its own output.

    With all others folded, or only some of them, the network has no cycle: it has none at the
    outermost level, and a cycle further in would have to lie within one group.
    """
    found: set[str] = set()
    levels = [("", list(graph.nodes))]
    while levels:
        level, nodes = levels.pop()
        while bad := _cyclic(graph, level, nodes, found):
            found |= bad
        inside: dict[str, list[Node]] = {}
        for node in nodes:
            key = child(node.group, level, found)
            if key:
                inside.setdefault(key, []).append(node)
        levels += inside.items()
    return frozenset(found)


def child(group: str, level: str, without: Collection[str] = ()) -> str:
    """Return the outermost group around something that lies within `level`; empty for none."""
    if group == level:
        return ""
    chain = enclosing(group)
    inner = chain[len(enclosing(level)) :]
    return next((path for path in inner if path not in without), "")


def _cyclic(graph: Graph, level: str, nodes: Sequence[Node], without: Collection[str]) -> set[str]:
    """Return groups just within a level that lie on a cycle of it."""
    keys = {node.id: child(node.group, level, without) or f"{node.id} " for node in nodes}
    ahead: dict[str, set[str]] = {key: set() for key in keys.values()}
    for node in nodes:
        own = keys[node.id]
        for source in node.inputs:
            if source in keys and keys[source] != own:
                ahead[keys[source]].add(own)
    left = _on_cycles(ahead)
    return {key for key in left if not key.endswith(" ")}


def _on_cycles(ahead: Mapping[str, set[str]]) -> set[str]:
    """Return what is left when all that has nothing before it or behind it is taken away."""
    left = set(ahead)
    for edges in (ahead, _reversed(ahead)):
        counts = dict.fromkeys(left, 0)
        for key in left:
            for other in edges[key] & left:
                counts[other] += 1
        ready = [key for key, count in counts.items() if not count]
        while ready:
            key = ready.pop()
            left.discard(key)
            for other in edges[key] & left:
                counts[other] -= 1
                if not counts[other]:
                    ready.append(other)
    return left


def _reversed(ahead: Mapping[str, set[str]]) -> dict[str, set[str]]:
    behind: dict[str, set[str]] = {key: set() for key in ahead}
    for key, others in ahead.items():
        for other in others:
            behind[other].add(key)
    return behind


@dataclass(frozen=True)
class Folding:
    """A network as it is shown: a folded group is one node, its face.

    Attributes:
        whole: the network itself.
        graph: what is shown; a layer fed from inside a folded group is fed by its face.
        keys: by id of a layer, the id of what shows it: its own, or that of a face.
        inside: by id of a face, the layers in it, in the document's order.
        frames: groups that are shown unfolded, outer ones before inner ones.
        loose: groups that cannot be folded.
    """

    whole: Graph = field(default_factory=Graph)
    graph: Graph = field(default_factory=Graph)
    keys: Mapping[str, str] = field(default_factory=dict)
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frames: tuple[str, ...] = ()
    loose: frozenset[str] = frozenset()

    @cached_property
    def wires(self) -> Mapping[Wire, tuple[Wire, ...]]:
        """Connections of layers by the shown connection that they run in."""
        found: dict[Wire, list[Wire]] = {}
        for node in self.whole.nodes:
            target = self.keys[node.id]
            for index, source in enumerate(node.inputs):
                shown = self.keys.get(source, source)
                if shown == target and target != node.id:
                    continue
                place = index if target == node.id else self.graph[target].inputs.index(shown)
                found.setdefault(Wire(shown, target, place), []).append(
                    Wire(source, node.id, index)
                )
        return {wire: tuple(own) for wire, own in found.items()}

    def layers(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return the layers that are shown by some nodes, without repetition."""
        return tuple(dict.fromkeys(i for key in keys for i in self.inside.get(key, (key,))))

    def shown(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the nodes that show some layers, without repetition."""
        return tuple(dict.fromkeys(self.keys[i] for i in ids if i in self.keys))

    def path(self, key: str) -> str:
        """Return the group of a face, or the one that a layer is in."""
        return key[:-1] if key in self.inside else self.whole[key].group

    def exits(self, key: str) -> tuple[str, ...]:
        """Return the layers shown by a node whose outputs leave it, or that end there."""
        layers = self.layers((key,))
        own, after = set(layers), self.whole.successors
        leaving = tuple(i for i in layers if set(after[i]) - own)
        return leaving or tuple(i for i in layers if not after[i])

    def entries(self, key: str) -> tuple[str, ...]:
        """Return the layers shown by a node that take something from outside, or nothing yet."""
        layers = self.layers((key,))
        own, inputs = set(layers), {i: self.whole[i].inputs for i in layers}
        taking = tuple(i for i in layers if set(inputs[i]) - own)
        return taking or tuple(i for i in layers if not inputs[i])


def fold(
    graph: Graph,
    folded: Collection[str],
    before: Folding | None = None,
    cannot: frozenset[str] | None = None,
) -> Folding:
    """Return a network with groups folded; a group around a folded one hides it.

    Args:
        before: what was shown; nodes that look the same are taken over from there.
        cannot: groups that cannot be folded, where that is known: `loose`.
    """
    cannot = loose(graph) if cannot is None else cannot
    wanted = set(folded) - cannot
    keys: dict[str, str] = {}
    inside: dict[str, list[Node]] = {}
    for node in graph.nodes:
        hiding = next((path for path in enclosing(node.group) if path in wanted), None)
        keys[node.id] = node.id if hiding is None else f"{hiding}/"
        if hiding is not None:
            inside.setdefault(keys[node.id], []).append(node)
    known = before.graph.by_id if before is not None else {}
    nodes: list[Node] = []
    for node in graph.nodes:
        key = keys[node.id]
        if key == node.id:
            shown = _rewired(node, keys)
        elif inside[key][0] is node:
            shown = _face(key, inside[key], keys)
        else:
            continue
        nodes.append(known[key] if known.get(key) == shown else shown)
    hidden = {key[:-1] for key in inside}
    frames = tuple(path for path in paths(graph) if hidden.isdisjoint(enclosing(path)))
    members_of = {key: tuple(node.id for node in own) for key, own in inside.items()}
    return Folding(graph, Graph(tuple(nodes)), keys, members_of, frames, cannot)


def _rewired(node: Node, keys: Mapping[str, str]) -> Node:
    inputs = tuple(keys.get(source, source) for source in node.inputs)
    return node if inputs == node.inputs else msgspec.structs.replace(node, inputs=inputs)


def _face(key: str, own: Sequence[Node], keys: Mapping[str, str]) -> Node:
    """Return the node of a folded group, at the middle of the upper edge of what is in it."""
    sources = (keys.get(source, source) for node in own for source in node.inputs)
    inputs = tuple(dict.fromkeys(source for source in sources if source != key))
    left, right = min(n.position[0] for n in own), max(n.position[0] for n in own)
    place = (round((left + right) / 2), min(n.position[1] for n in own))
    trainable = any(node.trainable for node in own)
    return Node(key, FACE, {}, inputs, trainable, position=place, group=key[:-1].rpartition("/")[0])
