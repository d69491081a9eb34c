"""Small pieces of Keras source that several layers share."""

from collections.abc import Sequence

from plugins.layers._source import call, short
from workbench.plugin_api.parameters import Pair


def padded(expression: str, pads: Sequence[Pair]) -> str:
    """Return `expression` with zeros around its spatial axes, by a layer called "{name}.pad"."""
    if not any(amount for pair in pads for amount in pair):
        return expression
    if all(before == after for before, after in pads):
        amounts = short([before for before, _ in pads])
    else:
        amounts = pads[0] if len(pads) == 1 else tuple(pads)
    made = call(f"layers.ZeroPadding{len(pads)}D", amounts, name='"{name}.pad"')
    return f"{made}({expression})"
