"""Lays a network out in layers, from top to bottom."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.document.graph import Graph

    Edge = tuple[int, int]

ROW = 80.0
"""Distance of two layers in a stack on the canvas, top to top, in scene units."""
COLUMN = 264.0
"""Distance of two layers side by side, left to left."""

NODE_WIDTH = 220.0
NODE_HEIGHT = 52.0

Position = tuple[float, float]
Size = tuple[float, float]


def arrange(graph: Graph, sizes: Mapping[str, Size] | None = None) -> dict[str, Position]:
    """Return a place for every node: layered, few crossings, separate networks side by side.

    Args:
        sizes: width and height of nodes that are larger than a layer; places are those of the
            top left corners.

    Raises:
        CycleError: the graph has a cycle.
    """
    order = [node.id for node in graph.order()]
    edges = _edges(graph, {node_id: number for number, node_id in enumerate(order)})
    given = sizes or {}
    large = {n: given[node_id] for n, node_id in enumerate(order) if node_id in given}
    parts = [_Part(dict(places), edges, large) for places in _layouts(edges, len(order))]
    joined = {number for edge in edges for number in edge}
    parts += [_Part({n: (0.0, 0.0)}, [], large) for n in range(len(order)) if n not in joined]
    places: dict[str, Position] = {}
    left = 0.0
    for part in sorted(parts, key=lambda part: part.first):
        placed = part.places()
        least = min(x for x, _ in placed.values())
        for number, (x, y) in placed.items():
            places[order[number]] = (round(left + x - least), y)
        right = max(x + part.width(number) for number, (x, _) in placed.items())
        left += right - least + COLUMN - NODE_WIDTH
    return places


def _layouts(edges: list[Edge], count: int) -> list[dict[int, Position]]:
    """Return the library's places of each connected part, without its helping points.

    The library ends the process on a cycle; `Graph.order` has made sure that there is none.
    """
    if not edges:
        return []
    import fast_sugiyama

    found = fast_sugiyama.from_edges(edges, vertex_spacing=COLUMN)
    return [{n: place for n, place in part if n < count} for part, *_ in found]


def _edges(graph: Graph, numbers: dict[str, int]) -> list[Edge]:
    """Leave out connections past other layers, so that the layers they pass stay in a column."""
    edges: dict[Edge, None] = {}
    for node in graph.nodes:
        sources = dict.fromkeys(source for source in node.inputs if source in graph)
        passed = set()
        if len(sources) > 1:
            above = {source: graph.upstream(source) for source in sources}
            passed = {s for s in sources for o in sources if s != o and s in above[o]}
        for source in sources:
            if source not in passed:
                edges[numbers[source], numbers[node.id]] = None
    return list(edges)


class _Part:
    """One connected part: the library's places (y upwards), mended where they do not hold.

    About one random graph in a hundred comes back with a layer beside its own input, or with two
    in one place. Rows and distances are therefore checked here.
    """

    def __init__(
        self, found: dict[int, Position], edges: list[Edge], sizes: Mapping[int, Size]
    ) -> None:
        self.first = min(found)
        self._found = found
        self._sizes = sizes
        self._edges = [edge for edge in edges if edge[0] in found]

    def width(self, number: int) -> float:
        """Return the width of a node."""
        return self._sizes.get(number, (NODE_WIDTH, NODE_HEIGHT))[0]

    def places(self) -> dict[int, Position]:
        """Return sound places: every layer below its inputs, none on another."""
        ranks = self._ranks()
        rows: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for number, (x, _) in self._found.items():
            rows[ranks[number]].append((x, number))
        sign = -1 if self._is_mirrored(rows) else 1
        placed = {}
        top = 0.0
        for rank in range(max(rows) + 1):
            ordered = sorted((sign * x, number) for x, number in rows.get(rank, ()))
            middles = [x + NODE_WIDTH / 2 for x, _ in ordered]
            widths = [self.width(number) for _, number in ordered]
            for middle, (_, number) in zip(_spread(middles, widths), ordered, strict=True):
                placed[number] = (middle - self.width(number) / 2, top)
            heights = [self._sizes[number][1] for _, number in ordered if number in self._sizes]
            top += ROW + max([0.0, *(height - NODE_HEIGHT for height in heights)])
        return placed

    def _ranks(self) -> dict[int, int]:
        heights = sorted({y for _, y in self._found.values()}, reverse=True)
        ranks = {number: heights.index(y) for number, (_, y) in self._found.items()}
        if all(ranks[source] < ranks[target] for source, target in self._edges):
            return ranks
        ranks = dict.fromkeys(self._found, 0)
        for source, target in sorted(self._edges, key=lambda edge: edge[1]):
            ranks[target] = max(ranks[target], ranks[source] + 1)
        return ranks

    def _is_mirrored(self, rows: dict[int, list[tuple[float, int]]]) -> bool:
        """Return whether branches stand in the reverse of the document's order."""
        signs = 0
        for row in rows.values():
            ordered = [number for _, number in sorted(row)]
            signs += sum(1 if b > a else -1 for a, b in pairwise(ordered))
        return signs < 0


def _spread(middles: list[float], widths: list[float]) -> list[float]:
    """Move the middles of a row apart where they are too near, about their common one."""
    if not middles:
        return []
    spread = middles[:1]
    gap = COLUMN - NODE_WIDTH
    for x, (left, right) in zip(middles[1:], pairwise(widths), strict=True):
        spread.append(max(x, spread[-1] + (left + right) / 2 + gap))
    shift = (sum(middles) - sum(spread)) / len(middles)
    return [x + shift for x in spread]
