"""Dragging a layer from the palette: into a connection, under a layer, or onto empty ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from widgets.canvas import geometry
from widgets.canvas.connections import gives, misfit, takes
from widgets.canvas.editing import insertion
from widgets.canvas.gestures.base import Gesture, Pointer, Stage
from workbench.document import edits

if TYPE_CHECKING:
    from widgets.canvas.edge_item import EdgeKey
    from widgets.canvas.geometry import Position

LAYER_MIME = "application/x-neural-workbench-layer"
"""Clipboard and drag format: the id of a layer class."""

_ASIDE = 150.0
"""How far beside a layer a drop still counts as under it."""
_BELOW = 240.0
"""How far below."""
_PULL = 60.0
"""How far beside it a connected layer is still put right under the other."""


@dataclass(frozen=True)
class Landing:
    """What a drop would do: insert into `edge`, connect to `source`, or neither.

    Both are as shown: `source` may be the face of a folded group.
    """

    place: Position
    edge: EdgeKey | None = None
    source: str = ""


class DropLayer(Gesture):
    """Shows where the layer would land and what it would be connected to."""

    def __init__(self, stage: Stage, start: Pointer, type_id: str) -> None:
        super().__init__(stage, start)
        self._type = type_id
        self._landing: Landing | None = None
        pen = QPen(QColor(stage.theme.colors.accent), 1.5, Qt.PenStyle.DashLine)
        self._ghost = QGraphicsPathItem()
        self._ghost.setPen(pen)
        self._ghost.setZValue(8)
        stage.scene.addItem(self._ghost)
        self.move(start)

    def move(self, pointer: Pointer) -> None:
        """Light up what the layer would be connected to."""
        landing = landing_at(self.stage, self._type, pointer.at)
        if landing == self._landing:
            return
        known = self._landing
        if known is None or (landing.edge, landing.source) != (known.edge, known.source):
            self._unlight()
            doubt = self._doubt(landing)
            if landing.edge:
                self.stage.scene.edges[landing.edge].show_state("doubtful" if doubt else "lit")
            self.stage.say(doubt)
        self._landing = landing
        self._ghost.setPath(self._outline(landing))

    def finish(self, pointer: Pointer) -> None:
        """Add the layer there: one undo step."""
        self.cancel()
        editing = self.stage.editing
        landing = landing_at(self.stage, self._type, pointer.at)
        if landing.edge:
            editing.insert(self._type, landing.edge)
        elif landing.source:
            source = editing.folding.exits(landing.source)[0]
            editing.append(self._type, (source,), landing.place)
        else:
            editing.add(self._type, landing.place)

    def cancel(self) -> None:
        """Hide the preview."""
        self._unlight()
        self.stage.say("")
        if self._ghost.scene():
            self.stage.scene.removeItem(self._ghost)

    def _unlight(self) -> None:
        lit = self._landing.edge if self._landing else None
        if lit in self.stage.scene.edges:
            self.stage.scene.edges[lit].show_state("")

    def _doubt(self, landing: Landing) -> str:
        editing = self.stage.editing
        node = editing.new_node(self._type, landing.place)
        if landing.edge:
            return misfit(editing.session, insertion(editing.folding, node, landing.edge))
        if landing.source:
            source = editing.folding.exits(landing.source)[0]
            node = msgspec.structs.replace(node, inputs=(source,))
            return misfit(editing.session, lambda e: edits.add_node(e, node))
        return ""

    def _outline(self, landing: Landing) -> QPainterPath:
        path = QPainterPath()
        if landing.edge:
            return path
        path.addRoundedRect(geometry.node_rect(landing.place), 7, 7)
        if landing.source:
            start = geometry.output_port(self.stage.scene.nodes[landing.source].place)
            path.addPath(geometry.edge_path(start, geometry.input_port(landing.place)))
        return path


def landing_at(stage: Stage, type_id: str, at: QPointF) -> Landing:
    """Return what dropping a layer at a point of the scene would do."""
    kind = stage.editing.session.catalog.layers[type_id]
    if takes(kind) and gives(kind):
        edge = stage.scene.edge_at(at, 10.0)
        if edge:
            return Landing((at.x(), at.y()), edge=edge.key)
    place = (round(at.x() - geometry.NODE_WIDTH / 2), round(at.y() - geometry.NODE_HEIGHT / 2))
    source = open_end_above(stage, at) if takes(kind) else ""
    if source:
        above = stage.scene.nodes[source].place
        place = (_near(place[0], above[0], _PULL), max(place[1], above[1] + geometry.ROW))
        place = (place[0], _near(place[1], above[1] + geometry.ROW, 24))
    taken = [item.place for item in stage.scene.nodes.values()]
    return Landing(geometry.free_place(place, taken), source=source)


def open_end_above(stage: Stage, at: QPointF) -> str:
    """Return the nearest layer above whose output nothing takes; empty for none."""
    folding, layers = stage.scene.folding, stage.editing.session.catalog.layers
    whole = folding.whole
    reach = QRectF(at.x() - _ASIDE, at.y() - _BELOW - geometry.NODE_HEIGHT, 2 * _ASIDE, 0)
    reach.setBottom(at.y())
    best, nearest = "", 1e9
    for node_id in stage.scene.nodes_in(reach):
        exits = folding.exits(node_id)
        kind = layers.get(whole[exits[0]].type) if len(exits) == 1 else None
        if kind is None or whole.successors[exits[0]] or not gives(kind):
            continue
        gap = at - geometry.output_port(folding.graph[node_id].position)
        aside, below = abs(gap.x()), gap.y()
        if below > 0 and aside <= _ASIDE and below <= _BELOW and aside + below < nearest:
            best, nearest = node_id, aside + below
    return best


def _near(value: float, wanted: float, reach: float) -> float:
    return wanted if abs(value - wanted) <= reach else value
