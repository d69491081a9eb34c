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
