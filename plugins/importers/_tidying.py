"""Leaves out moves of values that undo or repeat each other, and gives layers their biases."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.document.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

LAID_OUT = ("Reshape", "Flatten")


def tidied(
    graph: Graph, shapes: Mapping[str, tuple[int, ...]], weights: MutableMapping[str, Any]
) -> Graph:
    """Return a graph that computes the same with fewer nodes.

    Args:
        shapes: canonical ones of the outputs of nodes.
        weights: by "node/name"; a shift right after a layer without bias becomes its bias.
    """
    nodes = {node.id: _plain(node, shapes) for node in graph.nodes}
    users: dict[str, int] = {}
    for node in nodes.values():
        for source in node.inputs:
            users[source] = users.get(source, 0) + 1
    _biases(nodes, users, shapes, weights)
    for node in list(nodes.values()):
        if node.type not in LAID_OUT:
            continue
        (source,) = node.inputs
        while nodes[source].type in LAID_OUT and users[source] == 1:
            gone = nodes.pop(source)
            (source,) = gone.inputs
        nodes[node.id] = msgspec.structs.replace(node, inputs=(source,))
        if shapes.get(source) is not None and shapes.get(source) == _shape(node, shapes):
            _leave_out(nodes, node.id, source)
            users[source] += users.get(node.id, 0) - 1
    return Graph(tuple(nodes.values()))


def _leave_out(nodes: dict[str, Node], gone: str, source: str) -> None:
    del nodes[gone]
    for other in list(nodes.values()):
        if gone in other.inputs:
            inputs = tuple(source if each == gone else each for each in other.inputs)
            nodes[other.id] = msgspec.structs.replace(other, inputs=inputs)


def _biases(
    nodes: dict[str, Node],
    users: Mapping[str, int],
    shapes: Mapping[str, tuple[int, ...]],
    weights: MutableMapping[str, Any],
) -> None:
    for node in list(nodes.values()):
        if node.type != "Scale" or node.params.get("scale", True) is not False:
            continue
        layer = nodes[node.inputs[0]]
        has_room = layer.params.get("use_bias", True) is False and layer.type.startswith(
            ("Conv", "Dense", "DepthwiseConv")
        )
        beta = weights[f"{node.id}/beta"]
        if not has_room or users[layer.id] != 1 or beta.shape != shapes[layer.id][-1:]:
            continue
        weights[f"{layer.id}/bias"] = weights.pop(f"{node.id}/beta")
        params = {key: value for key, value in layer.params.items() if key != "use_bias"}
        nodes[layer.id] = msgspec.structs.replace(layer, params=params)
        _leave_out(nodes, node.id, layer.id)


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
