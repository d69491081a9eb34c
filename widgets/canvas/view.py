"""The canvas: shows the network, and offers everything one can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QCursor,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QToolTip, QWidget

from widgets.canvas import clipboard, geometry, menus, walking
from widgets.canvas.editing import Editing
from widgets.canvas.find_bar import FindBar
from widgets.canvas.gestures.base import Stage
from widgets.canvas.gestures.drop import landing_at
from widgets.canvas.gestures.drop_model import landing_of_model
from widgets.canvas.groups import Groups
from widgets.canvas.keyboard import CanvasKeys
from widgets.canvas.live import LivePictures
from widgets.canvas.minimap import Minimap
from widgets.canvas.network_view import NetworkView
from widgets.canvas.pointer import PointerFilter
from widgets.canvas.quick_add import QuickAdd
from widgets.canvas.rename_field import RenameField
from workbench.analysis.group_layout import arrange_groups
from workbench.document import edits
from workbench.document.graph import Graph
from workbench.document.grouping import detached
from workbench.document.groups import fold
from workbench.document.joining import Landing
from workbench.session.message import Message

if TYPE_CHECKING:
    from widgets.canvas.edge_item import EdgeKey
    from widgets.canvas.gestures.drop_model import Model
    from widgets.canvas.walking import Direction
    from widgets.theme import Theme
    from workbench.document.experiment import Experiment
    from workbench.document.graph import Node
    from workbench.session import Session

_NUDGE = 8
_HINT = "Drag a layer or a network here, or press Space and type a layer's name"


class CanvasView(NetworkView):
    """The network of the open experiment.

    Attributes:
        editing: the edits that the canvas makes.
        groups: the commands for groups.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(session, theme, parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Network")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.viewport().setMouseTracking(True)
        self.editing = Editing(session)
        self.groups = Groups(self)
        self._session = session
        self._theme = theme
        stage = Stage(
            self.network,
            self.editing,
            theme,
            self._say,
            lambda: self.scale_factor,
            self.visible_area,
        )
        self._stage = stage
        self._pointer = PointerFilter(self, stage)
        self._keys = CanvasKeys(self)
        self._quick_add = QuickAdd(session.catalog, theme, self)
        self._quick_add_at = QPoint()
        self._quick_add_edge: EdgeKey | None = None
        self._swapped: str | None = None
        self._find_bar = FindBar(self.network, theme, self)
        self._rename_field = RenameField(self._rename, self)
        self._minimap = Minimap(self.network, theme, self)
        self._live = LivePictures(session, self)
        self._hint = self._make_hint()
        self._quick_add.chosen.connect(self._on_layer_chosen)
        self._quick_add.closed.connect(self.setFocus)
        self._find_bar.reached.connect(self.show_node)
        self._find_bar.closed.connect(self.setFocus)
        self.network.replaced.connect(self._on_replaced)
        self.network.mirrored.connect(self._on_mirrored)
        session.document.selection_changed.connect(self._on_selection_changed)

    # --- actions -------------------------------------------------------------------------

    def tidy(self) -> None:
        """Arrange all layers from top to bottom, group by group, as one edit."""
        folded = self._session.document.experiment.folded

        def tidied(experiment: Experiment) -> Experiment:
            return edits.move(experiment, arrange_groups(experiment.graph, folded))

        if self.editing.apply(tidied, "Tidy"):
            self.show_start()

    def delete_selection(self) -> None:
        """Remove the chosen connection, or the selected layers."""
        if self.network.chosen_edge:
            self.editing.disconnect(self.network.chosen_edge)
        else:
            self.editing.remove(self.editing.selection)

    def copy(self) -> None:
        """Put the selected layers on the clipboard, as text."""
        if self.editing.selection:
            chosen = set(self.editing.selection)
            text = clipboard.to_text(self._session.document.experiment, chosen)
            QGuiApplication.clipboard().setText(text)

    def cut(self) -> None:
        """Move the selected layers to the clipboard."""
        self.copy()
        self.editing.remove(self.editing.selection, "Cut")

    def paste(self) -> None:
        """Add the layers that are on the clipboard."""
        nodes, folded = clipboard.from_text(QGuiApplication.clipboard().text())
        if nodes:
            self._paste(nodes, folded, "Paste", self.visible_area())
        else:
            self._session.messaged.emit(Message("info", "There are no layers on the clipboard."))

    def duplicate(self) -> None:
        """Add copies of the selected layers beside them."""
        nodes, folded = detached(self._session.document.experiment, self.editing.selection)
        if nodes:
            self._paste(nodes, folded, "Duplicate")

    def select_all(self) -> None:
        """Select every layer."""
        self.editing.select(node.id for node in self.editing.graph.nodes)

    def select_downstream(self, key: str) -> None:
        """Select what a node shows, and everything that depends on it."""
        found = self.network.graph.downstream(key)
        keys = [node.id for node in self.network.graph.nodes if node.id in found]
        self.editing.select(self.network.folding.layers(keys))

    def rename(self) -> None:
        """Edit the name of the selected layer, or group, in its place."""
        if path := self.editing.group:
            frame = self.network.frames.get(path)
            box = frame.title_box if frame else self.box(f"{path}/")
            box.setWidth(min(box.width(), geometry.NODE_WIDTH))
            self.reveal(box)
            at = self.mapFromScene(box).boundingRect()
            self._rename_field.open(f"{path}/", at, path.rpartition("/")[2])
        elif self.editing.selection:
            node_id = self.editing.selection[-1]
            self.unhide(node_id)
            box = self.box(node_id)
            self.reveal(box)
            self._rename_field.open(node_id, self.mapFromScene(box).boundingRect())

    def toggle_trainable(self) -> None:
        """Freeze the selected layers, or unfreeze them."""
        self.editing.toggle_trainable(self.editing.selection)

    def bypass(self) -> None:
        """Let what follows the selected layers take their input instead."""
        self.editing.bypass(self.editing.selection)

    def swap_type(self) -> None:
        """Open the search box; its choice takes the place of the selected layer."""
        if self.editing.selection:
            node_id = self.editing.selection[-1]
            self.unhide(node_id)
            box = self.box(node_id)
            self.reveal(box)
            self._swapped = node_id
            self._quick_add_edge = None
            corner = self.mapFromScene(box).boundingRect().bottomLeft()
            self._quick_add.open(corner, f"What {node_id} becomes")

    def find(self) -> None:
        """Open the find bar."""
        self._find_bar.open()

    def add_layer(self, type_id: str) -> None:
        """Add a layer behind the selected one; with none selected, at the network's only end."""
        middle = self.visible_area().center()
        place = (middle.x() - geometry.NODE_WIDTH / 2, middle.y() - geometry.NODE_HEIGHT / 2)
        if self.editing.add_after_selection(type_id, place):
            self._reveal_selection()

    def import_model(self, model: Model, landing: Landing | None = None) -> None:
        """Import a network in the background, to where it was dropped, or into view."""
        if landing is None:
            middle = self.visible_area().center()
            middle.setY(middle.y() - geometry.ROW if self.network.nodes else 0.0)
            place, _ = landing_of_model(self._stage, middle)
            landing = Landing(at=place)
        info, models = self._session.data.info, self._session.models
        if models.is_busy:
            text = "Another network is being imported."
            self._session.messaged.emit(Message("info", text, "Wait for it, or cancel it first."))
            return
        text = f"{model.title or model.source} is being imported."
        self._session.messaged.emit(Message("info", text, "You can go on meanwhile."))
        classes = len(info.classes) if info is not None else 0
        models.start(
            model.source,
            published=model.published,
            classes=classes if classes > 1 else 0,
            landing=landing,
        )

    def open_quick_add(self, at: QPoint | None = None, edge: EdgeKey | None = None) -> None:
        """Open the search box at a point of the view; its choice goes there, or into `edge`."""
        if at is None:
            at = self.mapFromGlobal(QCursor.pos())
            if not self.rect().contains(at):
                at = self.rect().center()
        self._quick_add_at, self._quick_add_edge, self._swapped = at, edge, None
        self._quick_add.open(at)

    def nudge(self, dx: int, dy: int) -> None:
        """Move the selected layers by a small step; a series of steps is one edit."""
        graph = self.editing.graph
        places = {
            i: (graph[i].position[0] + dx * _NUDGE, graph[i].position[1] + dy * _NUDGE)
            for i in self.editing.selection
        }
        if places:
            self.editing.move(places, merge_key=f"nudge {' '.join(sorted(places))}")

    def walk(self, direction: Direction) -> None:
        """Select the next layer along a connection, or the first one."""
        folding = self.network.folding
        chosen = folding.shown(self.editing.selection)
        if chosen:
            reached = walking.neighbour(folding.graph, chosen[-1], direction)
            self.editing.select(folding.layers((reached,)))
        elif folding.graph.nodes:
            self.editing.select(folding.layers((folding.graph.nodes[0].id,)))

    def escape(self) -> None:
        """Break off a gesture; else close the find bar; else deselect."""
        if self._pointer.cancel():
            return
        if self._find_bar.isVisible():
            self._find_bar.close_bar()
            return
        self.network.choose_edge(None)
        self._session.document.select(())

    # --- events --------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Act on a key, or leave it to the window."""
        if event.key() == Qt.Key.Key_Space and not event.modifiers():
            if not event.isAutoRepeat():
                self._pointer.hold_space(True)
        elif not self._keys.press(event):
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Open the search box when the space bar was not used for panning."""
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            event.ignore()
        elif self._pointer.space_held:
            self._pointer.hold_space(False)
            if not self._pointer.has_panned:
                self.open_quick_add()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget held keys."""
        self._pointer.hold_space(False)
        super().focusOutEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab walk through the layers while one is selected; past the last it moves on."""
        folding = self.network.folding
        chosen = folding.shown(self.editing.selection)
        # Qt calls this also when a hidden child gives its focus away.
        if chosen and self.hasFocus():
            reached = walking.following(folding.graph, chosen[-1], 1 if forward else -1)
            if reached != chosen[-1]:
                self.editing.select(folding.layers((reached,)))
                return True
        return super().focusNextPrevChild(forward)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of what is under the pointer, or of the selection."""
        self._pointer.cancel()
        at = self.mapToScene(event.pos())
        node, edge = self.network.node_at(at), self.network.edge_at(at)
        folding = self.network.folding
        chosen = folding.shown(self.editing.selection)
        if event.reason() == QContextMenuEvent.Reason.Keyboard and chosen:
            menu = menus.node_menu(self, chosen[-1])
        elif node:
            if node.node_id not in chosen:
                self.editing.select(folding.layers((node.node_id,)))
            menu = menus.node_menu(self, node.node_id)
        elif edge:
            self.network.choose_edge(edge.key)
            menu = menus.edge_menu(self, edge.key, event.pos())
        else:
            menu = menus.canvas_menu(self, event.pos())
        menu.popup(event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what lies over the canvas in its place."""
        super().resizeEvent(event)
        self._place_hint()
        self._find_bar.place()

    # --- inside --------------------------------------------------------------------------

    def _paste(
        self,
        nodes: tuple[Node, ...],
        folded: tuple[str, ...],
        title: str,
        visible: QRectF | None = None,
    ) -> None:
        copies = fold(Graph(nodes), folded).graph.nodes
        shift = clipboard.offset(copies, self.network.graph, visible)
        if self.editing.paste(nodes, shift, title, folded):
            self._reveal_selection()

    def _on_layer_chosen(self, type_id: str) -> None:
        edge, swapped = self._quick_add_edge, self._swapped
        if swapped is not None:
            if swapped in self.editing.graph:
                self.editing.swap_type(swapped, type_id)
            return
        if edge in self.network.edges:
            self.editing.insert(type_id, edge)
        elif self.editing.selection:
            self.add_layer(type_id)
        else:
            landing = landing_at(self._stage, type_id, self.mapToScene(self._quick_add_at))
            sources = self.network.folding.exits(landing.source) if landing.source else ()
            self.editing.append(type_id, sources, landing.place)
        self._reveal_selection()

    def _on_replaced(self) -> None:
        self._pointer.cancel()

    def _on_mirrored(self) -> None:
        self._pointer.cancel_if_outdated()
        self._hint.setVisible(not self.network.nodes)
        self._live.refresh()

    def _on_selection_changed(self) -> None:
        chosen, editing = self.editing.selection, self.editing
        if len(chosen) == 1 and not editing.is_selecting:
            self.unhide(chosen[0])  # somebody else chose it: a problem, a line of code
        keys = self.network.folding.shown(chosen)
        names = [key.rstrip("/") for key in keys]
        self.setAccessibleDescription(", ".join(names) + " selected" if names else "")
        if len(keys) == 1 and not self._pointer.is_busy and self.is_placed:
            box = geometry.node_rect(self.network.graph[keys[0]].position)
            if not self.visible_area().contains(box):
                self.reveal(box)

    def _reveal_selection(self) -> None:
        keys = self.network.folding.shown(self.editing.selection)
        self.reveal(geometry.bounds(self.network.nodes[key].place for key in keys))

    def box(self, key: str) -> QRectF:
        """Return where what a key names is drawn."""
        return geometry.node_rect(self.network.nodes[key].place)

    def _rename(self, old: str, new: str) -> bool:
        if old.endswith("/"):
            return self.editing.rename_group(old[:-1], new)
        return self.editing.rename(old, new)

    def _say(self, text: str) -> None:
        if text:
            QToolTip.showText(QCursor.pos() + QPoint(14, 18), text, self.viewport())
        else:
            QToolTip.hideText()

    def _make_hint(self) -> QLabel:
        label = QLabel(_HINT, self)
        label.setObjectName("canvas_hint")
        label.setProperty("soft", True)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        label.setVisible(not self.network.nodes)
        return label

    def _place_hint(self) -> None:
        self._hint.setGeometry(self.viewport().rect())
