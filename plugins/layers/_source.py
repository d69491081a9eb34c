"""Small pieces of Python source that layers of every framework share."""

from collections.abc import Sequence
from typing import Any


def call(name: str, /, *arguments: Any, **options: Any) -> str:
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
    """Return None for a value that the framework takes anyway, so that `call` leaves it out."""
    return None if value == default else value


def _source(value: Any) -> str:
    if isinstance(value, tuple | list):
        inner = ", ".join(_source(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float):
        return number(value)
    return value if isinstance(value, str) else repr(value)
