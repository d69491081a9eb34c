"""Small pieces of PyTorch source that several layers share."""

from collections.abc import Sequence
from typing import Any

from workbench.plugin_api.code import Bind, Layout
from workbench.plugin_api.parameters import Pair


def call(name: str, *arguments: Any, **options: Any) -> str:
    """Return the source of a call; options that are None are left out."""
    parts = [_source(value) for value in arguments]
    parts += [f"{key}={_source(value)}" for key, value in options.items() if value is not None]
    return f"{name}({', '.join(parts)})"


def number(value: float) -> str:
    """Return a number as formatters want it: 1e30, not 1e+30."""
    return repr(value).replace("e+", "e")


def short(values: Sequence[int]) -> int | tuple[int, ...]:
    """Return one number for all axes where they agree: 3 instead of (3, 3)."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def unless(value: Any, default: Any) -> Any:
    """Return None for a value that PyTorch takes anyway, so that `call` leaves it out."""
    return None if value == default else value


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


def _source(value: Any) -> str:
    if isinstance(value, tuple | list):
        inner = ", ".join(_source(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float):
        return number(value)
    return value if isinstance(value, str) else repr(value)
