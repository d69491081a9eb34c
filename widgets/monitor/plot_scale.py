"""An axis of a plot: its range, its pixels and the round numbers along it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widgets.monitor.labels import clock_text
from widgets.texts import decimal, grouped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECONDS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60),
    *(120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200),
)


@dataclass(frozen=True)
class Tick:
    """A place on an axis; one without a label has only a fainter grid line."""

    value: float
    label: str = ""


@dataclass(frozen=True)
class Scale:
    """A range in the axis's own units, laid over pixels.

    Attributes:
        low, high: ends; logarithms to the base of ten where the axis is logarithmic.
        start, end: the pixels of low and high.
    """

    low: float
    high: float
    start: float
    end: float

    def to_pixels(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values are."""
        return self.start + (values - self.low) * self._factor

    def at(self, value: float) -> float:
        """Return where one value is."""
        return self.start + (value - self.low) * self._factor

    def value_at(self, pixel: float) -> float:
        """Return the value at a pixel."""
        return self.low + (pixel - self.start) / self._factor

    @property
    def _factor(self) -> float:
        return (self.end - self.start) / ((self.high - self.low) or 1.0)


def linear_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return round numbers, at most about `most` with labels, and four between each two."""
    step = _round_up((high - low) / max(most, 1))
    if not step > 0 or not math.isfinite(step):
        return []
    return _stepped(low, high, step, _number)


def time_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return round seconds, minutes and hours."""
    wanted = (high - low) / max(most, 1)
    step = next((step for step in SECONDS if step >= wanted), _round_up(wanted))
    return _stepped(low, high, step, clock_text) if step > 0 and math.isfinite(step) else []


def log_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return powers of ten for an axis of logarithms; where there are few, numbers between."""
    first, last = math.floor(low), math.ceil(high)
    every = max(-(-(last - first) // max(most, 1)), 1)
    made = []
    for power in range(first, last + 1):
        for digit in (1, 2, 5) if last - first <= 3 else (1,):
            value = power + math.log10(digit)
            if low <= value <= high:
                is_labelled = (power - first) % every == 0
                text = decimal(float(f"{digit}e{power}")) if is_labelled else ""
                made.append(Tick(value, text))
    return made


def _stepped(low: float, high: float, step: float, text: object) -> list[Tick]:
    fine = step / 5
    first, last = math.ceil(low / fine), math.floor(high / fine)
    return [
        Tick(index * fine, text(round(index * fine, 12)) if index % 5 == 0 else "")
        for index in range(first, last + 1)
    ]


def _round_up(rough: float) -> float:
    if not rough > 0 or not math.isfinite(rough):
        return 0.0
    base = 10.0 ** math.floor(math.log10(rough))
    return next(base * factor for factor in (1, 2, 5, 10) if base * factor >= rough * 0.999)


def _number(value: float) -> str:
    return grouped(int(value)) if value == int(value) and abs(value) < 1e9 else decimal(value)
