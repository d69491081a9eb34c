"""The edits that the canvas makes, each one undo step with a plain title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from widgets.canvas import geometry
from widgets.canvas.connections import gives, takes
from widgets.canvas.edge_item import EdgeKey
from widgets.canvas.face import stem
from workbench.analysis import retraining
from workbench.analysis.group_layout import refold
from workbench.catalog import configured
from workbench.document import edits, grouping
from workbench.document.edits import EditError
from workbench.document.graph import Graph, Node
from workbench.document.groups import common
from workbench.errors import UserError
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from widgets.canvas.geometry import Position
    from workbench.document.experiment import Experiment
    from workbench.document.groups import Folding, Wire
    from workbench.plugin_api.layer import Layer
    from workbench.session import Session

    Change = Callable[[Experiment], Experiment]


class Editing:
    """Changes the open network; an illegal edit becomes a message and changes nothing."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.is_selecting = False

    @property
    def graph(self) -> Graph:
        """The present network."""
        return self.session.document.experiment.graph

    @property
    def folding(self) -> Folding:
        """The network as it is shown, with groups folded."""
        return self.session.document.folding

    @property
    def group(self) -> str:
        """The group that is selected, all of it and nothing else; empty for none."""
        return self.session.document.group

    def select(self, ids: Iterable[str]) -> None:
        """Select layers because a person pointed at them, or at the groups that hide them."""
        self.is_selecting = True
        try:
            self.session.document.select(ids)
        finally:
            self.is_selecting = False

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
            self.select(select)
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
        shown = self.folding.graph
        node = self.new_node(type_id, between(shown, key))
        ends = (shown[end].group for end in (key.source, key.target))
        node = msgspec.structs.replace(node, group=common(ends))
        return self._add(insertion(self.folding, node, key), "Insert", node)

    def add_after_selection(self, type_id: str, elsewhere: Position) -> bool:
        """Add a layer behind the selected ones: at an end, or into the only way on."""
        kind = self.session.catalog.layers[type_id]
        chosen = self.folding.shown(self.selection)
        sources = [i for key in chosen for i in self.folding.exits(key) if self._gives(i)]
        ends = [node.id for node in self.graph.nodes if self._is_open_end(node)]
        if not sources and len(ends) == 1:
            sources = ends
        most = kind.inputs[1]
        sources = sources[: len(sources) if most is None else most]
        if not takes(kind) or not sources:
            taken = (node.position for node in self.folding.graph.nodes)
            done = self.add(type_id, geometry.free_place(elsewhere, taken))
            if done and takes(kind) and len(self.graph.nodes) > 1:
                self._say_alone(kind.title, len(ends))
            return done
        if len(sources) == 1 and gives(kind):
            shown, (source,) = self.folding.graph, self.folding.shown(sources)
            onward = shown.successors[source]
            if len(onward) == 1:
                return self.insert(type_id, edge_between(shown, source, onward[0]))
        return self.append(type_id, sources, below(self.folding, sources))

    def connect(self, source: str, target: str) -> bool:
        """Let one layer feed another."""
        title = f"Connect {source} to {target}"
        return self.apply(lambda e: edits.connect(e, source, target), title)

    def reconnect(self, key: EdgeKey, target: str) -> bool:
        """Let a connection lead to another layer."""
        wires = self.folding.wires[key]
        title = f"Connect {wires[0].source} to {target}"
        return self.apply(lambda e: edits.connect(cut(wires)(e), wires[0].source, target), title)

    def disconnect(self, key: EdgeKey) -> bool:
        """Remove a connection; one of a folded group may be several."""
        ends = [end.rstrip("/") for end in (key.source, key.target)]
        return self.apply(cut(self.folding.wires[key]), f"Disconnect {ends[0]} from {ends[1]}")

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
        folding = self.folding

        def changed(experiment: Experiment) -> Experiment:
            places = [node.position for node in folding.graph.nodes]
            aside: dict[str, Position] = {}
            for key in folding.shown(ids):
                x, y = folding.graph[key].position
                free = geometry.free_place((x + geometry.COLUMN, y), places)
                places.append(free)
                for node_id in folding.layers((key,)):
                    at_x, at_y = folding.whole[node_id].position
                    aside[node_id] = (at_x + free[0] - x, at_y)
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
        return self.apply(lambda e: edits.rename(e, old, new), f"Rename {old} to {new}", chosen)

    def paste(
        self, nodes: Sequence[Node], shift: Position, verb: str, folded: Collection[str] = ()
    ) -> bool:
        """Add copies of layers, and say so where they do not start from loaded weights."""
        document = self.session.document
        names = edits.paste(document.experiment, nodes, shift)[1]
        what = f"{verb} {len(nodes)} layers" if len(nodes) > 1 else f"{verb} {nodes[0].id}"
        done = self.apply(lambda e: edits.paste(e, nodes, shift, folded)[0], what, names)
        known = document.report.resolution.by_id
        weighted = any(node.id in known and known[node.id].weights for node in nodes)
        if done and weighted and document.experiment.start is not None:
            which = f"The copy, {names[0]}, starts" if len(names) == 1 else "The copies start"
            text = f"{which} from the seed: loaded weights belong to one layer each."
            self.session.messaged.emit(Message("info", text))
        return done

    def make_group(self, ids: Collection[str]) -> str:
        """Put layers into a new group, and return its path; empty if that was refused."""
        made: list[str] = []

        def changed(experiment: Experiment) -> Experiment:
            after, path = grouping.group(experiment, ids)
            made[:] = [path]
            return after

        return made[0] if self.apply(changed, f"Group {count(ids)}") else ""

    def ungroup(self, paths: Sequence[str]) -> bool:
        """Dissolve groups; folded ones are unfolded first, so that their layers have room."""

        def changed(experiment: Experiment) -> Experiment:
            for path in paths:
                opened = refold(experiment, path, folded=False)
                experiment = grouping.ungroup(opened, path)
            return experiment

        return bool(paths) and self.apply(changed, f"Ungroup {', '.join(paths[:3])}")

    def rename_group(self, path: str, name: str) -> bool:
        """Give a group another name."""
        return self.apply(
            lambda e: grouping.rename_group(e, path, name), f"Rename {path} to {name}"
        )

    def fold(self, paths: Iterable[str], *, folded: bool) -> bool:
        """Fold groups, or unfold them; no step of undo."""
        wanted = tuple(paths)
        look = self.session.document.look
        return self.session.attempt(lambda: look(lambda e: refold(e, *wanted, folded=folded)))

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

    def freeze_up_to_here(self) -> bool:
        """Freeze the selected layers and everything before them."""
        return self._retrain(retraining.freeze_up_to, "Freeze up to")

    def unfreeze_from_here(self) -> bool:
        """Train the selected layers and everything after them."""
        return self._retrain(retraining.unfreeze_from, "Unfreeze from")

    def _retrain(self, edit: Callable[..., Experiment], verb: str) -> bool:
        network, ids = self.session.document.report.network, self.selection
        title = f"{verb} {self.group or count(ids)}"
        return bool(ids) and self.apply(lambda e: edit(e, network, *ids), title)

    def _add(self, change: Change, verb: str, node: Node) -> bool:
        return self.apply(change, f"{verb} {self.title(node.type)}", select=(node.id,))

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


