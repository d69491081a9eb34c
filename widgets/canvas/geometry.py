"""Sizes on the canvas in scene units, and where things go: ports, curves, free places, snapping."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from workbench.analysis.arrange import COLUMN, NODE_HEIGHT, NODE_WIDTH, ROW, Position

if TYPE_CHECKING:
    from collections.abc import Iterable

PORT_RADIUS = 4.0
PORT_REACH = 11.0
"""How near the pointer must be to take hold of a port."""
LANE = 26.0
"""How far a connection keeps from the layers it goes around."""


def node_rect(position: Position) -> QRectF:
    """Return the box of a node whose top left corner is at `position`."""
    return QRectF(position[0], position[1], NODE_WIDTH, NODE_HEIGHT)


def input_port(position: Position) -> QPointF:
    """Return the middle of a node's upper edge, where connections arrive."""
    return QPointF(position[0] + NODE_WIDTH / 2, position[1])


def output_port(position: Position) -> QPointF:
    """Return the middle of a node's lower edge, where connections leave."""
    return QPointF(position[0] + NODE_WIDTH / 2, position[1] + NODE_HEIGHT)


def edge_path(start: QPointF, end: QPointF, lane: float | None = None) -> QPainterPath:
    """Return a smooth curve that leaves downwards and arrives from above.

    Args:
        lane: x of a vertical stretch beside the layers in between; None goes straight there.
    """
    path = QPainterPath(start)
    if lane is None:
        reach = max(abs(end.y() - start.y()) / 2, 14.0)
        if end.y() < start.y():
            reach = min(60.0 + (start.y() - end.y()) / 4, 160.0)
        path.cubicTo(start.x(), start.y() + reach, end.x(), end.y() - reach, end.x(), end.y())
        return path
    bend = min(ROW / 2, (end.y() - start.y()) / 2)
    top, bottom = start.y() + bend, end.y() - bend
    path.cubicTo(start.x(), start.y() + bend / 2, lane, start.y() + bend / 3, lane, top)
    path.lineTo(lane, bottom)
    path.cubicTo(lane, end.y() - bend / 3, end.x(), end.y() - bend / 2, end.x(), end.y())
    return path


class Lanes:
    """Finds ways around layers for connections that would run behind them."""

    def __init__(self, positions: Iterable[Position]) -> None:
        self._placed = sorted((y, x) for x, y in positions)
        self._tops = [y for y, _ in self._placed]

    def around(self, start: QPointF, end: QPointF) -> float | None:
        """Return the x of a lane from `start` down to `end`, or None if the way is free."""
        first = bisect_right(self._tops, start.y())
        last = bisect_left(self._tops, end.y() - NODE_HEIGHT)
        between = [x for _, x in self._placed[first:last]]
        if not between:
            return None
        crossed = range(int(min(start.x(), end.x())), int(max(start.x(), end.x())) + 1)
        blocking = [x for x in between if _meets(x, crossed.start, crossed.stop)]
        if not blocking:
            return None
        middle = (start.x() + end.x()) / 2
        right = _clear(between, max(blocking) + NODE_WIDTH + LANE, +1)
        left = _clear(between, min(blocking) - LANE, -1)
        return right if right - middle <= middle - left else left


def _meets(x: float, left: float, right: float) -> bool:
    return x - 4 < right and x + NODE_WIDTH + 4 > left


def _clear(lefts: list[float], lane: float, direction: int) -> float:
    """Move a lane outwards until it touches none of the layers."""
    for x in sorted(lefts, reverse=direction < 0):
        if x - LANE / 2 < lane < x + NODE_WIDTH + LANE / 2:
            lane = x + NODE_WIDTH + LANE if direction > 0 else x - LANE
    return lane


def overlaps(position: Position, taken: Iterable[Position], gap: float = 12.0) -> bool:
    """Return whether a node at `position` would touch one of `taken`."""
    return any(
        abs(position[0] - x) < NODE_WIDTH + gap and abs(position[1] - y) < NODE_HEIGHT + gap
        for x, y in taken
    )


def free_place(position: Position, taken: Iterable[Position]) -> Position:
    """Return `position`, or the nearest place to its right that is free."""
    others = list(taken)
    while overlaps(position, others):
        position = (position[0] + COLUMN / 2, position[1])
    return position


def bounds(positions: Iterable[Position]) -> QRectF:
    """Return the box around nodes; empty for none."""
    placed = list(positions)
    if not placed:
        return QRectF()
    left, top = min(x for x, _ in placed), min(y for _, y in placed)
    right, bottom = max(x for x, _ in placed), max(y for _, y in placed)
    return QRectF(left, top, right - left + NODE_WIDTH, bottom - top + NODE_HEIGHT)


@dataclass(frozen=True)
class Snap:
    """Where moved nodes come to rest.

    Attributes:
        shift: what to add to the pointer's movement.
        x, y: scene coordinate of the line they rest on; None for none.
    """

    shift: Position = (0.0, 0.0)
    x: float | None = None
    y: float | None = None


def snap(position: Position, others: Iterable[Position], reach: float) -> Snap:
    """Align a moved node with others, by columns and by rows, within `reach` scene units."""
    gap_x = gap_y = reach
    line_x = line_y = None
    for other_x, other_y in others:
        if abs(other_x - position[0]) <= abs(gap_x):
            gap_x, line_x = other_x - position[0], other_x + NODE_WIDTH / 2
        for row in (other_y, other_y + ROW, other_y - ROW):
            if abs(row - position[1]) <= abs(gap_y):
                gap_y, line_y = row - position[1], row + NODE_HEIGHT / 2
    shift = (0.0 if line_x is None else gap_x, 0.0 if line_y is None else gap_y)
    return Snap(shift, line_x, line_y)
