"""The canvas: shows the network, and offers everything one can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QCursor,
    QFocusEvent,
    QKeyEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QToolTip, QWidget

from widgets.canvas import geometry, menus, walking
from widgets.canvas.adding import Adding
from widgets.canvas.copying import Copying
from widgets.canvas.editing import Editing
from widgets.canvas.find_bar import FindBar
from widgets.canvas.gestures.base import Stage
from widgets.canvas.groups import Groups
from widgets.canvas.keyboard import CanvasKeys
from widgets.canvas.live import LivePictures
from widgets.canvas.minimap import Minimap
from widgets.canvas.network_view import NetworkView
from widgets.canvas.pointer import PointerFilter
from widgets.canvas.rename_field import RenameField
from workbench.analysis.group_layout import arrange_groups
from workbench.document import edits

if TYPE_CHECKING:
    from widgets.canvas.walking import Direction
    from widgets.theme import Theme
    from workbench.document.experiment import Experiment
    from workbench.session import Session

_NUDGE = 8
_HINT = "Drag a layer or a network here, or press Space and type a layer's name"


class CanvasView(NetworkView):
    """The network of the open experiment.

    Attributes:
        editing: the edits that the canvas makes.
        groups: the commands for groups.
        adding: those for new layers and networks.
        copying: those for copies and the clipboard.
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
        self.adding = Adding(self, stage)
        self.copying = Copying(self)
        self._pointer = PointerFilter(self, stage)
        self._keys = CanvasKeys(self)
        self._find_bar = FindBar(self.network, theme, self)
        self._rename_field = RenameField(self._rename, self)
        self._minimap = Minimap(self.network, theme, self)
        self._live = LivePictures(session, self)
        self._hint = self._make_hint()
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

    def find(self) -> None:
        """Open the find bar."""
        self._find_bar.open()

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
                self.adding.open_quick_add()

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

    def reveal_selection(self) -> None:
        """Bring what is selected into sight."""
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
