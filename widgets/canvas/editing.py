"""The edits that the canvas makes, each one undo step with a plain title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from widgets.canvas import geometry
from widgets.canvas.connections import gives, takes
from widgets.canvas.edge_item import EdgeKey
from widgets.canvas.face import stem
from workbench.catalog import configured
from workbench.document import edits
from workbench.document.graph import Graph, Node
from workbench.errors import UserError
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from widgets.canvas.geometry import Position
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.layer import Layer
    from workbench.session import Session

    Change = Callable[[Experiment], Experiment]


class Editing:
    """Changes the open network; an illegal edit becomes a message and changes nothing."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def graph(self) -> Graph:
        """The present network."""
        return self.session.document.experiment.graph

    @property
    def selection(self) -> tuple[str, ...]:
        """Ids of the selected layers."""
        return self.session.document.selection

    def apply(
        self,
        change: Change,
        title: str,
        select: Collection[str] | None = None,
        merge_key: str = "",
    ) -> bool:
        """Make one edit and select what it is about; False if it was refused."""
        document = self.session.document
        if not merge_key:
            document.seal()
        done = self.session.attempt(lambda: document.edit(change, title, merge_key))
        if done and select is not None:
            document.select(select)
        return done

    def new_node(self, type_id: str, position: Position) -> Node:
        """Return a layer with default settings and an unused name."""
        name = self.graph.unused_id(stem(self.title(type_id)))
        return Node(name, type_id, position=(round(position[0]), round(position[1])))

    def title(self, type_id: str) -> str:
        """Return what people call a kind of layer."""
        layers = self.session.catalog.layers
        return layers[type_id].title if type_id in layers else type_id

    def add(self, type_id: str, position: Position) -> bool:
        """Add a layer alone."""
        node = self.new_node(type_id, position)
        return self._add(lambda e: edits.add_node(e, node), "Add", node)

    def append(self, type_id: str, sources: Sequence[str], position: Position) -> bool:
        """Add a layer that takes the outputs of `sources`."""
        node = msgspec.structs.replace(self.new_node(type_id, position), inputs=tuple(sources))
        return self._add(lambda e: edits.add_node(e, node), "Add", node)

    def insert(self, type_id: str, key: EdgeKey) -> bool:
        """Put a layer into a connection and make room for it."""
        node = self.new_node(type_id, between(self.graph, key))
        return self._add(insertion(node, key), "Insert", node)

    def add_after_selection(self, type_id: str, elsewhere: Position) -> bool:
        """Add a layer behind the selected ones: at an end, or into the only way on."""
        kind = self.session.catalog.layers[type_id]
        sources = [i for i in self.selection if self._gives(i)]
        ends = [node.id for node in self.graph.nodes if self._is_open_end(node)]
        if not sources and len(ends) == 1:
            sources = ends
        most = kind.inputs[1]
        sources = sources[: len(sources) if most is None else most]
        if not takes(kind) or not sources:
            taken = (node.position for node in self.graph.nodes)
            done = self.add(type_id, geometry.free_place(elsewhere, taken))
            if done and takes(kind) and len(self.graph.nodes) > 1:
                self._say_alone(kind.title, len(ends))
            return done
        if len(sources) == 1 and gives(kind):
            onward = self.graph.successors[sources[0]]
            if len(onward) == 1:
                return self.insert(type_id, edge_between(self.graph, sources[0], onward[0]))
        return self.append(type_id, sources, below(self.graph, sources))

    def connect(self, source: str, target: str) -> bool:
        """Let one layer feed another."""
        title = f"Connect {source} to {target}"
        return self.apply(lambda e: edits.connect(e, source, target), title)

    def reconnect(self, key: EdgeKey, target: str) -> bool:
        """Let a connection lead to another layer."""
        title = f"Connect {key.source} to {target}"
        return self.apply(lambda e: edits.connect(cut(key)(e), key.source, target), title)

    def disconnect(self, key: EdgeKey) -> bool:
        """Remove a connection."""
        return self.apply(cut(key), f"Disconnect {key.source} from {key.target}")

    def move(self, places: Mapping[str, Position], merge_key: str = "") -> bool:
        """Place layers elsewhere."""
        return self.apply(
            lambda e: edits.move(e, places), f"Move {count(places)}", merge_key=merge_key
        )

    def remove(self, ids: Collection[str], verb: str = "Delete") -> bool:
        """Remove layers; chains stay whole."""
        return bool(ids) and self.apply(
            lambda e: edits.remove_nodes(e, ids), f"{verb} {count(ids)}", select=()
        )

    def bypass(self, ids: Collection[str]) -> bool:
        """Let what follows layers take their input, and move them out of the way."""

        def changed(experiment: Experiment) -> Experiment:
            places = [node.position for node in experiment.graph.nodes]
            aside: dict[str, Position] = {}
            for node_id in ids:
                x, y = experiment.graph[node_id].position
                aside[node_id] = geometry.free_place((x + geometry.COLUMN, y), places)
                places.append(aside[node_id])
            return edits.move(edits.bypass(experiment, ids), aside)

        return bool(ids) and self.apply(changed, f"Bypass {count(ids)}")

    def swap_type(self, node_id: str, type_id: str) -> bool:
        """Make a layer another kind in its place; settings that both kinds have are kept.

        A name that only told the kind tells the new one.
        """
        node, kind = self.graph[node_id], self.session.catalog.layers[type_id]
        kept = {name: value for name, value in node.params.items() if _fits(kind, name, value)}
        old_stem, new_stem = stem(self.title(node.type)), stem(kind.title)
        is_plain = node_id.rstrip("0123456789") == old_stem != new_stem
        name = self.graph.unused_id(new_stem) if is_plain else node_id

        def changed(experiment: Experiment) -> Experiment:
            swapped = edits.change_type(experiment, node_id, type_id, kept)
            return edits.rename(swapped, node_id, name)

        return self.apply(changed, f"Make {node_id} {kind.title}", select=(name,))

    def rename(self, old: str, new: str) -> bool:
        """Give a layer another name."""
        chosen = [new if i == old else i for i in self.selection]
        loses = new != old and self._starts_from_a_file(old)
        done = self.apply(lambda e: edits.rename(e, old, new), f"Rename {old} to {new}", chosen)
        if done and loses:
            text = f"The loaded weights of {old} do not follow: {new} starts from the seed now."
            hint = "Undo the renaming, or load the weights again by their order."
            self.session.messaged.emit(Message("warning", text, hint))
        return done

    def toggle_trainable(self, ids: Collection[str]) -> bool:
        """Freeze layers, or unfreeze them if all of them are frozen."""
        known = [i for i in ids if i in self.graph]
        freeze = any(self.graph[i].trainable for i in known)

        def changed(experiment: Experiment) -> Experiment:
            for node_id in known:
                experiment = edits.update_node(experiment, node_id, trainable=not freeze)
            return experiment

        verb = "Freeze" if freeze else "Unfreeze"
        return bool(known) and self.apply(changed, f"{verb} {count(known)}")

    def _add(self, change: Change, verb: str, node: Node) -> bool:
        return self.apply(change, f"{verb} {self.title(node.type)}", select=(node.id,))

    def _starts_from_a_file(self, node_id: str) -> bool:
        document = self.session.document
        known = document.report.resolution.by_id.get(node_id)
        return document.experiment.start is not None and bool(known and known.weights)

    def _say_alone(self, title: str, ends: int) -> None:
        """Say why a layer was added without a connection, and how to get one."""
        why = f"{ends} layers could feed it" if ends else "no layer has a free output"
        hint = "Drag from a layer's lower port to it, or select a layer before adding."
        self.session.messaged.emit(Message("info", f"{title} is not connected: {why}.", hint))

    def _gives(self, node_id: str) -> bool:
        layers = self.session.catalog.layers
        kind = self.graph[node_id].type
        return kind in layers and gives(layers[kind])

    def _is_open_end(self, node: Node) -> bool:
        return not self.graph.successors[node.id] and self._gives(node.id)


