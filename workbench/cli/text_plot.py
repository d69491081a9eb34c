"""A curve in characters, for terminals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 64, 12
_MARGIN = 9


def rate_plot(
    rates: Sequence[float],
    values: Sequence[float],
    mark: float | None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> list[str]:
    """Return lines that draw values over rates, whose axis is logarithmic.

    Args:
        rates: rising, above 0.
        mark: a rate that gets a vertical line; None: none does.
    """
    low, high = math.log10(rates[0]), math.log10(rates[-1])
    span = (high - low) or 1.0
    bottom, top = _ends(values)

    def column(rate: float) -> int:
        return round((math.log10(rate) - low) / span * (width - 1))

    rows = [[" "] * width for _ in range(height)]
    if mark is not None and rates[0] <= mark <= rates[-1]:
        for row in rows:
            row[column(mark)] = "┆"
    for rate, value in zip(rates, values, strict=True):
        share = (min(value, top) - bottom) / ((top - bottom) or 1.0)
        rows[height - 1 - round(share * (height - 1))][column(rate)] = "•"
    labels = {0: f"{top:.3g}", height - 1: f"{bottom:.3g}"}
    lines = [f"{labels.get(n, ''):>{_MARGIN - 2}} │{''.join(row)}" for n, row in enumerate(rows)]
    return [*(line.rstrip() for line in lines), *_axis(low, high, span, width)]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the upright axis: a diverging end would flatten all the rest."""
    lowest = min(values)
    fall = max(values[0] - lowest, 1e-12)
    return lowest, min(max(values), values[0] + fall)


def _axis(low: float, high: float, span: float, width: int) -> tuple[str, str]:
    line, names = ["─"] * width, [" "] * (width + 6)
    for power in range(math.ceil(low), math.floor(high) + 1):
        at = round((power - low) / span * (width - 1))
        line[at] = "┴"
        text = f"1e{power}"
        if all(cell == " " for cell in names[max(at - 1, 0) : at + len(text) + 1]):
            names[at : at + len(text)] = text
    blank = " " * (_MARGIN - 1)
    return f"{blank}└{''.join(line)}", f"{blank} {''.join(names).rstrip()}"
