"""One connection on the canvas: a smooth curve from an output port down to an input port."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from widgets.canvas.geometry import edge_path
from workbench.document.groups import Wire

if TYPE_CHECKING:
    from widgets.theme import Colors

EdgeKey = Wire
"""A connection as it is shown: between layers, or folded groups."""

_STEPS = 40
"""Points of a curve that are looked at to tell how far it is away."""

EdgeState = Literal["", "hovered", "chosen", "lit", "doubtful"]


class EdgeStyle:
    """Pens of all connections, made once a theme."""

    def __init__(self, colors: Colors) -> None:
        self.pens: dict[str, QPen] = {
            "": _pen(colors.edge, 1.4),
            "hovered": _pen(colors.text, 2),
            "chosen": _pen(colors.accent, 2.4),
            "lit": _pen(colors.accent, 3),
            "doubtful": _pen(colors.warning, 3),
        }


class EdgeItem(QGraphicsPathItem):
    """Painted by Qt itself; only its path and its pen change."""

    def __init__(self, key: EdgeKey, style: EdgeStyle) -> None:
        super().__init__()
        self.key = key
        self.state: EdgeState = ""
        self._style = style
        self._ends: tuple[QPointF, QPointF, float | None] | None = None
        self.setPen(style.pens[""])

    def route(self, start: QPointF, end: QPointF, lane: float | None) -> None:
        """Draw the curve between two ports, around layers in the way."""
        ends = (start, end, lane)
        if ends != self._ends:
            self._ends = ends
            self.setPath(edge_path(start, end, lane))

    def show_state(self, state: EdgeState) -> None:
        """Mark the connection."""
        if state != self.state:
            self.state = state
            self.setPen(self._style.pens[state])
            self.setZValue(0.5 if state else 0)

    def restyle(self, style: EdgeStyle) -> None:
        """Take over another theme."""
        self._style = style
        self.setPen(style.pens[self.state])

    def distance(self, at: QPointF) -> float:
        """Return how far a point is from the curve, about, in scene units."""
        path = self.path()
        points = (path.pointAtPercent(step / _STEPS) - at for step in range(_STEPS + 1))
        return min(math.hypot(gap.x(), gap.y()) for gap in points)

    def shape(self) -> QPainterPath:
        """Return a band around the curve that is easy to hit."""
        stroker = QPainterPathStroker()
        stroker.setWidth(12)
        return stroker.createStroke(self.path())


def _pen(color: str, width: float) -> QPen:
    pen = QPen(QColor(color), width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen
