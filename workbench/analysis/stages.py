"""Groups of an imported network: from the modules it was written in to stages one can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.document.graph import Graph
from workbench.document.grouping import unused
from workbench.document.groups import common, enclosing, is_inside, loose, paths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SMALLEST = 4
"""Layers in a group; those of smaller ones, such as a convolution with what follows it, stand
for themselves."""
MOST = 0.75
"""Share of the layers around it above which a group tells nothing that the outer one does not."""
_WORDS = {"stages": "stage", "blocks": "block", "layers": "layer"}
_ENDS = ("Input", "Output")


def in_stages(graph: Graph) -> Graph:
    """Return the network with groups by which one finds one's way, outermost ones as stages.

    Modules that only hold other modules are left out, and so are small ones and those that
    cannot be folded. What is before the first stage becomes the stem, what is behind the last
    one the head.
    """
    graph = _joined_up(graph)
    names = _readable(paths(graph))
    graph = _mapped(graph, {node.id: _renamed(node.group, names) for node in graph.nodes})
    while gone := _superfluous(graph):
        graph = _without(graph, gone)
    return _with_ends(graph)


def _joined_up(graph: Graph) -> Graph:
    """Put layers that stand between layers of one group alone into that group."""
    groups = {node.id: node.group for node in graph.nodes}
    changed = True
    while changed:
        changed = False
        for node in graph.nodes:
            around = [*node.inputs, *graph.successors[node.id]]
            if not node.inputs or not graph.successors[node.id]:
                continue
            shared = common(groups[other] for other in around if other in groups)
            if shared != groups[node.id] and is_inside(shared, groups[node.id]):
                groups[node.id], changed = shared, True
    return _mapped(graph, groups)


def _readable(known: Collection[str]) -> dict[str, str]:
    """Return names for modules that have only a number, by path."""
    names: dict[str, str] = {}
    for path in known:
        around, _, last = path.rpartition("/")
        if last.isdigit():
            holds_numbers = any(
                other.startswith(f"{path}/") and other[len(path) + 1 :].isdigit() for other in known
            )
            word = _WORDS.get(around.rpartition("/")[2], "block")
            names[path] = f"{'stage' if holds_numbers else word}{last}"
        elif len(last) == 1 and last.isalpha():
            names[path] = f"{around.rpartition('/')[2]}{last}"
    return names


def _renamed(group: str, names: Mapping[str, str]) -> str:
    return "/".join(names.get(path, path.rpartition("/")[2]) for path in enclosing(group))


def _superfluous(graph: Graph) -> set[str]:
    """Return groups to dissolve: small ones, mere containers, and those that cannot be folded."""
    sizes: dict[str, int] = {}
    for node in graph.nodes:
        for path in enclosing(node.group):
            sizes[path] = sizes.get(path, 0) + 1
    if small := {path for path, size in sizes.items() if size < SMALLEST}:
        return small
    if bad := loose(graph):
        return set(bad)
    around = {path: path.rpartition("/")[0] for path in sizes}
    if same := {p for p, outer in around.items() if outer and sizes[p] > MOST * sizes[outer]}:
        return same
    holders: dict[str, list[str]] = {}
    for path in sizes:
        if any(other.startswith(f"{path}/") for other in sizes):
            holders.setdefault(path.rpartition("/")[0], []).append(path)
    # Stages have numbers; what holds all of them has none: features, blocks, body, encoder.
    return {own[0] for own in holders.values() if len(own) == 1 and not own[0][-1].isdigit()}


def _without(graph: Graph, gone: Collection[str]) -> Graph:
    """Dissolve groups; those in them are in the one around then, under a name of their own."""
    names = {"": ""}
    for path in paths(graph):  # outer ones come first
        around = names[path.rpartition("/")[0]]
        own = path.rpartition("/")[2]
        wanted = f"{around}/{own}" if around else own
        names[path] = around if path in gone else unused(wanted, set(names.values()))
    return _mapped(graph, {node.id: names[node.group] for node in graph.nodes})


def _with_ends(graph: Graph) -> Graph:
    """Give what comes before all groups, and what comes after them, a group of its own."""
    grouped = [node.id for node in graph.nodes if node.group]
    if not grouped:
        return graph
    after = set().union(*(graph.downstream(node_id) for node_id in grouped))
    before = set().union(*(graph.upstream(node_id) for node_id in grouped))
    groups: dict[str, str] = {}
    for name, own in (("stem", before - after), ("head", after - before)):
        ids = [n.id for n in graph.nodes if n.id in own and not n.group and n.type not in _ENDS]
        if len(ids) > 1 and name not in paths(graph):
            groups |= dict.fromkeys(ids, name)
    made = _mapped(graph, groups)
    return made if not loose(made) else graph


def _mapped(graph: Graph, groups: Mapping[str, str]) -> Graph:
    return Graph(
        tuple(
            node
            if groups.get(node.id, node.group) == node.group
            else msgspec.structs.replace(node, group=groups[node.id])
            for node in graph.nodes
        )
    )
