"""Turns mouse and drag events on the canvas into gestures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QApplication

from widgets.canvas.geometry import PORT_REACH
from widgets.canvas.gestures.base import Gesture, Pointer
from widgets.canvas.gestures.connect import Connect
from widgets.canvas.gestures.drop import LAYER_MIME, DropLayer
from widgets.canvas.gestures.drop_model import MODEL_MIME, DropModel, Model
from widgets.canvas.gestures.move import MoveNodes
from widgets.canvas.gestures.select import SelectBox
from workbench.document.groups import members

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QDragMoveEvent, QDropEvent, QMouseEvent

    from widgets.canvas.edge_item import EdgeItem, EdgeKey
    from widgets.canvas.frame_item import FrameItem
    from widgets.canvas.gestures.base import Stage
    from widgets.canvas.node_item import NodeItem
    from widgets.canvas.view import CanvasView

_ADDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class PointerFilter(QObject):
    """Watches the viewport of a canvas. One gesture at a time.

    Attributes:
        space_held: the space bar is down, so that dragging pans.
        has_panned: it was used for that.
    """

    def __init__(self, view: CanvasView, stage: Stage) -> None:
        super().__init__(view)
        self._view = view
        self._stage = stage
        self._gesture: Gesture | None = None
        self._begin: Callable[[], Gesture] | None = None
        self._press = QPoint()
        self._pan_from: QPoint | None = None
        self._click: Callable[[], None] | None = None
        self._hovered_node: NodeItem | None = None
        self._hovered_edge: EdgeKey | None = None
        self._begun_on = stage.editing.graph
        self._toggled = False
        self.space_held = False
        self.has_panned = False
        self._handlers: dict[QEvent.Type, Callable[..., bool]] = {
            QEvent.Type.MouseButtonPress: self._on_press,
            QEvent.Type.MouseButtonDblClick: self._on_double_click,
            QEvent.Type.MouseMove: self._on_move,
            QEvent.Type.MouseButtonRelease: self._on_release,
            QEvent.Type.Leave: self._on_leave,
            QEvent.Type.DragEnter: self._on_drag_enter,
            QEvent.Type.DragMove: self._on_drag_move,
            QEvent.Type.DragLeave: self._on_drag_leave,
            QEvent.Type.Drop: self._on_drop,
        }
        view.viewport().installEventFilter(self)

    @property
    def is_busy(self) -> bool:
        """Whether a gesture is under way."""
        return self._gesture is not None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hand an event to whoever handles its kind."""
        handler = self._handlers.get(event.type())
        return handler(event) if handler else False

    def cancel(self) -> bool:
        """Break off the gesture under way; False if there is none."""
        gesture, self._gesture = self._gesture, None
        self._begin = self._click = None
        if gesture is None:
            return False
        gesture.cancel()
        self._show_cursor()
        return True

    def cancel_if_outdated(self) -> None:
        """Break off a gesture that began on a network which has been edited since."""
        if self._gesture and self._stage.editing.graph is not self._begun_on:
            self.cancel()

    def hold_space(self, held: bool) -> None:
        """Tell whether the space bar is down."""
        if held and not self.space_held:
            self.has_panned = False
        self.space_held = held
        self._show_cursor()

    def _on_press(self, event: QMouseEvent) -> bool:
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        self._view.viewport().setFocus(Qt.FocusReason.MouseFocusReason)
        self._press = event.position().toPoint()
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self.space_held and event.button() == Qt.MouseButton.LeftButton):
            self._pan_from = self._press
            self.has_panned = True
            self._show_cursor()
            return True
        if event.button() == Qt.MouseButton.LeftButton and not self._gesture:
            self._prepare(self._pointer(event))
            return True
        return event.button() != Qt.MouseButton.RightButton

    def _prepare(self, start: Pointer) -> None:
        """Decide what a click here means, and what a drag."""
        stage, scene = self._stage, self._stage.scene
        self._toggled = False
        port = scene.port_at(start.at, PORT_REACH / min(self._view.scale_factor, 1.0))
        node = scene.node_at(start.at)
        edge = scene.edge_at(start.at)
        scene.choose_edge(None)
        if port and (node is None or port[0] is node):
            item, is_output = port
            pulled = None if is_output else self._only_edge(item.node_id)
            self._click = lambda: self._select(item.node_id, start)
            self._begin = lambda: Connect(
                stage, start, item.node_id, is_output=is_output, pulled=pulled
            )
        elif node:
            self._press_node(node, start)
        elif edge:
            self._click = lambda: self._choose(edge)
            self._begin = lambda: SelectBox(stage, start)
        elif frame := scene.frame_at(start.at):
            self._press_frame(frame, start)
        else:
            self._click = lambda: None if start.modifiers & _ADDS else self._select_only()
            self._begin = lambda: SelectBox(stage, start)

    def _press_node(self, node: NodeItem, start: Pointer) -> None:
        key = node.node_id
        chosen = self._stage.scene.folding.shown(self._stage.editing.selection)
        if key not in chosen and not start.modifiers & _ADDS:
            self._select_only(key)
        self._click = lambda: self._select(start, key)
        if node.is_on_chevron(start.at):
            self._click = lambda: self._toggle(key[:-1], folded=False)
        self._begin = lambda: MoveNodes(self._stage, start, key)

    def _press_frame(self, frame: FrameItem, start: Pointer) -> None:
        folding, path = self._stage.scene.folding, frame.path
        keys = folding.shown(members(folding.whole, path))
        if not frame.is_chosen and not start.modifiers & _ADDS:
            self._select_only(*keys)
        self._click = lambda: self._select(start, *keys)
        if frame.is_on_chevron(start.at):
            self._click = lambda: self._toggle(path, folded=True)
        self._begin = lambda: MoveNodes(self._stage, start, keys[0])

    def _toggle(self, path: str, *, folded: bool) -> None:
        self._toggled = True  # a second click at once shall not take it back
        self._view.groups.fold((path,), folded=folded)

    def _only_edge(self, node_id: str) -> EdgeKey | None:
        """Return the connection of a layer that can take no further one."""
        scene = self._stage.scene
        if node_id in scene.folding.inside or len(scene.graph[node_id].inputs) != 1:
            return None
        kind = scene.graph[node_id].type
        layers = self._stage.editing.session.catalog.layers
        if kind in layers and layers[kind].inputs[1] != 1:
            return None
        return next((key for key in scene.edges if key.target == node_id), None)

    def _on_move(self, event: QMouseEvent) -> bool:
        here = event.position().toPoint()
        if self._pan_from is not None:
            moved = here - self._pan_from
            self._pan_from = here
            self._view.pan(moved.x(), moved.y())
            return True
        if self._begin and self._is_drag(here):
            self._begun_on = self._stage.editing.graph
            self._gesture, self._begin, self._click = self._begin(), None, None
            self._show_cursor()
        if self._gesture:
            self._gesture.move(self._pointer(event))
            return True
        if not event.buttons():
            self._hover(event)
        return True

    def _on_release(self, event: QMouseEvent) -> bool:
        if self._pan_from is not None:
            self._pan_from = None
            self._show_cursor()
            return True
        gesture, click = self._gesture, self._click
        self._gesture = self._begin = self._click = None
        if event.button() != Qt.MouseButton.LeftButton:
            self._gesture = gesture
            return event.button() != Qt.MouseButton.RightButton
        if gesture:
            gesture.finish(self._pointer(event))
        elif click:
            click()
        self._show_cursor()
        return True

    def _on_double_click(self, event: QMouseEvent) -> bool:
        if event.button() != Qt.MouseButton.LeftButton:
            return True
        self.cancel()
        at = self._view.mapToScene(event.position().toPoint())
        node, edge = self._stage.scene.node_at(at), self._stage.scene.edge_at(at)
        frame = self._stage.scene.frame_at(at) if not node and not edge else None
        if self._toggled:
            self._toggled = False
        elif node and node.face.is_group:
            self._view.groups.fold((node.node_id[:-1],), folded=False)
        elif frame:
            self._view.groups.fold((frame.path,), folded=True)
        elif node:
            self._select_only(node.node_id)
            self._view.rename()
        else:
            self._view.adding.open_quick_add(event.position().toPoint(), edge.key if edge else None)
        return True

    def _on_leave(self, event: QEvent) -> bool:
        self._mark_hovered(None, None)
        return False

    def _on_drag_enter(self, event: QDragMoveEvent) -> bool:
        model = Model.decoded(bytes(event.mimeData().data(MODEL_MIME).data()))
        if model is not None:
            self.cancel()
            self._begun_on = self._stage.editing.graph
            pointer = self._pointer(event)
            self._gesture = DropModel(self._stage, pointer, model, self._view.adding.import_model)
            event.acceptProposedAction()
            return True
        type_id = bytes(event.mimeData().data(LAYER_MIME).data()).decode(errors="replace")
        if type_id not in self._stage.editing.session.catalog.layers:
            event.ignore()
            return True
        self.cancel()
        self._begun_on = self._stage.editing.graph
        self._gesture = DropLayer(self._stage, self._pointer(event), type_id)
        event.acceptProposedAction()
        return True

    def _on_drag_move(self, event: QDragMoveEvent) -> bool:
        if not isinstance(self._gesture, DropLayer | DropModel):
            event.ignore()
            return True
        self._gesture.move(self._pointer(event))
        event.acceptProposedAction()
        return True

    def _on_drag_leave(self, event: QEvent) -> bool:
        self.cancel()
        return True

    def _on_drop(self, event: QDropEvent) -> bool:
        gesture, self._gesture = self._gesture, None
        if not isinstance(gesture, DropLayer | DropModel):
            event.ignore()
            return True
        gesture.finish(self._pointer(event))
        event.acceptProposedAction()
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        return True

    def _hover(self, event: QMouseEvent) -> None:
        scene, at = self._stage.scene, self._pointer(event).at
        edge = None
        node = scene.node_at(at)
        if node is None:
            found = scene.edge_at(at)
            edge = found.key if found else None
        port = scene.port_at(at, PORT_REACH) if node or not edge else None
        self._mark_hovered(node, edge)
        self._show_cursor(Qt.CursorShape.CrossCursor if port else None)

    def _mark_hovered(self, node: NodeItem | None, edge: EdgeKey | None) -> None:
        scene = self._stage.scene
        if node is not self._hovered_node:
            if self._hovered_node and self._hovered_node.node_id in scene.nodes:
                self._hovered_node.show_state(hovered=False)
            if node:
                node.show_state(hovered=True)
            self._hovered_node = node
        if edge != self._hovered_edge:
            for key, state in ((self._hovered_edge, ""), (edge, "hovered")):
                if key in scene.edges and key != scene.chosen_edge:
                    scene.edges[key].show_state(state)
            self._hovered_edge = edge

    def _select(self, start: Pointer, *keys: str) -> None:
        if not start.modifiers & _ADDS:
            self._select_only(*keys)
            return
        chosen, own = self._stage.editing.selection, self._stage.scene.folding.layers(keys)
        kept = [i for i in chosen if i not in own]
        if not set(own) <= set(chosen):
            kept += own
        self._stage.editing.select(kept)

    def _select_only(self, *keys: str) -> None:
        self._stage.editing.select(self._stage.scene.folding.layers(keys))

    def _choose(self, edge: EdgeItem) -> None:
        self._select_only()
        self._stage.scene.choose_edge(edge.key)

    def _is_drag(self, here: QPoint) -> bool:
        far = (here - self._press).manhattanLength()
        return far >= min(QApplication.startDragDistance(), 4)

    def _pointer(self, event: QMouseEvent | QDropEvent) -> Pointer:
        return Pointer(self._view.mapToScene(event.position().toPoint()), event.modifiers())

    def _show_cursor(self, shape: Qt.CursorShape | None = None) -> None:
        if self._pan_from is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self.space_held:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._gesture:
            shape = self._gesture.cursor
        self._view.viewport().setCursor(shape or Qt.CursorShape.ArrowCursor)
