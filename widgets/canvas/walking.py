"""Going from layer to layer with the keyboard, along the connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from widgets.canvas.geometry import ROW

if TYPE_CHECKING:
    from workbench.document.graph import Graph

Direction = Literal["up", "down", "left", "right"]


def neighbour(graph: Graph, node_id: str, direction: Direction) -> str:
    """Return the layer one step away; the same one if there is none.

    Up and down follow connections to the layer nearest in x; left and right go along a row.
    """
    here = graph[node_id].position
    if direction == "down":
        ways = graph.successors[node_id]
    elif direction == "up":
        ways = tuple(source for source in graph[node_id].inputs if source in graph)
    else:
        return _beside(graph, node_id, -1 if direction == "left" else 1)
    return min(ways, key=lambda i: abs(graph[i].position[0] - here[0]), default=node_id)


def following(graph: Graph, node_id: str, step: int) -> str:
    """Return the next layer in reading order; the same one at the end."""
    order = [node.id for node in sorted(graph.nodes, key=lambda n: (n.position[1], n.position[0]))]
    at = order.index(node_id) + step
    return order[at] if 0 <= at < len(order) else node_id


def _beside(graph: Graph, node_id: str, side: int) -> str:
    x, y = graph[node_id].position
    row = [
        ((node.position[0] - x) * side, node.id)
        for node in graph.nodes
        if abs(node.position[1] - y) < ROW / 2 and (node.position[0] - x) * side > 0
    ]
    return min(row, default=(0.0, node_id))[1]
