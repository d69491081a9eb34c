"""Places of groups: arranging level by level, and making room when one is folded or unfolded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from workbench.analysis.arrange import NODE_HEIGHT, NODE_WIDTH, ROW, Position, arrange
from workbench.document.edits import EditError
from workbench.document.graph import Graph, Node
from workbench.document.grouping import set_folded
from workbench.document.groups import Folding, child, enclosing, fold, is_inside, loose

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from workbench.document.experiment import Experiment

HEADER = 34.0
"""Room above what is in a frame, for its title."""
FOOTER = 14.0
SIDE = 16.0
_GAP = ROW - NODE_HEIGHT


class Box(NamedTuple):
    """A rectangle on the canvas, in scene units."""

    left: float
    top: float
    right: float
    bottom: float


def frames(folding: Folding, place: Callable[[str], Position]) -> dict[str, Box]:
    """Return the frame of each unfolded group around what is shown of it, inner ones included.

    Args:
        place: top left corner of a shown node.
    """
    found: dict[str, Box] = {}
    boxes: dict[str, list[Box]] = {path: [] for path in folding.frames}
    for node in folding.graph.nodes:
        if node.group in boxes:
            x, y = place(node.id)
            boxes[node.group].append(Box(x, y, x + NODE_WIDTH, y + NODE_HEIGHT))
    for path in reversed(folding.frames):  # inner ones come after those around them
        found[path] = _framed(boxes[path])
        around = path.rpartition("/")[0]
        if around in boxes:
            boxes[around].append(found[path])
    return {path: found[path] for path in folding.frames}


def arrange_groups(graph: Graph, folded: Collection[str] = ()) -> dict[str, Position]:
    """Return a place for every layer: each level of groups is arranged on its own.

    An unfolded group keeps a rectangle for itself, a folded one the room of a layer; what is in
    it hangs below its face, as it will be when it is unfolded.

    Raises:
        CycleError: the graph has a cycle.
    """
    graph.order()
    return _level(graph, "", list(graph.nodes), set(folded), loose(graph))


def refold(experiment: Experiment, *paths: str, folded: bool) -> Experiment:
    """Fold or unfold groups; what is below one comes nearer, or makes room.

    Where unfolding would put layers on each other that were apart, all are arranged anew.

    Raises:
        EditError: the face of one would depend on its own output.
    """
    graph, change = experiment.graph, set(experiment.folded)
    shown = fold(graph, change)
    was_clear = not folded and not _overlap(shown, paths)
    for path in paths:
        if folded and path in shown.loose:
            raise EditError(
                f"{path} cannot be folded: what leaves it comes back into it.",
                "Put the layers in between into the group, too, or ungroup it.",
            )
        if path in (change if folded else shown.frames):
            continue
        change = change | {path} if folded else change - {path}
        after = fold(graph, change, shown, shown.loose)
        if path in shown.frames:
            graph = _moved(shown, _closing(shown, path))
        elif f"{path}/" in shown.inside:
            graph = _moved(shown, _opening(shown, after, path))
        shown = fold(graph, change, shown, shown.loose)
    if was_clear and _overlap(shown, paths):
        places = arrange_groups(graph, change)
        graph = Graph(tuple(msgspec.structs.replace(n, position=places[n.id]) for n in graph.nodes))
    if graph is not experiment.graph:
        experiment = msgspec.structs.replace(experiment, graph=graph)
    return set_folded(experiment, change)


def _overlap(folding: Folding, paths: Collection[str]) -> bool:
    """Whether any two of the nodes that are shown lie on each other.

    How nodes lie within one of the groups `paths` is left to whoever placed them so.
    """
    nodes = sorted(folding.graph.nodes, key=lambda node: node.position[1])
    for at, node in enumerate(nodes):
        for below in nodes[at + 1 :]:
            if below.position[1] - node.position[1] >= NODE_HEIGHT:
                break
            together = any(is_inside(node.group, p) and is_inside(below.group, p) for p in paths)
            if not together and abs(below.position[0] - node.position[0]) < NODE_WIDTH:
                return True
    return False


def unfold_to(experiment: Experiment, node_id: str) -> Experiment:
    """Unfold every group that hides a layer."""
    return refold(experiment, *enclosing(experiment.graph[node_id].group), folded=False)


def _moved(shown: Folding, steps: Mapping[str, Position]) -> Graph:
    """Return the network with what shown nodes stand for moved by so much."""
    still = (0.0, 0.0)

    def placed(node: Node) -> Node:
        dx, dy = steps.get(shown.keys[node.id], still)
        place = (node.position[0] + dx, node.position[1] + dy)
        return node if place == node.position else msgspec.structs.replace(node, position=place)

    return Graph(tuple(placed(node) for node in shown.whole.nodes))


def _opening(before: Folding, after: Folding, path: str) -> dict[str, Position]:
    """Return how far nodes move when a face gives way to a frame in its place."""
    key = f"{path}/"
    x, y = before.graph[key].position
    frame = frames(after, lambda i: after.graph[i].position)[path]
    to_frame = (x + NODE_WIDTH / 2 - (frame.left + frame.right) / 2, y - frame.top)
    steps: dict[str, Position] = {key: (round(to_frame[0]), round(to_frame[1]))}
    grown = frame.bottom - frame.top - NODE_HEIGHT
    middle, half = x + NODE_WIDTH / 2, (frame.right - frame.left) / 2
    beside: dict[int, dict[str, float]] = {-1: {}, 1: {}}
    for node_id, box in _units(before, path).items():
        if box.top > y + NODE_HEIGHT / 2:
            steps[node_id] = (0.0, grown)
        elif box.bottom > y and (box.left + box.right) / 2 != middle:
            is_right = (box.left + box.right) / 2 > middle
            free = box.left - middle if is_right else middle - box.right
            beside[1 if is_right else -1][node_id] = free
    for side, rooms in beside.items():
        push = max(half + _GAP - min(rooms.values(), default=half + _GAP), 0.0)
        steps |= dict.fromkeys(rooms, (side * push, 0.0))
    return steps


def _units(folding: Folding, path: str) -> dict[str, Box]:
    """Return what moves as one with each node but a group's face: its outermost frame, or itself.

    A frame around the group itself is none.
    """
    place = {node.id: node.position for node in folding.graph.nodes}
    around = frames(folding, place.__getitem__)
    found: dict[str, Box] = {}
    for node in folding.graph.nodes:
        outer = (g for g in enclosing(node.group) if g in around and not is_inside(path, g))
        left, top = node.position
        own = Box(left, top, left + NODE_WIDTH, top + NODE_HEIGHT)
        if node.id != f"{path}/":
            found[node.id] = around.get(next(outer, ""), own)
    return found


def _closing(before: Folding, path: str) -> dict[str, Position]:
    """Return how far nodes move when a frame gives way to a face at its upper edge."""
    frame = frames(before, lambda i: before.graph[i].position)[path]
    own = {n.id for n in before.graph.nodes if is_inside(before.path(n.id), path)}
    x, y = _middle(before.whole[i].position for i in before.layers(own))
    to_face = (round((frame.left + frame.right - NODE_WIDTH) / 2 - x), round(frame.top - y))
    steps: dict[str, Position] = dict.fromkeys(own, to_face)
    others = [node for node in before.graph.nodes if node.id not in own]
    face_bottom = frame.top + NODE_HEIGHT
    beside = [n.position[1] for n in others if frame.top <= n.position[1] < frame.bottom]
    gone = frame.bottom - max([face_bottom, *(y + NODE_HEIGHT for y in beside)])
    for node in others:
        if node.position[1] >= frame.bottom and gone > 0:
            steps[node.id] = (0.0, -gone)
    return steps


def _level(
    graph: Graph,
    level: str,
    nodes: Sequence[Node],
    folded: Collection[str],
    cannot: Collection[str],
) -> dict[str, Position]:
    """Arrange what is in a group: its layers, and its groups as one node each."""
    inside: dict[str, list[Node]] = {}
    keys: dict[str, str] = {}
    for node in nodes:
        path = child(node.group, level, cannot)
        keys[node.id] = f"{path}/" if path else node.id
        if path:
            inside.setdefault(f"{path}/", []).append(node)
    inner = {key: _level(graph, key[:-1], own, folded, cannot) for key, own in inside.items()}
    open_keys = [key for key in inside if key[:-1] not in folded]
    boxes = {key: _drawn(inside[key], inner[key], key[:-1], folded) for key in open_keys}
    sizes = {key: (box.right - box.left, box.bottom - box.top) for key, box in boxes.items()}
    places = arrange(_quotient(nodes, keys), sizes)
    found: dict[str, Position] = {}
    for key, (x, y) in places.items():
        if key not in inside:
            found[key] = (x, y)
            continue
        own = inner[key].values()
        corner = (boxes[key].left, boxes[key].top) if key in boxes else _middle(own)
        for node_id, (left, top) in inner[key].items():
            found[node_id] = (round(left + x - corner[0]), round(top + y - corner[1]))
    return found


def _quotient(nodes: Sequence[Node], keys: Mapping[str, str]) -> Graph:
    """Return the graph of a level, in which each group is one node."""
    inputs: dict[str, dict[str, None]] = {}
    for node in nodes:
        key = keys[node.id]
        sources = [keys[source] for source in node.inputs if source in keys]
        inputs.setdefault(key, {}).update(dict.fromkeys(s for s in sources if s != key))
    return Graph(tuple(Node(key, "", inputs=tuple(own)) for key, own in inputs.items()))


def _drawn(
    own: Sequence[Node], places: Mapping[str, Position], path: str, folded: Collection[str]
) -> Box:
    """Return the frame of an arranged group, with the groups in it as they are folded."""
    nodes = tuple(msgspec.structs.replace(n, position=places[n.id]) for n in own)
    inner = [other for other in folded if other != path and is_inside(other, path)]
    folding = fold(Graph(nodes), inner)
    return frames(folding, lambda i: folding.graph[i].position)[path]


def _framed(boxes: Sequence[Box]) -> Box:
    left, top = min(b.left for b in boxes), min(b.top for b in boxes)
    right, bottom = max(b.right for b in boxes), max(b.bottom for b in boxes)
    return Box(left - SIDE, top - HEADER, right + SIDE, bottom + FOOTER)


def _middle(places: Iterable[Position]) -> Position:
    """Return the place of the face of a folded group, as `fold` has it."""
    known = list(places)
    left, right = min(x for x, _ in known), max(x for x, _ in known)
    return (left + right) / 2, min(y for _, y in known)
