"""Mirrors the open network as items, changing only what is another object than before."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QGraphicsScene

from widgets.canvas import geometry
from widgets.canvas.edge_item import EdgeItem, EdgeKey, EdgeStyle
from widgets.canvas.face import NodeFace, grouped, make_face, make_group_face
from widgets.canvas.frame_item import FrameItem
from widgets.canvas.node_item import NodeItem
from widgets.canvas.node_style import NodeStyle
from workbench.analysis.group_layout import frames
from workbench.document.groups import FACE, Folding, enclosing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from widgets.canvas.geometry import Position
    from widgets.theme import Theme
    from workbench.analysis.problems import Report
    from workbench.document.graph import Graph, Node
    from workbench.plugin_api.network import ResolvedNode
    from workbench.plugin_api.problems import Problem
    from workbench.session import Session

_MARGIN = 20_000.0
"""How far one can scroll beyond the network."""


class NetworkScene(QGraphicsScene):
    """One item a layer or folded group, one a connection, one a frame of an unfolded group.

    Items go by ids of the shown graph, in which a folded group is one node (`Folding`).

    Signals:
        replaced: another network is shown, not the same one edited.
        mirrored: the items show the present experiment again.
    """

    replaced = Signal()
    mirrored = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.nodes: dict[str, NodeItem] = {}
        self.edges: dict[EdgeKey, EdgeItem] = {}
        self.chosen_edge: EdgeKey | None = None
        self._session = session
        self._theme = theme
        self.frames: dict[str, FrameItem] = {}
        self.folding = Folding()
        self._hidden: dict[str, NodeFace] = {}
        self._report: Report | None = None
        self._shown: dict[str, tuple[Node, ResolvedNode | None, tuple[Problem, ...]]] = {}
        self._edges_of: dict[str, set[EdgeKey]] = {}
        self._lanes = geometry.Lanes(())
        self.setSceneRect(-_MARGIN, -_MARGIN, 2 * _MARGIN, 2 * _MARGIN)
        self._make_styles()
        theme.changed.connect(self._on_theme_changed)
        session.document.experiment_changed.connect(self.mirror)
        session.document.report_changed.connect(self.mirror)
        session.document.selection_changed.connect(self._on_selection_changed)
        self.mirror()

    @property
    def graph(self) -> Graph:
        """The network the items show, with groups folded."""
        return self.folding.graph

    def mirror(self) -> None:
        """Make the items show the present experiment and report."""
        folding, report = self._session.document.folding, self._session.document.report
        if folding is self.folding and report is self._report:
            return
        old, self.folding, self._report = self.folding, folding, report
        self._hidden.clear()
        if folding is not old:
            self._mirror_graph(old.graph)
            self._mirror_frames()
        self._mirror_faces(report)
        self._on_selection_changed()
        self.mirrored.emit()
        whole = folding.whole
        if whole is not old.whole and len(whole) > 1 and _share_nothing(old.whole, whole):
            self.replaced.emit()

    def node_at(self, point: QPointF) -> NodeItem | None:
        """Return the topmost layer under a point."""
        found = self.items(point)
        return next((item for item in found if isinstance(item, NodeItem)), None)

    def frame_at(self, point: QPointF) -> FrameItem | None:
        """Return the innermost frame whose title is under a point."""
        found = (item for item in self.items(point) if isinstance(item, FrameItem))
        return next((item for item in found if item.title_box.contains(point)), None)

    def edge_at(self, point: QPointF, reach: float = 6.0) -> EdgeItem | None:
        """Return the nearest connection within `reach` of a point, unless a layer covers it."""
        if self.node_at(point):
            return None
        box = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        found = [item for item in self.items(box) if isinstance(item, EdgeItem)]
        return min(found, key=lambda edge: edge.distance(point), default=None)

    def port_at(self, point: QPointF, reach: float) -> tuple[NodeItem, bool] | None:
        """Return the layer whose port is within `reach`, and whether it is its output port."""
        box = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        best, found = reach * reach, None
        for item in self.items(box):
            if not isinstance(item, NodeItem):
                continue
            for is_output, port in self._ports(item):
                gap = port - point
                distance = QPointF.dotProduct(gap, gap)
                if distance <= best:
                    best, found = distance, (item, is_output)
        return found

    def nodes_in(self, box: QRectF) -> list[str]:
        """Return the ids of the nodes that touch a box, in the document's order."""
        touched = {item.node_id for item in self.items(box) if isinstance(item, NodeItem)}
        return [node.id for node in self.graph.nodes if node.id in touched]

    def content(self) -> QRectF:
        """Return the box around all layers and frames."""
        box = geometry.bounds(item.place for item in self.nodes.values())
        for frame in self.frames.values():
            box = box.united(frame.box)
        return box

    def face(self, node_id: str) -> NodeFace:
        """Return what a layer shows, or would show if its group were unfolded."""
        if node_id in self.nodes:
            return self.nodes[node_id].face
        if node_id not in self._hidden:
            report, node = self._session.document.report, self.folding.whole[node_id]
            problems = [problem for problem in report.problems if problem.node == node_id]
            resolved = report.resolution.by_id.get(node_id)
            self._hidden[node_id] = make_face(node, resolved, problems, self._session.catalog)
        return self._hidden[node_id]

    def choose_edge(self, key: EdgeKey | None) -> None:
        """Mark one connection as chosen, or none."""
        if self.chosen_edge in self.edges:
            self.edges[self.chosen_edge].show_state("")
        self.chosen_edge = key if key in self.edges else None
        if self.chosen_edge:
            self.edges[self.chosen_edge].show_state("chosen")

    def preview(self, places: Mapping[str, Position]) -> None:
        """Show layers elsewhere without editing; `mirror_places` takes it back."""
        for node_id, place in places.items():
            if node_id in self.nodes:
                self.nodes[node_id].setPos(*place)
        self._route(set().union(*(self._edges_of.get(i, set()) for i in places)))
        self._place_frames()

    def mirror_places(self, ids: Iterable[str]) -> None:
        """Put layers back to where the document has them."""
        self.preview({i: self.graph[i].position for i in ids if i in self.graph})

    def mark_found(self, ids: Iterable[str]) -> None:
        """Outline the layers that a search found, or the groups that hide them."""
        found = set(self.folding.shown(ids))
        for node_id, item in self.nodes.items():
            item.show_state(found=node_id in found)

    def _mirror_graph(self, old: Graph) -> None:
        graph = self.graph
        for node_id in [i for i in self.nodes if i not in graph]:
            self.removeItem(self.nodes.pop(node_id))
            self._shown.pop(node_id, None)
        moved = False
        for node in graph.nodes:
            if node.id in old and old[node.id] is node:
                continue
            item = self.nodes.get(node.id) or self._add_node(node.id)
            if item.place != node.position:
                item.setPos(*node.position)
            before = old.by_id.get(node.id)
            moved |= before is None or before.position != node.position
        moved |= len(old) != len(graph)
        if moved:
            self._lanes = geometry.Lanes(item.place for item in self.nodes.values())
            margins = (-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
            self.setSceneRect(self.sceneRect().united(self.content().adjusted(*margins)))
        self._mirror_edges(reroute=moved)

    def _mirror_frames(self) -> None:
        for path in [path for path in self.frames if path not in self.folding.frames]:
            self.removeItem(self.frames.pop(path))
        for path in self.folding.frames:
            if path not in self.frames:
                self.frames[path] = FrameItem(path, self._node_style)
                self.addItem(self.frames[path])
        self._place_frames()

    def _place_frames(self) -> None:
        if not self.frames:
            return
        counts = dict.fromkeys(self.frames, 0)
        for node in self.folding.whole.nodes:
            for path in enclosing(node.group):
                if path in counts:
                    counts[path] += 1
        for path, box in frames(self.folding, lambda key: self.nodes[key].place).items():
            many = "1 layer" if counts[path] == 1 else f"{grouped(counts[path])} layers"
            self.frames[path].place(box, many)

    def _mirror_edges(self, *, reroute: bool) -> None:
        wanted = {
            EdgeKey(source, node.id, index)
            for node in self.graph.nodes
            for index, source in enumerate(node.inputs)
            if source in self.graph
        }
        for key in self.edges.keys() - wanted:
            self.removeItem(self.edges.pop(key))
            for end in (key.source, key.target):
                self._edges_of[end].discard(key)
        fresh = wanted - self.edges.keys()
        for key in fresh:
            item = EdgeItem(key, self._edge_style)
            self.edges[key] = item
            for end in (key.source, key.target):
                self._edges_of.setdefault(end, set()).add(key)
            self.addItem(item)
        if self.chosen_edge not in self.edges:
            self.chosen_edge = None
        self._route(self.edges if reroute else fresh)

    def _mirror_faces(self, report: Report) -> None:
        by_node: dict[str, tuple[Problem, ...]] = {}
        ordered = sorted(report.problems, key=lambda problem: problem.node)
        for node_id, problems in groupby(ordered, key=lambda problem: problem.node):
            by_node[node_id] = tuple(problems)
        for node in self.graph.nodes:
            if node.type == FACE:
                self.nodes[node.id].show_face(self._group_face(node.id, by_node))
                continue
            resolved = report.resolution.by_id.get(node.id)
            problems = by_node.get(node.id, ())
            shown = self._shown.get(node.id)
            if shown and shown[0] is node and shown[2] == problems and _alike(shown[1], resolved):
                continue
            self._shown[node.id] = (node, resolved, problems)
            face = make_face(node, resolved, problems, self._session.catalog)
            self.nodes[node.id].show_face(face)

    def _group_face(self, key: str, problems: Mapping[str, tuple[Problem, ...]]) -> NodeFace:
        report = self._session.document.report
        layers, exits = self.folding.inside[key], self.folding.exits(key)
        known = report.resolution.by_id
        return make_group_face(
            key[:-1],
            [self.folding.whole[i] for i in layers],
            known,
            [problem for i in layers for problem in problems.get(i, ())],
            self._session.catalog,
            end=known.get(exits[0]) if len(exits) == 1 else None,
        )

    def _add_node(self, node_id: str) -> NodeItem:
        item = NodeItem(node_id, self._node_style)
        self.nodes[node_id] = item
        self.addItem(item)
        return item

    def _route(self, keys: Iterable[EdgeKey]) -> None:
        for key in keys:
            start = geometry.output_port(self.nodes[key.source].place)
            end = geometry.input_port(self.nodes[key.target].place)
            lane = self._lanes.around(start, end) if end.y() - start.y() > geometry.ROW else None
            self.edges[key].route(start, end, lane)

    def _ports(self, item: NodeItem) -> list[tuple[bool, QPointF]]:
        ports = []
        if item.face.has_output:
            ports.append((True, geometry.output_port(item.place)))
        if item.face.has_input:
            ports.append((False, geometry.input_port(item.place)))
        return ports

    def _on_selection_changed(self) -> None:
        selected = set(self._session.document.selection)
        chosen = set(self.folding.shown(selected))
        for node_id, item in self.nodes.items():
            item.show_state(chosen=node_id in chosen)
        partly = {
            path
            for node in self.folding.whole.nodes
            if self.frames and node.id not in selected
            for path in enclosing(node.group)
        }
        for path, frame in self.frames.items():
            frame.show_chosen(path not in partly)
        if chosen:
            self.choose_edge(None)

    def _make_styles(self) -> None:
        self._node_style = NodeStyle(self._theme.colors)
        self._edge_style = EdgeStyle(self._theme.colors)
        self.setBackgroundBrush(QBrush(QColor(self._theme.colors.window)))

    def _on_theme_changed(self) -> None:
        self._make_styles()
        for node in self.nodes.values():
            node.restyle(self._node_style)
        for frame in self.frames.values():
            frame.restyle(self._node_style)
        for edge in self.edges.values():
            edge.restyle(self._edge_style)


def _share_nothing(old: Graph, new: Graph) -> bool:
    """Return whether no layer was kept; one that was only moved has its settings still."""
    known = {id(node.params) for node in old.nodes}
    return not any(id(node.params) in known for node in new.nodes)


def _alike(one: ResolvedNode | None, other: ResolvedNode | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.output, one.parameters, one.multiply_adds) == (
        other.output,
        other.parameters,
        other.multiply_adds,
    )
