"""Edits: pure functions from one experiment to the next.

Illegal edits raise EditError and change nothing. An edit that changes nothing returns the same
object, so that the history can drop it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from workbench.document.changes import is_same
from workbench.document.graph import Graph, Node, is_identifier
from workbench.errors import UserError, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from workbench.document.experiment import Experiment

_S = TypeVar("_S", bound=msgspec.Struct)


class EditError(UserError):
    """The edit would make the document meaningless."""


def replace(experiment: Experiment, **changes: Any) -> Experiment:
    """Return the experiment with top-level fields replaced, checked against their bounds.

    Raises:
        EditError: a value is outside its bounds or of the wrong type.
    """
    return _checked(experiment, changes)


def set_training(experiment: Experiment, **changes: Any) -> Experiment:
    """Return the experiment with training settings replaced; raises EditError like `replace`."""
    return replace(experiment, training=_checked(experiment.training, changes))


def set_data(experiment: Experiment, **changes: Any) -> Experiment:
    """Return the experiment with data settings replaced; raises EditError like `replace`."""
    return replace(experiment, data=_checked(experiment.data, changes))


def correct_samples(experiment: Experiment, labels: Mapping[str, str | None]) -> Experiment:
    """Give samples, by their ids, another class, or leave them out (None)."""
    return set_data(experiment, corrections={**experiment.data.corrections, **labels})


def revert_corrections(experiment: Experiment, ids: Collection[str]) -> Experiment:
    """Believe the source again about samples, by their ids."""
    gone = set(ids)
    kept = {key: label for key, label in experiment.data.corrections.items() if key not in gone}
    return set_data(experiment, corrections=kept)


def add_node(experiment: Experiment, node: Node) -> Experiment:
    """Add a node. Its inputs must exist and its id must be new and an identifier."""
    graph = experiment.graph
    _check_id(node.id, graph)
    for source in node.inputs:
        _check_exists(graph, source)
    return _with_nodes(experiment, (*graph.nodes, node))


def remove_nodes(experiment: Experiment, ids: Collection[str]) -> Experiment:
    """Remove nodes. What takes one output alone is bridged, so that a chain stays whole."""
    graph = experiment.graph
    gone = {node_id for node_id in ids if node_id in graph}

    def resolve(source: str) -> str | None:
        reached, waiting, seen = set[str](), [source], set[str]()
        while waiting:
            at = waiting.pop()
            if at not in gone:
                reached.add(at)
            elif at not in seen:
                seen.add(at)
                waiting += graph[at].inputs
        return reached.pop() if len(reached) == 1 else None

    def mended(node: Node) -> Node:
        if gone.isdisjoint(node.inputs):
            return node
        kept = (resolve(source) for source in node.inputs)
        return msgspec.structs.replace(node, inputs=tuple(s for s in kept if s is not None))

    if not gone:
        return experiment
    return _with_nodes(experiment, (mended(n) for n in graph.nodes if n.id not in gone))


def bypass(experiment: Experiment, ids: Collection[str]) -> Experiment:
    """Let what follows some nodes take their input instead; the nodes stay beside the way.

    Raises:
        EditError: what one of them, or all of them together, takes is not one output; or nothing
            follows any of them.
    """
    graph = experiment.graph
    passed = {node_id for node_id in ids if node_id in graph}
    before = _passed_on(graph, passed)
    if not any(set(graph.successors[node_id]) - passed for node_id in passed):
        raise EditError("Nothing follows these layers.", "They are out of the way already.")

    def mended(node: Node) -> Node:
        if node.id in passed or passed.isdisjoint(node.inputs):
            return node
        return msgspec.structs.replace(node, inputs=tuple(map(before, node.inputs)))

    return _with_nodes(experiment, map(mended, graph.nodes))


def _passed_on(graph: Graph, passed: Collection[str]) -> Callable[[str], str]:
    """Return what tells which output takes the place of one that is bypassed."""
    several = [node_id for node_id in passed if len(graph[node_id].inputs) != 1]
    if not several:

        def before(source: str) -> str:
            while source in passed:
                source = graph[source].inputs[0]
            return source

        return before
    outside = {s for node_id in passed for s in graph[node_id].inputs if s not in passed}
    if len(outside) != 1 or any(not graph[node_id].inputs for node_id in several):
        what, count = several[0], len(graph[several[0]].inputs)
        if len(passed) > 1:
            what, count = "What is selected", len(outside)
        raise EditError(
            f"{what} cannot be bypassed: it has {count} inputs.",
            "Only what takes one layer's output can be left out of the way.",
        )
    (only,) = outside
    return lambda source: only if source in passed else source


def change_type(
    experiment: Experiment, node_id: str, type_id: str, params: Mapping[str, Any]
) -> Experiment:
    """Make a node another kind of layer, with other settings, in its place."""
    return update_node(experiment, node_id, type=type_id, params=dict(params))


def connect(
    experiment: Experiment, source: str, target: str, index: int | None = None
) -> Experiment:
    """Connect `source` to `target`: as input `index`, replacing what is there, or as one more."""
    graph = experiment.graph
    _check_exists(graph, source)
    _check_exists(graph, target)
    if target in graph.upstream(source):
        raise EditError(
            f"Connecting {source} to {target} would close a cycle.",
            "A layer cannot depend on its own output.",
        )
    inputs = list(graph[target].inputs)
    if index is None or index >= len(inputs):
        inputs.append(source)
    else:
        inputs[index] = source
    return update_node(experiment, target, inputs=tuple(inputs))


def disconnect(experiment: Experiment, target: str, index: int) -> Experiment:
    """Remove input `index` of `target`."""
    _check_exists(experiment.graph, target)
    inputs = experiment.graph[target].inputs
    if not 0 <= index < len(inputs):
        raise EditError(f"{target} has no input {index + 1}.")
    return update_node(experiment, target, inputs=inputs[:index] + inputs[index + 1 :])


def insert_on_edge(experiment: Experiment, node: Node, target: str, index: int) -> Experiment:
    """Put a new node between `target` and what feeds its input `index`."""
    graph = experiment.graph
    _check_exists(graph, target)
    if not 0 <= index < len(graph[target].inputs):
        raise EditError(f"{target} has no input {index + 1}.")
    source = graph[target].inputs[index]
    added = add_node(experiment, msgspec.structs.replace(node, inputs=(source,)))
    return connect(added, node.id, target, index)


def update_node(experiment: Experiment, node_id: str, **changes: Any) -> Experiment:
    """Replace fields of a node other than its id (see `rename`)."""
    graph = experiment.graph
    _check_exists(graph, node_id)
    if "id" in changes:
        raise EditError("A layer's name is changed by renaming it.")
    return _map_nodes(experiment, {node_id: lambda node: _checked(node, changes)})


def without_adapters(experiment: Experiment) -> Experiment:
    """Remove the LoRA adapters of all layers, which are trained themselves again."""
    adapted = [node.id for node in experiment.graph.nodes if node.lora is not None]
    if not adapted:
        return experiment
    remove = {node_id: lambda node: _checked(node, {"lora": None}) for node_id in adapted}
    return _map_nodes(experiment, remove)


def set_parameter(
    experiment: Experiment, node_id: str, name: str, value: Any, default: Any = msgspec.UNSET
) -> Experiment:
    """Set one parameter of a layer; a value equal to `default` is left out of the document."""
    _check_exists(experiment.graph, node_id)
    params = dict(experiment.graph[node_id].params)
    if default is not msgspec.UNSET and value == default and type(value) is type(default):
        params.pop(name, None)
    else:
        params[name] = value
    return update_node(experiment, node_id, params=params)


def rename(experiment: Experiment, node_id: str, new_id: str) -> Experiment:
    """Give a node another id and follow it in every connection; its loaded weights stay its own."""
    graph = experiment.graph
    _check_exists(graph, node_id)
    if new_id == node_id:
        return experiment
    _check_id(new_id, graph)

    def renamed(node: Node) -> Node:
        inputs = tuple(new_id if source == node_id else source for source in node.inputs)
        own = new_id if node.id == node_id else node.id
        if own == node.id and inputs == node.inputs:
            return node
        return msgspec.structs.replace(node, id=own, inputs=inputs)

    if experiment.start is not None:
        start = experiment.start.renamed(node_id, new_id)
        experiment = msgspec.structs.replace(experiment, start=start)
    return _with_nodes(experiment, map(renamed, graph.nodes))


def move(experiment: Experiment, positions: Mapping[str, tuple[float, float]]) -> Experiment:
    """Place nodes on the canvas."""

    def placed(position: tuple[float, float]) -> Callable[[Node], Node]:
        return lambda node: _checked(node, {"position": position})

    known = {key: placed(at) for key, at in positions.items() if key in experiment.graph}
    return _map_nodes(experiment, known)


def paste(
    experiment: Experiment,
    nodes: Iterable[Node],
    offset: tuple[float, float] = (0.0, 0.0),
    folded: Collection[str] = (),
) -> tuple[Experiment, tuple[str, ...]]:
    """Add copies under new ids; connections among them are kept, others dropped.

    A copied group gets an unused name. Copies start from the seed, not from loaded weights.

    Args:
        folded: groups among `nodes` that are shown as one node.

    Returns:
        The experiment, and the ids of the copies in the order of `nodes`.
    """
    copied = tuple(nodes)
    graph = experiment.graph
    names: dict[str, str] = {}
    for node in copied:
        names[node.id] = graph.unused_id(node.id.rstrip("0123456789") or "layer")
        graph = Graph((*graph.nodes, msgspec.structs.replace(node, id=names[node.id], inputs=())))
    groups = _fresh_groups(copied, experiment.graph)
    fresh = (
        msgspec.structs.replace(
            node,
            id=names[node.id],
            inputs=tuple(names[source] for source in node.inputs if source in names),
            position=(node.position[0] + offset[0], node.position[1] + offset[1]),
            group=groups[node.group],
        )
        for node in copied
    )
    if experiment.start is not None and names:
        start = experiment.start.without(names.values())
        experiment = msgspec.structs.replace(experiment, start=start)
    if folded:
        outer = {group.partition("/")[0]: new.partition("/")[0] for group, new in groups.items()}
        parts = (path.partition("/") for path in folded)
        kept = (outer.get(first, first) + slash + rest for first, slash, rest in parts)
        experiment = msgspec.structs.replace(experiment, folded=(*experiment.folded, *kept))
    return _with_nodes(experiment, (*experiment.graph.nodes, *fresh)), tuple(names.values())


def _fresh_groups(nodes: Iterable[Node], graph: Graph) -> dict[str, str]:
    """Return by the group of a copy the one it gets: the same within another outermost one."""
    taken = {node.group.partition("/")[0] for node in graph.nodes}
    fresh: dict[str, str] = {"": ""}
    outer: dict[str, str] = {}
    for node in nodes:
        first, slash, rest = node.group.partition("/")
        if first and first not in outer:
            stem = first.rstrip("0123456789")
            number, name = 1, first
            while name in taken:
                number += 1
                name = f"{stem}{number}"
            taken.add(name)
            outer[first] = name
        if first:
            fresh[node.group] = outer[first] + slash + rest
    return fresh


def _with_nodes(experiment: Experiment, nodes: Iterable[Node]) -> Experiment:
    return msgspec.structs.replace(experiment, graph=Graph(tuple(nodes)))


def _map_nodes(experiment: Experiment, changes: Mapping[str, Callable[[Node], Node]]) -> Experiment:
    nodes = tuple(
        changes[node.id](node) if node.id in changes else node for node in experiment.graph.nodes
    )
    if all(new is old for new, old in zip(nodes, experiment.graph.nodes, strict=True)):
        return experiment
    return _with_nodes(experiment, nodes)


def _checked(value: _S, changes: Mapping[str, Any]) -> _S:
    """Return the struct with fields replaced; bounds are checked, which constructors do not do."""
    types = _field_types(type(value))
    changed: dict[str, Any] = {}
    for name, new in changes.items():
        if name not in types:
            raise EditError(f"There is no setting called {name}.")
        old = getattr(value, name)
        if old is not new and not is_same(old, found := _converted(name, new, types[name])):
            changed[name] = found
    return msgspec.structs.replace(value, **changed) if changed else value


@lru_cache(maxsize=64)
def _field_types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the types of a struct's fields; looking them up takes a millisecond."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _converted(name: str, new: Any, wanted: Any) -> Any:
    """Return the value as a file would give it back: checked, and lists instead of tuples."""
    title = name.replace("_", " ").capitalize()
    try:
        if not _is_finite(msgspec.to_builtins(new)):
            raise EditError(f"{title} must be an ordinary number, not {new}.")
        return msgspec.convert(msgspec.json.decode(msgspec.json.encode(new)), wanted)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as error:
        raise EditError(f"{title} cannot be {new!r}: {in_words(error)}.") from error


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_finite, value))


def _check_exists(graph: Graph, node_id: str) -> None:
    if node_id not in graph:
        raise EditError(f"There is no layer called {node_id}.")


def _check_id(node_id: str, graph: Graph) -> None:
    if not is_identifier(node_id):
        raise EditError(
            f"“{node_id}” cannot name a layer.",
            "Use letters, digits and underscores, beginning with a letter.",
        )
    if node_id in graph:
        raise EditError(f"A layer called {node_id} exists already.", "Choose another name.")
