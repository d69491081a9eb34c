"""Mirrors the open network as items, changing only what is another object than before."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QGraphicsScene

from widgets.canvas import geometry
from widgets.canvas.edge_item import EdgeItem, EdgeKey, EdgeStyle
from widgets.canvas.face import make_face
from widgets.canvas.node_item import NodeItem
from widgets.canvas.node_style import NodeStyle
from workbench.document.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from widgets.canvas.geometry import Position
    from widgets.theme import Theme
    from workbench.analysis.problems import Report
    from workbench.document.graph import Node
    from workbench.plugin_api.network import ResolvedNode
    from workbench.plugin_api.problems import Problem
    from workbench.session import Session

_MARGIN = 20_000.0
"""How far one can scroll beyond the network."""


class NetworkScene(QGraphicsScene):
    """One item a layer, one item a connection.

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
        self._graph = Graph()
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
        """The network the items show."""
        return self._graph

    def mirror(self) -> None:
        """Make the items show the present experiment and report."""
        graph, report = self._session.document.experiment.graph, self._session.document.report
        if graph is self._graph and report is self._report:
            return
        old, self._graph, self._report = self._graph, graph, report
        if graph is not old:
            self._mirror_graph(old)
        self._mirror_faces(report)
        self._on_selection_changed()
        self.mirrored.emit()
        if graph is not old and len(graph) > 1 and _share_nothing(old, graph):
            self.replaced.emit()

    def node_at(self, point: QPointF) -> NodeItem | None:
        """Return the topmost layer under a point."""
        found = self.items(point)
        return next((item for item in found if isinstance(item, NodeItem)), None)

    def edge_at(self, point: QPointF, reach: float = 6.0) -> EdgeItem | None:
        """Return the connection within `reach` of a point, unless a layer covers it."""
        if self.node_at(point):
            return None
        box = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        found = [item for item in self.items(box) if isinstance(item, EdgeItem)]
        return found[0] if found else None

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
        """Return the ids of the layers that touch a box, in the document's order."""
        touched = {item.node_id for item in self.items(box) if isinstance(item, NodeItem)}
        return [node.id for node in self._graph.nodes if node.id in touched]

    def content(self) -> QRectF:
        """Return the box around all layers."""
        return geometry.bounds(item.place for item in self.nodes.values())

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

    def mirror_places(self, ids: Iterable[str]) -> None:
        """Put layers back to where the document has them."""
        self.preview({i: self._graph[i].position for i in ids if i in self._graph})

    def mark_found(self, ids: Iterable[str]) -> None:
        """Outline the layers that a search found."""
        found = set(ids)
        for node_id, item in self.nodes.items():
            item.show_state(found=node_id in found)

    def _mirror_graph(self, old: Graph) -> None:
        graph = self._graph
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

    def _mirror_edges(self, *, reroute: bool) -> None:
        wanted = {
            EdgeKey(source, node.id, index)
            for node in self._graph.nodes
            for index, source in enumerate(node.inputs)
            if source in self._graph
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
        for node in self._graph.nodes:
            resolved = report.resolution.by_id.get(node.id)
            problems = by_node.get(node.id, ())
            shown = self._shown.get(node.id)
            if shown and shown[0] is node and shown[2] == problems and _alike(shown[1], resolved):
                continue
            self._shown[node.id] = (node, resolved, problems)
            face = make_face(node, resolved, problems, self._session.catalog)
            self.nodes[node.id].show_face(face)

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
        chosen = set(self._session.document.selection)
        for node_id, item in self.nodes.items():
            item.show_state(chosen=node_id in chosen)
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
        for edge in self.edges.values():
            edge.restyle(self._edge_style)


def _share_nothing(old: Graph, new: Graph) -> bool:
    known = {id(node) for node in old.nodes}
    return not any(id(node) in known for node in new.nodes)


def _alike(one: ResolvedNode | None, other: ResolvedNode | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.output, one.parameters, one.multiply_adds) == (
        other.output,
        other.parameters,
        other.multiply_adds,
    )
