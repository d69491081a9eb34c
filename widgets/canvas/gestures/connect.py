"""Dragging from port to port connects two layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from widgets.canvas import geometry
from widgets.canvas.connections import ambiguous, misfit, refusal
from widgets.canvas.gestures.base import Gesture, Pointer, Stage
from workbench.document import edits

if TYPE_CHECKING:
    from widgets.canvas.edge_item import EdgeKey

_GREYED = 0.35


class Connect(Gesture):
    """Pulls a new connection out of a port, or the end of an existing one off its layer.

    Layers that cannot be reached are greyed; over one of them the reason is shown. A connection
    that is allowed but whose shapes do not fit is drawn in the colour of warnings.

    Args:
        node_id: the layer whose port was pressed.
        is_output: whether it was its lower port.
        pulled: the connection whose end is taken elsewhere; None makes a new one.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(
        self,
        stage: Stage,
        start: Pointer,
        node_id: str,
        *,
        is_output: bool,
        pulled: EdgeKey | None = None,
    ) -> None:
        super().__init__(stage, start)
        self._fixed = pulled.source if pulled else node_id
        self._from_output = is_output or pulled is not None
        self._pulled = pulled
        self._hovered = ""
        self._refusals = {other: self._refusal(other) for other in stage.scene.nodes}
        self._curve = QGraphicsPathItem()
        self._curve.setZValue(8)
        stage.scene.addItem(self._curve)
        for other, reason in self._refusals.items():
            stage.scene.nodes[other].setOpacity(_GREYED if reason else 1.0)
        stage.scene.nodes[self._fixed].setOpacity(1.0)
        if pulled:
            stage.scene.edges[pulled].hide()

    def move(self, pointer: Pointer) -> None:
        """Draw the connection to the pointer, or to the port it would take hold of."""
        target = self._target(pointer)
        colors = self.stage.theme.colors
        if target != self._hovered:
            self._hovered = target
            problem = self._refusals.get(target, "") if target else ""
            color = colors.accent
            if problem:
                color = colors.error
            elif target:
                problem = self._misfit(target)
                color = colors.warning if problem else colors.accent
            self.stage.say(problem)
            self._curve.setPen(QPen(QColor(color), 2, Qt.PenStyle.SolidLine))
        if not target:
            self._curve.setPen(QPen(QColor(colors.accent), 2, Qt.PenStyle.DashLine))
        self._curve.setPath(geometry.edge_path(*self._ends(pointer.at, target)))

    def finish(self, pointer: Pointer) -> None:
        """Connect, if the layer under the pointer allows it; a pulled end let go is cut."""
        target = self._target(pointer)
        self._clear()
        editing = self.stage.editing
        if not target:
            if self._pulled:
                editing.disconnect(self._pulled)
        elif self._pulled and target == self._pulled.target:
            return
        elif not self._refusals[target]:
            if self._pulled:
                editing.reconnect(self._pulled, self._layers(target)[1])
            else:
                editing.connect(*self._layers(target))

    def cancel(self) -> None:
        """Leave everything as it was."""
        self._clear()

    def _pair(self, other: str) -> tuple[str, str]:
        return (self._fixed, other) if self._from_output else (other, self._fixed)

    def _layers(self, other: str) -> tuple[str, str]:
        """Return the layers that would be connected; a folded group has one for each end."""
        folding = self.stage.scene.folding
        source, target = self._pair(other)
        return folding.exits(source)[0], folding.entries(target)[0]

    def _refusal(self, other: str) -> str:
        if self._pulled and other == self._pulled.target:
            return ""
        editing, folding = self.stage.editing, self.stage.scene.folding
        source, target = self._pair(other)
        if other == self._fixed:
            return "A layer cannot feed itself."
        if several := ambiguous(folding, source, target):
            return several
        return refusal(editing.graph, editing.session.catalog, *self._layers(other))

    def _misfit(self, other: str) -> str:
        if self._pulled:
            return ""
        source, target = self._layers(other)
        return misfit(self.stage.editing.session, lambda e: edits.connect(e, source, target))

    def _target(self, pointer: Pointer) -> str:
        scene = self.stage.scene
        port = scene.port_at(pointer.at, 2 * geometry.PORT_REACH)
        item = port[0] if port else scene.node_at(pointer.at)
        return item.node_id if item and item.node_id != self._fixed else ""

    def _ends(self, at: QPointF, target: str) -> tuple[QPointF, QPointF]:
        nodes = self.stage.scene.nodes
        near, far = geometry.output_port, geometry.input_port
        if not self._from_output:
            near, far = far, near
        start = near(nodes[self._fixed].place)
        allowed = target and not self._refusals[target]
        end = far(nodes[target].place) if allowed else at
        return (start, end) if self._from_output else (end, start)

    def _clear(self) -> None:
        scene = self.stage.scene
        self.stage.say("")
        scene.removeItem(self._curve)
        for item in scene.nodes.values():
            item.setOpacity(1.0)
        if self._pulled in scene.edges:
            scene.edges[self._pulled].show()
