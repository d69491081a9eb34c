"""Lays a network out in layers, from top to bottom."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import fast_sugiyama

from widgets.canvas.geometry import COLUMN, ROW, Position

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.document.graph import Graph

_Column = list[tuple[int, Position]]


def arrange(graph: Graph) -> dict[str, Position]:
    """Return a place for every node: layered, few crossings, separate networks side by side.

    Raises:
        CycleError: the graph has a cycle.
    """
    order = [node.id for node in graph.order()]
    numbers = {node_id: number for number, node_id in enumerate(order)}
    edges = _shortcut_free_edges(graph, numbers)
    parts = [_rows(positions, len(order)) for positions, *_ in _layouts(edges)]
    joined = {number for edge in edges for number in edge}
    parts += [[(n, (0.0, 0.0))] for n in range(len(order)) if n not in joined]
    parts.sort(key=lambda part: min(number for number, _ in part))
    places: dict[str, Position] = {}
    left = 0.0
    for part in parts:
        least = min(x for _, (x, _) in part)
        for number, (x, y) in part:
            places[order[number]] = (round(left + x - least), y)
        left += max(x for _, (x, _) in part) - least + COLUMN
    return places


def _layouts(edges: list[tuple[int, int]]) -> Iterable[tuple[_Column, float, float, object]]:
    # The library ends the process on a cycle; `Graph.order` has made sure that there is none.
    return fast_sugiyama.from_edges(edges, vertex_spacing=COLUMN) if edges else ()


def _shortcut_free_edges(graph: Graph, numbers: dict[str, int]) -> list[tuple[int, int]]:
    """Leave out connections past other layers, so that the layers they pass stay in a column."""
    edges = {}
    for node in graph.nodes:
        sources = dict.fromkeys(source for source in node.inputs if source in graph)
        passed = set()
        if len(sources) > 1:
            passed = {s for s in sources for o in sources if s != o and s in graph.upstream(o)}
        for source in sources:
            if source not in passed:
                edges[numbers[source], numbers[node.id]] = None
    return list(edges)


def _rows(positions: Iterable[tuple[int, Position]], count: int) -> _Column:
    """Turn the library's upward rows into ours; leave out its helping points."""
    real = [(number, x, y) for number, (x, y) in positions if number < count]
    heights = sorted({y for _, _, y in real}, reverse=True)
    rank = {y: index for index, y in enumerate(heights)}
    mirrored = -1 if _is_mirrored(real) else 1
    return [(number, (mirrored * x, rank[y] * ROW)) for number, x, y in real]


def _is_mirrored(real: list[tuple[int, float, float]]) -> bool:
    """Return whether branches stand in the reverse of the document's order."""
    rows: dict[float, list[tuple[float, int]]] = defaultdict(list)
    for number, x, y in real:
        rows[y].append((x, number))
    signs = 0
    for row in rows.values():
        ordered = [number for _, number in sorted(row)]
        signs += sum(1 if b > a else -1 for a, b in itertools.pairwise(ordered))
    return signs < 0
