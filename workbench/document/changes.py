"""What differs between two experiments: nodes, connections and settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.document.experiment import Experiment
    from workbench.document.graph import Graph, Node


@dataclass(frozen=True)
class Edge:
    """One connection: `source` is input number `index` (from 0) of `target`."""

    source: str
    target: str
    index: int

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


@dataclass(frozen=True)
class Setting:
    """One setting before and after; UNSET on the side where it is not written.

    Attributes:
        node: the layer it belongs to; empty for a setting of the experiment.
        name: "training.optimizer.learning_rate", or a layer's parameter, "filters".
    """

    node: str
    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        where = f"{self.node}.{self.name}" if self.node else self.name
        return f"{where}: {_in_words(self.before)} → {_in_words(self.after)}"


@dataclass(frozen=True)
class Changes:
    """All that differs between two experiments; false when nothing does.

    Attributes:
        added, removed: node ids.
        moved: ids of nodes that stand elsewhere on the canvas.
        connected, disconnected: edges; those of added and removed nodes too.
        settings: those of the experiment, and of nodes that are in both.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    connected: tuple[Edge, ...] = ()
    disconnected: tuple[Edge, ...] = ()
    settings: tuple[Setting, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    @property
    def nodes(self) -> frozenset[str]:
        """Ids of all nodes that are new, gone, or not as they were."""
        rewired = {edge.target for edge in (*self.connected, *self.disconnected)}
        settled = {setting.node for setting in self.settings if setting.node}
        return frozenset(rewired | settled | {*self.added, *self.removed, *self.moved})

    def in_words(self) -> list[str]:
        """Return one line a change, the network first; places on the canvas are left out."""
        return [
            *(f"{node_id} added" for node_id in self.added),
            *(f"{node_id} removed" for node_id in self.removed),
            *(f"{edge} connected" for edge in self.connected),
            *(f"{edge} disconnected" for edge in self.disconnected),
            *map(str, self.settings),
        ]


def compare(before: Experiment, after: Experiment) -> Changes:
    """Return what makes `before` into `after`; parts that are one object are not looked into."""
    old, new = before.graph.by_id, after.graph.by_id
    both = [] if before.graph is after.graph else _altered(before.graph, after.graph)
    settings = list(_differences("", "", before, after, ("graph",)))
    for one, other in both:
        unlike = _differences(one.id, "", one, other, ("id", "inputs", "position", "params"))
        settings += [*unlike, *_dict_differences(one.id, "", one.params, other.params)]
    old_edges, new_edges = _edges(before.graph, after.graph), _edges(after.graph, before.graph)
    return Changes(
        added=tuple(node_id for node_id in new if node_id not in old),
        removed=tuple(node_id for node_id in old if node_id not in new),
        moved=tuple(one.id for one, other in both if one.position != other.position),
        connected=tuple(edge for edge in new_edges if edge not in old_edges),
        disconnected=tuple(edge for edge in old_edges if edge not in new_edges),
        settings=tuple(settings),
    )


def _altered(before: Graph, after: Graph) -> list[tuple[Node, Node]]:
    old = before.by_id
    return [
        (old[node.id], node)
        for node in after.nodes
        if node.id in old and old[node.id] is not node and old[node.id] != node
    ]


def _edges(graph: Graph, other: Graph) -> dict[Edge, None]:
    """Return the edges, in order, of nodes that are not the same object in the other graph."""
    if graph is other:
        return {}
    return {
        Edge(source, node.id, index): None
        for node in graph.nodes
        if other.by_id.get(node.id) is not node
        for index, source in enumerate(node.inputs)
    }


def _differences(
    node: str,
    prefix: str,
    before: msgspec.Struct,
    after: msgspec.Struct,
    skip: tuple[str, ...] = (),
) -> Iterator[Setting]:
    for name in before.__struct_fields__:
        if name not in skip:
            yield from _one(node, prefix + name, getattr(before, name), getattr(after, name))


def _dict_differences(
    node: str, prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Setting]:
    for name in sorted({*before, *after}):
        yield from _one(
            node, prefix + name, before.get(name, msgspec.UNSET), after.get(name, msgspec.UNSET)
        )


def _one(node: str, name: str, before: Any, after: Any) -> Iterator[Setting]:
    if before is after or (before == after and type(before) is type(after)):
        return
    if isinstance(before, msgspec.Struct) and type(before) is type(after):
        yield from _differences(node, f"{name}.", before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _dict_differences(node, f"{name}.", before, after)
    else:
        yield Setting(node, name, before, after)


def _in_words(value: Any) -> str:
    if value is msgspec.UNSET:
        return "default"
    if value is None:
        return "none"
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        kind = getattr(value, "type", None) or config.tag or type(value).__name__
        return str(kind)
    if isinstance(value, list | tuple):
        return " × ".join(map(_in_words, value))
    return str(value)
