"""Puts an imported network into an experiment that may have been edited in the meantime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.document.edits import EditError
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Sequence


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """Where on the canvas an imported network is put.

    Attributes:
        at: top left corner of the node that comes there, in scene units.
        source: layer whose output it takes; empty for none.
    """

    at: tuple[float, float]
    source: str = ""


def replaced(
    present: Experiment, base: Experiment, imported: Experiment, landing: Landing | None = None
) -> Experiment:
    """Return the experiment with the imported network in the place of its own.

    Args:
        base: the experiment when the import was asked for; what the import did not change there
            stays as it is at present.
        landing: where the network begins; None leaves it where it is.
    """
    nodes = imported.graph.nodes
    if landing is not None:
        nodes = _moved(nodes, landing.at)
    name = imported.name if present.name == Experiment().name else present.name
    changed = {"name": name, "graph": Graph(nodes), "folded": imported.folded}
    changed |= {"start": imported.start, "assets": imported.assets}
    preparation = imported.data.preprocessing
    if preparation != base.data.preprocessing and present.data.source == base.data.source:
        data = msgspec.structs.replace(present.data, preprocessing=preparation)
        changed["data"] = data
    return msgspec.structs.replace(present, **changed)


def added_nodes(base: Experiment, imported: Experiment) -> tuple[Node, ...]:
    """Return the layers that an import has added."""
    return tuple(node for node in imported.graph.nodes if node.id not in base.graph)


def joined(
    present: Experiment, base: Experiment, imported: Experiment, landing: Landing
) -> Experiment:
    """Return the experiment with the layers that an import added to `base`.

    Layers whose names were taken since get others; layers without inputs take `landing.source`.

    Raises:
        EditError: other weights were loaded since, so that those of the import hold others.
    """
    if _content(present) != _content(base):
        raise EditError(
            "Other weights were loaded while the network was imported.", "Import it once more."
        )
    added = added_nodes(base, imported)
    names: dict[str, str] = {}
    taken = set(present.graph.by_id)
    for node in added:
        name, number = node.id, 1
        while name in taken:
            number += 1
            name = f"{node.id}_{number}"
        taken.add(name)
        names[node.id] = name
    start = imported.start
    if start is not None and present.start is not None:
        start = msgspec.structs.replace(start, names=present.start.names)
    for old, new in names.items():
        if start is not None and old != new:
            start = start.renamed(old, new)
    source = (landing.source,) if landing.source in present.graph else ()
    fresh = [
        msgspec.structs.replace(
            node,
            id=names[node.id],
            inputs=tuple(names[other] for other in node.inputs) or source,
        )
        for node in _moved(added, landing.at)
    ]
    return msgspec.structs.replace(
        present,
        graph=Graph((*present.graph.nodes, *fresh)),
        folded=tuple(dict.fromkeys((*present.folded, *imported.folded))),
        start=start,
        assets=tuple(dict.fromkeys((*present.assets, *imported.assets))),
    )


def _content(experiment: Experiment) -> str:
    return experiment.start.sha256 if experiment.start is not None else ""


def _moved(nodes: Sequence[Node], at: tuple[float, float]) -> tuple[Node, ...]:
    """Return nodes so that a face of them all, or the first of a column, is at a place."""
    left, right = min(n.position[0] for n in nodes), max(n.position[0] for n in nodes)
    top = min(node.position[1] for node in nodes)
    dx, dy = round(at[0] - (left + right) / 2), round(at[1] - top)
    return tuple(
        msgspec.structs.replace(node, position=(node.position[0] + dx, node.position[1] + dy))
        for node in nodes
    )
