"""Where the tensors of an ONNX graph come from, and how their channels lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST = (
    *("Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "LpPool"),
    *("GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization"),
    *("GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth", "Upsample"),
)
"""Operators that have the channels before their places."""
LAST = ("MatMul", "Gemm", "LayerNormalization", "MatMulInteger", "QLinearMatMul")


def sources_of(node: Any) -> set[str]:
    """Return the tensors that a node and the graphs in it read."""
    found = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            found.update(value.name for value in graph.output)
            for inner in graph.node:
                found |= sources_of(inner)
    return found


def channel_places(
    graph: Any, entry: str, shapes: Mapping[str, tuple[int, ...]], *, is_last: bool
) -> dict[str, bool]:
    """Return, of each tensor of samples with several axes, whether its channels come first.

    Convolutions have them first, products of matrices last; transpositions change that, and most
    other operators leave it as it was.
    """
    found = {entry: not is_last}
    for node in graph.node:
        for output in node.output:
            rank = len(shapes.get(output, ()))
            if rank > 1:
                found[output] = _is_first(node, rank, found, shapes, is_last=is_last)
    return found


def _is_first(
    node: Any,
    rank: int,
    found: Mapping[str, bool],
    shapes: Mapping[str, tuple[int, ...]],
    *,
    is_last: bool,
) -> bool:
    if node.op_type in FIRST:
        return True
    if node.op_type in LAST:
        return False
    known = [n for n in node.input if n in found and len(shapes.get(n, ())) in (0, rank)]
    if node.op_type == "Transpose" and node.attribute:
        order = list(node.attribute[0].ints)
        if order[1:] == [rank, *range(1, rank)]:
            return True
        if order[1:] == [*range(2, rank + 1), 1]:
            return rank == 2 and not found.get(node.input[0], False)
    if known:
        return any(found[name] for name in known)
    return rank > 2 and not is_last