def _fits(kind: type[Layer], name: str, value: Any) -> bool:
    try:
        configured(kind, {name: value})
    except UserError:
        return False
    return True


def insertion(node: Node, key: EdgeKey) -> Change:
    """Return the edit that puts a node into a connection and moves what follows down."""

    def changed(experiment: Experiment) -> Experiment:
        graph = experiment.graph
        room = node.position[1] + geometry.ROW - graph[key.target].position[1]
        inserted: Any = edits.insert_on_edge(experiment, node, key.target, key.index)
        if room <= 0:
            return inserted
        later = graph.downstream(key.target)
        places = {i: (graph[i].position[0], graph[i].position[1] + room) for i in later}
        return edits.move(inserted, places)

    return changed


def cut(key: EdgeKey) -> Change:
    """Return the edit that removes a connection."""
    return lambda experiment: edits.disconnect(experiment, key.target, key.index)


def between(graph: Graph, key: EdgeKey) -> Position:
    """Return where a layer goes that is put into a connection."""
    start, end = graph[key.source].position, graph[key.target].position
    if end[1] - start[1] >= 2 * geometry.ROW:
        return ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    branches = graph.successors[key.source]
    return (start[0] if len(branches) == 1 else end[0], start[1] + geometry.ROW)


def below(graph: Graph, sources: Sequence[str]) -> Position:
    """Return a free place under some layers."""
    places = [graph[i].position for i in sources]
    middle = sum(x for x, _ in places) / len(places)
    lowest = max(y for _, y in places)
    taken = [node.position for node in graph.nodes]
    return geometry.free_place((middle, lowest + geometry.ROW), taken)


def edge_between(graph: Graph, source: str, target: str) -> EdgeKey:
    """Return the first connection from one layer to another."""
    return EdgeKey(source, target, graph[target].inputs.index(source))


def count(ids: Collection[str]) -> str:
    """Name what an edit is about: the layer, or how many."""
    return next(iter(ids)) if len(ids) == 1 else f"{len(ids)} layers"
