"""Which connections are allowed, which are doubtful, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.analysis.shapes import resolve
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.document.graph import Graph, Node
    from workbench.document.groups import Folding
    from workbench.plugin_api.layer import Layer
    from workbench.session import Session


def refusal(graph: Graph, catalog: Catalog, source: str, target: str) -> str:
    """Return why `source` cannot feed `target`; empty when it can."""
    if source == target:
        return "A layer cannot feed itself."
    end = _kind(catalog, graph[source])
    if end and not gives(end):
        return f"{end.title} is the end of the network: it has no output."
    kind = _kind(catalog, graph[target])
    if kind and kind.inputs[1] == 0:
        return f"{kind.title} takes no input."
    if source in graph[target].inputs:
        return f"{source} feeds {target} already."
    if target in graph.upstream(source):
        return f"This would close a cycle: {target} leads to {source}."
    if kind and is_full(graph[target], kind):
        wanted = "one input" if kind.inputs[1] == 1 else f"{kind.inputs[1]} inputs"
        return f"{kind.title} takes {wanted}. Join several first with Add or Concatenate."
    return ""


def ambiguous(folding: Folding, source: str, target: str) -> str:
    """Return why folded groups must be unfolded to connect them; empty when they need not."""
    for key, ends, what in (
        (source, folding.exits(source), "give an output"),
        (target, folding.entries(target), "take an input"),
    ):
        if len(ends) != 1:
            name = key.rstrip("/").rpartition("/")[2]
            return f"{len(ends)} layers in {name} {what}. Unfold it to choose one."
    return ""


def gives(kind: type[Layer]) -> bool:
    """Return whether other layers can take this kind's output."""
    return kind.id != "Output"


def takes(kind: type[Layer]) -> bool:
    """Return whether this kind has an input."""
    return kind.inputs[1] != 0


def is_full(node: Node, kind: type[Layer]) -> bool:
    """Return whether a layer has as many inputs as it can take."""
    return kind.inputs[1] is not None and len(node.inputs) >= kind.inputs[1]


def misfit(session: Session, change: Callable[[Experiment], Experiment]) -> str:
    """Return what an edit would break that is whole now, as a sentence; empty for nothing."""
    document = session.document
    known = {(p.node, p.message) for p in document.report.resolution.problems}
    info = session.data.info
    try:
        graph = change(document.experiment).graph
        after = resolve(graph, session.catalog, info.input if info else None)
    except UserError as error:
        return error.message
    fresh = (p for p in after.problems if (p.node, p.message) not in known)
    return next((f"{p.message} {p.hint}".strip() for p in fresh), "")


def _kind(catalog: Catalog, node: Node) -> type[Layer] | None:
    known = node.type in catalog.layers
    return catalog.layers[node.type] if known else None
