"""Edits of groups: make one, dissolve one, rename one, fold and unfold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.document.edits import EditError
from workbench.document.graph import Graph
from workbench.document.groups import child, common, enclosing, is_inside, loose, members, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from workbench.document.experiment import Experiment
    from workbench.document.graph import Node

LONGEST = 60
"""Characters in the name of a group."""


def group(experiment: Experiment, ids: Collection[str], name: str = "") -> tuple[Experiment, str]:
    """Put layers into a new group within the innermost one that holds them all.

    Returns:
        The experiment, and the path of the group.

    Raises:
        EditError: there are none, a group is only partly among them, they are a group already, or
            the group would depend on its own output.
    """
    graph = experiment.graph
    chosen = {node_id for node_id in ids if node_id in graph}
    if not chosen:
        raise EditError("Nothing is selected.", "Select the layers that belong together.")
    around = common(graph[node_id].group for node_id in chosen)
    _check_whole(graph, chosen, around)
    path = unused(_joined(around, name or "group"), paths(graph), numbered=not name)

    def inner(group: str) -> str:
        return _joined(path, group[len(around) :].lstrip("/"))

    changed = _mapped(experiment, chosen, lambda node: _with_group(node, inner(node.group)))
    if fresh := loose(changed.graph) - loose(graph):
        raise _cycle_error(graph, chosen, fresh, path)
    within = {p for i in chosen for p in enclosing(graph[i].group)} - set(enclosing(around))
    kept = tuple(inner(other) if other in within else other for other in experiment.folded)
    return msgspec.structs.replace(changed, folded=kept), path


def ungroup(experiment: Experiment, path: str) -> Experiment:
    """Dissolve a group; its layers and groups are in the one around it then.

    Raises:
        EditError: there is no such group.
    """
    graph = experiment.graph
    own = _members(graph, path)
    around = path.rpartition("/")[0]
    taken = [other for other in paths(graph) if not is_inside(other, path)]
    inner = dict.fromkeys(child(graph[i].group, path) for i in own if graph[i].group != path)
    names: dict[str, str] = {path: around}
    for old in inner:
        names[old] = unused(_joined(around, old.rpartition("/")[2]), taken)
        taken.append(names[old])
    changed = _mapped(experiment, own, lambda node: _renamed(node, names))
    kept = tuple(_new_path(other, names) for other in experiment.folded if other != path)
    return msgspec.structs.replace(changed, folded=kept)


def rename_group(experiment: Experiment, path: str, name: str) -> Experiment:
    """Give a group another name.

    Raises:
        EditError: the name is empty, too long, has a slash or is taken beside it.
    """
    graph = experiment.graph
    own = _members(graph, path)
    name = " ".join(name.split())
    if not name or "/" in name or len(name) > LONGEST:
        raise EditError(
            f"“{name}” cannot name a group.",
            f"Use up to {LONGEST} characters, without a slash.",
        )
    new = _joined(path.rpartition("/")[0], name)
    if new == path:
        return experiment
    if new in paths(graph):
        raise EditError(f"A group called {new} exists already.", "Choose another name.")
    names = {path: new}
    changed = _mapped(experiment, own, lambda node: _renamed(node, names))
    kept = tuple(_new_path(other, names) for other in experiment.folded)
    return msgspec.structs.replace(changed, folded=kept)


def set_folded(experiment: Experiment, folded: Iterable[str]) -> Experiment:
    """Say which groups are folded; those that do not exist are left out."""
    wanted = set(folded)
    kept = tuple(path for path in paths(experiment.graph) if path in wanted)
    return (
        experiment
        if kept == experiment.folded
        else msgspec.structs.replace(experiment, folded=kept)
    )


def unused(path: str, taken: Collection[str], *, numbered: bool = False) -> str:
    """Return a path that is not taken, with a number if need be or if wished."""
    number, found = 1, f"{path}1" if numbered else path
    while found in taken:
        number += 1
        found = f"{path}{number}" if numbered else f"{path} {number}"
    return found


def detached(
    experiment: Experiment, ids: Collection[str]
) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """Return layers to be copied, and which of their groups are folded.

    They are connected among each other alone, and in groups that are whole.
    """
    graph, chosen = experiment.graph, set(ids)
    partly = {p for node in graph.nodes if node.id not in chosen for p in enclosing(node.group)}

    def inner(group: str) -> str:
        whole = next((path for path in enclosing(group) if path not in partly), "")
        outside = whole.rpartition("/")[0]
        return group[len(outside) :].lstrip("/") if whole else ""

    def copied(node: Node) -> Node:
        inputs = tuple(source for source in node.inputs if source in chosen)
        return msgspec.structs.replace(node, inputs=inputs, group=inner(node.group))

    nodes = tuple(copied(node) for node in graph.nodes if node.id in chosen)
    known = {path for i in chosen if i in graph for path in enclosing(graph[i].group)} - partly
    return nodes, tuple(inner(path) for path in experiment.folded if path in known)


def _check_whole(graph: Graph, chosen: set[str], around: str) -> None:
    inner = {child(graph[i].group, around) for i in chosen} - {""}
    for path in inner:
        if not set(members(graph, path)) <= set(chosen):
            raise EditError(
                f"Only a part of {path} is selected.",
                "Select all of it, or layers of that group alone.",
            )
    if around and set(chosen) == set(members(graph, around)):
        raise EditError(f"These layers are a group already: {around}.")


def _cycle_error(
    graph: Graph, chosen: Collection[str], fresh: Collection[str], path: str
) -> EditError:
    after = set().union(*(graph.downstream(i) for i in chosen)) - set(chosen)
    before = set().union(*(graph.upstream(i) for i in chosen)) - set(chosen)
    through = next((node.id for node in graph.nodes if node.id in after & before), "")
    others = sorted(set(fresh) - {path})
    via = through or (others[0] if others else "other layers")
    return EditError(
        f"These layers cannot be one group: what leaves it comes back into it through {via}.",
        "Select the layers in between, too." if through else "Ungroup the other one first.",
    )


def _members(graph: Graph, path: str) -> set[str]:
    own = set(members(graph, path)) if path else set()
    if not own:
        raise EditError(f"There is no group called {path}.")
    return own


def _joined(around: str, name: str) -> str:
    return f"{around}/{name}" if around and name else around or name


def _with_group(node: Node, path: str) -> Node:
    return node if path == node.group else msgspec.structs.replace(node, group=path)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    return _with_group(node, _new_path(node.group, names))


def _new_path(path: str, names: Mapping[str, str]) -> str:
    """Return a path with the innermost group around it that has a new one replaced."""
    known = [old for old in enclosing(path) if old in names]
    return _joined(names[known[-1]], path[len(known[-1]) :].lstrip("/")) if known else path


def _mapped(
    experiment: Experiment, ids: Collection[str], change: Callable[[Node], Node]
) -> Experiment:
    nodes = (change(node) if node.id in ids else node for node in experiment.graph.nodes)
    return msgspec.structs.replace(experiment, graph=Graph(tuple(nodes)))
