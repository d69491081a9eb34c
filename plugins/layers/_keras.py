"""Small pieces of Keras source that several layers share."""

from collections.abc import Sequence

from plugins.layers._source import call, short
from workbench.plugin_api.parameters import Pair


def padded(expression: str, pads: Sequence[Pair]) -> str:
    """Return `expression` with zeros around its spatial axes, by a layer called "{name}.pad"."""
    if not any(amount for pair in pads for amount in pair):
        return expression
    name = f"layers.ZeroPadding{len(pads)}D"
    made = call(name, edge_amounts(pads), name='"{name}.pad"')
    return f"{made}({expression})"


def edge_amounts(pairs: Sequence[Pair]) -> int | Pair | tuple[int | Pair, ...]:
    """Return amounts before and after each axis as Keras takes them, the shortest way."""
    if all(before == after for before, after in pairs):
        return short([before for before, _ in pairs])
    return pairs[0] if len(pairs) == 1 else tuple(pairs)


def joined(count: int) -> str:
    """Return the call of a layer that takes a list of inputs."""
    return "{self}([" + ", ".join(f"{{{index}}}" for index in range(count)) + "])"
