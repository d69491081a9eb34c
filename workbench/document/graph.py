"""The network as a value: nodes, their order and their neighbours."""

from __future__ import annotations

import keyword
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class LoRA(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Low-rank adapters of a layer: its matrices stay, and small factors beside them are trained.

    A matrix W works as W + alpha/rank · A·B (Hu et al., 2021, https://arxiv.org/abs/2106.09685).

    Attributes:
        rank: columns of A and rows of B.
        alpha: how much the product counts.
        on: which matrices, by what they do ("query", "key", "value", "output", "dense") or by
            dotted names in the layer, each with all in it; none: queries and values, or all where
            the layer has no such.
    """

    rank: Annotated[int, Meta(ge=1, le=4096)] = 8
    alpha: Annotated[float, Meta(gt=0)] = 16.0
    on: tuple[str, ...] = ()


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One layer in the graph.

    Attributes:
        id: unique name, an identifier; the user's own ("conv1").
        type: id of the layer class ("Conv2D").
        params: settings that differ from the layer's defaults.
        inputs: ids of the nodes whose outputs it takes, in order.
        trainable: False freezes its weights and running statistics.
        learning_rate_scale: factor on the learning rate of its weights.
        position: top left corner on the canvas, in scene units.
        group: path of the group it is in, "layer3/block2" for one within another; empty for none.
        lora: adapters that are trained in place of its weights; None: it has none.
    """

    id: str
    type: str
    params: dict[str, Any] = {}
    inputs: tuple[str, ...] = ()
    trainable: bool = True
    learning_rate_scale: Annotated[float, Meta(ge=0)] = 1.0
    position: tuple[float, float] = (0.0, 0.0)
    group: str = ""
    lora: LoRA | None = None


def is_identifier(text: str) -> bool:
    """Say whether a text can name a node: it becomes an attribute in generated code.

    Python compares identifiers in their NFKC form, so two that differ only there would be one.
    """
    return (
        text.isidentifier()
        and not keyword.iskeyword(text)
        and not text.startswith("_")
        and unicodedata.normalize("NFKC", text) == text
    )


class CycleError(UserError):
    """The graph has a cycle, so no layer in it can be computed first."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        path = " → ".join((*cycle, cycle[0]))
        super().__init__(f"The layers form a cycle: {path}.", "Remove one of these connections.")
        self.cycle = cycle


class Graph(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A directed graph of layers; meant to be acyclic, which `order` checks."""

    nodes: tuple[Node, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """Nodes by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def successors(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of the nodes that take each node's output, once per use."""
        found: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            for source in node.inputs:
                found.setdefault(source, []).append(node.id)
        return {key: tuple(ids) for key, ids in found.items()}

    def __getitem__(self, node_id: str) -> Node:
        return self.by_id[node_id]

    def __contains__(self, node_id: object) -> bool:
        return node_id in self.by_id

    def __len__(self) -> int:
        return len(self.nodes)

    def order(self) -> tuple[Node, ...]:
        """Return the nodes with every node after its inputs, stable in the document's order.

        Raises:
            CycleError: the graph has a cycle.
        """
        waiting = {node.id: self._known(node.inputs) for node in self.nodes}
        ordered: list[Node] = []
        ready = [node for node in self.nodes if not waiting[node.id]]
        while ready:
            node = ready.pop(0)
            ordered.append(node)
            for successor in dict.fromkeys(self.successors[node.id]):
                waiting[successor].discard(node.id)
                if not waiting[successor]:
                    ready.append(self.by_id[successor])
        if len(ordered) < len(self.nodes):
            raise CycleError(self._cycle(waiting))
        return tuple(ordered)

    def downstream(self, node_id: str) -> set[str]:
        """Return the node and everything that depends on it."""
        return _reach(node_id, self.successors)

    def upstream(self, node_id: str) -> set[str]:
        """Return the node and everything it depends on."""
        return _reach(node_id, {node.id: node.inputs for node in self.nodes})

    def pieces(self, ids: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """Return these nodes in pieces that hang together, each in the order of the file."""
        waiting = self._known(ids)
        place = {node.id: number for number, node in enumerate(self.nodes)}
        beside = {
            node_id: tuple(waiting & {*self.by_id[node_id].inputs, *self.successors[node_id]})
            for node_id in waiting
        }
        found: list[tuple[str, ...]] = []
        for node_id in sorted(waiting, key=place.__getitem__):
            if node_id in waiting:
                piece = _reach(node_id, beside)
                found.append(tuple(sorted(piece, key=place.__getitem__)))
                waiting -= piece
        return tuple(found)

    def unused_id(self, stem: str) -> str:
        """Return `stem` with the first number that no node has, such as conv2."""
        number = 1
        while f"{stem}{number}" in self.by_id:
            number += 1
        return f"{stem}{number}"

    def _known(self, ids: Iterable[str]) -> set[str]:
        return {node_id for node_id in ids if node_id in self.by_id}

    def _cycle(self, waiting: Mapping[str, set[str]]) -> tuple[str, ...]:
        node_id = next(key for key, blockers in waiting.items() if blockers)
        path: list[str] = []
        while node_id not in path:
            path.append(node_id)
            node_id = next(iter(waiting[node_id]))
        return tuple(reversed(path[path.index(node_id) :]))


def _reach(start: str, neighbours: Mapping[str, tuple[str, ...]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        node_id = waiting.pop()
        if node_id not in seen:
            seen.add(node_id)
            waiting.extend(neighbours.get(node_id, ()))
    return seen
