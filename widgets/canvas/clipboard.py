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
    from workbench.document.experiment import Experiment

_LARGEST = 4_000_000
_FARTHEST = 1e6


class _Layers(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal["neural-workbench-layers"]
    nodes: tuple[Node, ...]
    folded: tuple[str, ...] = ()


def to_text(experiment: Experiment, ids: Collection[str]) -> str:
    """Return nodes, the connections among them and their groups as JSON."""
    layers = _Layers("neural-workbench-layers", *detached(experiment, ids))
    return msgspec.json.encode(layers).decode()


def from_text(text: str) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """Return the nodes and the folded groups that `to_text` wrote; none for any other text."""
    nothing: tuple[tuple[Node, ...], tuple[str, ...]] = ((), ())
    if len(text) > _LARGEST or "neural-workbench-layers" not in text:
        return nothing
    try:
        found = msgspec.json.decode(text.encode(), type=_Layers)
        Graph(found.nodes).order()
    except (msgspec.DecodeError, UnicodeEncodeError, UserError, RecursionError):
        return nothing
    names = {node.id for node in found.nodes}
    if len(names) < len(found.nodes) or not all(_is_sound(node) for node in found.nodes):
        return nothing
    return found.nodes, found.folded


def offset(nodes: tuple[Node, ...], graph: Graph, visible: QRectF | None = None) -> Position:
    """Return how far to shift copies so that they cover nothing, and can be seen.

    Args:
        nodes: what is shown of the copies.
        graph: what is shown of the network.
    """
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
