"""Small pieces of PyTorch source that several layers share."""

from collections.abc import Sequence

from workbench.plugin_api.code import Bind, Layout
from workbench.plugin_api.parameters import Pair


def padded(expression: str, pads: Sequence[Pair], layout: Layout, value: str = "") -> str:
    """Return `expression` padded along its spatial axes, or cropped where a pad is negative."""
    flat = [amount for pair in reversed(pads) for amount in pair]
    if not any(flat):
        return expression
    if layout != "channels_first":
        flat = [0, 0, *flat]
    amounts = f"({', '.join(map(str, flat))})"
    return f"F.pad({expression}, {amounts}{f', value={value}' if value else ''})"


def kernel_bind(attribute: str, rank: int) -> Bind:
    """Tie a kernel (k…, a, b) to a tensor (b, a, k…); `rank` is the number of spatial axes."""
    return Bind(attribute, transpose=(rank + 1, rank, *range(rank)))


def depthwise_bind(attribute: str, kernel: Sequence[int], channels: int, multiplier: int) -> Bind:
    """Tie a kernel (k…, channels, multiplier) to a tensor (channels·multiplier, 1, k…)."""
    rank = len(kernel)
    return Bind(
        attribute,
        transpose=(rank, rank + 1, *range(rank)),
        shape=(channels * multiplier, 1, *kernel),
    )
