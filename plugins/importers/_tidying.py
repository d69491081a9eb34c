"""Leaves out moves of values that undo or repeat each other."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import msgspec

from workbench.document.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Mapping

LAID_OUT = ("Reshape", "Flatten")


def tidied(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    """Return a graph that computes the same with fewer nodes.

    Args:
        shapes: canonical ones of the outputs of nodes.
    """
    nodes = {node.id: _plain(node, shapes) for node in graph.nodes}
    users: dict[str, int] = {}
    for node in nodes.values():
        for source in node.inputs:
            users[source] = users.get(source, 0) + 1
    for node in list(nodes.values()):
        if node.type not in LAID_OUT:
            continue
        (source,) = node.inputs
        while nodes[source].type in LAID_OUT and users[source] == 1:
            gone = nodes.pop(source)
            (source,) = gone.inputs
        nodes[node.id] = msgspec.structs.replace(node, inputs=(source,))
        if shapes.get(source) is not None and shapes.get(source) == _shape(node, shapes):
            del nodes[node.id]
            for other in list(nodes.values()):
                if node.id in other.inputs:
                    inputs = tuple(source if each == node.id else each for each in other.inputs)
                    nodes[other.id] = msgspec.structs.replace(other, inputs=inputs)
            users[source] += users.get(node.id, 0) - 1
    return Graph(tuple(nodes.values()))


def _shape(node: Node, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    if node.type == "Reshape":
        return tuple(node.params["shape"])
    found = shapes.get(node.id)
    return found if found is None else (prod(found),)


def _plain(node: Node, shapes: Mapping[str, tuple[int, ...]]) -> Node:
    """Return a permutation that moves axes of size 1 alone as what it is: another shape."""
    if node.type != "Permute" or node.inputs[0] not in shapes:
        return node
    before = shapes[node.inputs[0]]
    axes = [axis - 1 for axis in node.params["axes"]]
    wide = [axis for axis in axes if before[axis] > 1]
    if wide != sorted(wide):
        return node
    shape = [before[axis] for axis in axes]
    return msgspec.structs.replace(node, type="Reshape", params={"shape": shape})
