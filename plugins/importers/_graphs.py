"""Small questions about the nodes of exported graphs."""

from __future__ import annotations

from typing import Any


def operation_of(node: Any) -> str:
    """Return ATen's name of what a node of a graph does, without overload."""
    target = getattr(node, "target", None)
    schema = getattr(target, "_schema", None)
    if schema is not None:
        return str(schema.name).split("::")[-1].rstrip("_")
    return str(getattr(target, "__name__", target))


def sweep(graph: Any) -> None:
    """Leave out what nobody uses, unless it changes a value in place.

    The graph's own way keeps all that could draw random numbers.
    """
    for node in reversed(list(graph.nodes)):
        schema = getattr(node.target, "_schema", None)
        changes = schema is not None and str(schema.name).endswith("_")
        if node.op == "call_function" and not node.users and not changes:
            graph.erase_node(node)