def insertion(folding: Folding, node: Node, key: EdgeKey) -> Change:
    """Return the edit that puts a node into a shown connection and moves what follows down.

    It raises EditError where several outputs run there, which happens between folded groups.
    """

    def changed(experiment: Experiment) -> Experiment:
        first, *others = folding.wires[key]
        if any(wire.source != first.source for wire in others):
            raise EditError(
                f"Several outputs of {key.source.rstrip('/')} run here.",
                "Unfold it, and put the layer behind one of them.",
            )
        inserted = edits.insert_on_edge(experiment, node, first.target, first.place)
        for wire in others:
            inserted = edits.connect(inserted, node.id, wire.target, wire.place)
        shown = folding.graph
        room = node.position[1] + geometry.ROW - shown[key.target].position[1]
        if room <= 0:
            return inserted
        later = folding.layers(shown.downstream(key.target))
        positions = {i: folding.whole[i].position for i in later}
        return edits.move(inserted, {i: (x, y + room) for i, (x, y) in positions.items()})

    return changed


def cut(wires: Sequence[Wire]) -> Change:
    """Return the edit that removes connections."""

    def changed(experiment: Experiment) -> Experiment:
        for wire in sorted(wires, key=lambda wire: -wire.place):
            experiment = edits.disconnect(experiment, wire.target, wire.place)
        return experiment

    return changed


def between(graph: Graph, key: EdgeKey) -> Position:
    """Return where a layer goes that is put into a connection."""
    start, end = graph[key.source].position, graph[key.target].position
    if end[1] - start[1] >= 2 * geometry.ROW:
        return ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    branches = graph.successors[key.source]
    return (start[0] if len(branches) == 1 else end[0], start[1] + geometry.ROW)


def below(folding: Folding, sources: Sequence[str]) -> Position:
    """Return a free place under some layers, or under what shows them."""
    graph = folding.graph
    places = [graph[key].position for key in folding.shown(sources)]
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
