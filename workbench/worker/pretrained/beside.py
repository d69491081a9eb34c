"""Adds an imported network to one that is there, as a folded group with weights of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from safetensors import SafetensorError
from safetensors.numpy import load_file

from workbench.analysis.group_layout import arrange_groups
from workbench.analysis.stages import in_stages
from workbench.document.graph import Graph
from workbench.document.grouping import unused
from workbench.document.groups import paths
from workbench.errors import UserError
from workbench.runs.start import find
from workbench.worker.pretrained.keeping import keep_assets, keep_weights

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.document.graph import Node
    from workbench.plugin_api.importer import Imported

_ENDS = ("Input", "Output")


def beside(base: Experiment, imported: Imported, folder: Path) -> Experiment:
    """Return the experiment with the network as one more group, not connected to anything.

    Its Input and Output are left out. Its layers get names that neither the layers there nor the
    weights loaded before have, and one file holds the weights of both.

    Raises:
        UserError: the weights loaded before are gone.
    """
    before = _loaded(base)
    taken = {node.id for node in base.graph.nodes} | {name.partition("/")[0] for name in before}
    inner = in_stages(_without_ends(imported.graph))
    names = _free_names(inner, taken)
    group = unused(imported.name.replace("/", " "), paths(base.graph))
    fresh = Graph(tuple(_added(node, names, group) for node in inner.nodes))
    folded = (*base.folded, *paths(fresh))
    places = arrange_groups(fresh, folded)
    placed = (msgspec.structs.replace(n, position=places[n.id]) for n in fresh.nodes)
    weights = {
        f"{names[node]}/{weight}": array
        for (node, _, weight), array in (
            (name.partition("/"), array) for name, array in imported.weights.items()
        )
        if node in names
    }
    origin = f"{base.start.name} and {imported.name}" if base.start else imported.name
    start = keep_weights(origin, {**before, **weights}, folder)
    if base.start is not None:
        start = msgspec.structs.replace(start, names=base.start.names)
    assets = dict.fromkeys((*base.assets, *keep_assets(imported.assets, folder)))
    return msgspec.structs.replace(
        base,
        graph=Graph((*base.graph.nodes, *placed)),
        folded=folded,
        start=start,
        assets=tuple(assets),
    )


def _loaded(base: Experiment) -> dict[str, NDArray[np.float32]]:
    if base.start is None:
        return {}
    try:
        return dict(load_file(find(base.start)))
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"The weights that were loaded before cannot be read: {error}.",
            "Load them again, or start from the seed; then import the network.",
        ) from error


def _without_ends(graph: Graph) -> Graph:
    ends = {node.id for node in graph.nodes if node.type in _ENDS}
    return Graph(
        tuple(
            msgspec.structs.replace(node, inputs=tuple(s for s in node.inputs if s not in ends))
            for node in graph.nodes
            if node.id not in ends
        )
    )


def _free_names(graph: Graph, taken: Collection[str]) -> dict[str, str]:
    known = set(taken) | {node.id for node in graph.nodes}
    names: dict[str, str] = {}
    for node in graph.nodes:
        name, number = node.id, 1
        while name in taken or (name != node.id and name in known):
            number += 1
            name = f"{node.id}_{number}"
        known.add(name)
        names[node.id] = name
    return names


def _added(node: Node, names: dict[str, str], group: str) -> Node:
    return msgspec.structs.replace(
        node,
        id=names[node.id],
        inputs=tuple(names[source] for source in node.inputs),
        group=f"{group}/{node.group}" if node.group else group,
    )
