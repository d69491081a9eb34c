"""Layers on the clipboard, as JSON text that can also be mailed or kept in a file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from widgets.canvas import geometry
from workbench.document.graph import Graph, Node
from workbench.document.grouping import detached
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtCore import QRectF

    from widgets.canvas.geometry import Position

_LARGEST = 4_000_000
_FARTHEST = 1e6


class _Layers(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal["neural-workbench-layers"]
    nodes: tuple[Node, ...]


def to_text(graph: Graph, ids: Collection[str]) -> str:
    """Return nodes and the connections among them as JSON."""
    kept = detached(graph, ids)
    return msgspec.json.encode(_Layers("neural-workbench-layers", kept)).decode()


def from_text(text: str) -> tuple[Node, ...]:
    """Return the nodes that `to_text` wrote; none for any other text."""
    if len(text) > _LARGEST or "neural-workbench-layers" not in text:
        return ()
    try:
        nodes = msgspec.json.decode(text.encode(), type=_Layers).nodes
        Graph(nodes).order()
    except (msgspec.DecodeError, UnicodeEncodeError, UserError, RecursionError):
        return ()
    names = {node.id for node in nodes}
    if len(names) < len(nodes) or not all(_is_sound(node) for node in nodes):
        return ()
    return nodes


def offset(nodes: tuple[Node, ...], graph: Graph, visible: QRectF | None = None) -> Position:
    """Return how far to shift copies so that they cover nothing, and can be seen."""
    box = geometry.bounds(node.position for node in nodes)
    shift_x = shift_y = 0.0
    if visible is not None and not visible.intersects(box):
        shift_x = round(visible.center().x() - box.center().x())
        shift_y = round(visible.center().y() - box.center().y())
    taken = [node.position for node in graph.nodes]
    while any(
        geometry.overlaps((node.position[0] + shift_x, node.position[1] + shift_y), taken)
        for node in nodes
    ):
        shift_x += geometry.COLUMN
    return (shift_x, shift_y)


def _is_sound(node: Node) -> bool:
    placed = all(math.isfinite(v) and abs(v) < _FARTHEST for v in node.position)
    return placed and node.id.isidentifier() and not node.id.startswith("_")
