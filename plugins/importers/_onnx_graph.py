"""Where the tensors of an ONNX graph come from, and how their channels lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST = (
    *("Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "LpPool"),
    *("GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization"),
    *("GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth", "Upsample"),
)
"""Operators that have the channels before their places."""
PASSING = ("Cast", "Identity", "Add", "Sub", "Mul", "Div", "QuantizeLinear", "Pad", "Clip")
"""Operators that leave each value at its place."""
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


def needed_for(graph: Any, outputs: Sequence[str]) -> frozenset[str]:
    """Return the names that the outputs depend on."""
    made = {name: node for node in graph.node for name in node.output if name}
    waiting, seen = list(outputs), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in made:
            waiting.extend(sources_of(made[name]))
    return frozenset(seen)


def has_channels_last(graph: Any, entry: str, shape: Sequence[int]) -> bool:
    """Say whether a sample has its channels last.

    Pictures of 1, 3 or 4 channels tell by their shape. Else what reads them does: convolutions want
    them first; without one, steps come before their features, and pictures have channels first.
    """
    if len(shape) == 3 and (shape[0] in (1, 3, 4)) != (shape[-1] in (1, 3, 4)):
        return shape[-1] in (1, 3, 4)
    names = {entry}
    for node in graph.node:
        if names.isdisjoint(node.input):
            continue
        if node.op_type in FIRST:
            return False
        if node.op_type == "Transpose":
            return bool(node.attribute) and list(node.attribute[0].ints)[1:2] == [len(shape)]
        if node.op_type in PASSING:
            names.update(node.output)
    return len(shape) != 3


def channel_places(
    graph: Any, entry: str, shapes: Mapping[str, tuple[int | None, ...]], *, is_last: bool
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
    shapes: Mapping[str, tuple[int | None, ...]],
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
