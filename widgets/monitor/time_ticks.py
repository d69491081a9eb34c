"""Round dates along an axis of seconds since 1970."""

from __future__ import annotations

import numpy as np

from widgets.monitor.plot_scale import Tick, linear_ticks

YEAR = 365.2425 * 86400
MONTHS = (1, 2, 3, 6)
SECONDS = (
    *(1, 5, 15, 30, 60, 300, 900, 1800),
    *(3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400),
)


def plain_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return round numbers without groups of digits, as years are written."""
    narrow = "\N{NARROW NO-BREAK SPACE}"
    return [
        Tick(tick.value, tick.label.replace(narrow, "")) for tick in linear_ticks(low, high, most)
    ]


def date_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return round years, months, days or times of day, at most about `most`."""
    wanted = (high - low) / max(most, 1)
    if not 0 < wanted < 1e12:
        return []
    if wanted > YEAR / 2:
        return _years(low, high, wanted / YEAR)
    if wanted > 10 * 86400:
        size = next((n for n in MONTHS if n * YEAR / 12 >= wanted), 12)
        return _months(low, high, size)
    size = next(size for size in (*SECONDS, 14 * 86400) if size >= wanted)
    first = np.ceil(low / size) * size
    unit, cut = ("D", slice(5, 10)) if size >= 86400 else ("s", slice(11, 16))
    if size < 60:
        cut = slice(11, 19)
    return [
        Tick(float(at), str(np.datetime64(int(at), "s").astype(f"datetime64[{unit}]"))[cut])
        for at in np.arange(first, high, size)
    ]


def _years(low: float, high: float, wanted: float) -> list[Tick]:
    base = 10 ** np.floor(np.log10(max(wanted, 1)))
    size = int(next(base * n for n in (1, 2, 5, 10) if base * n >= wanted))
    first, last = (int(_of(at, "Y")) + 1970 for at in (low, high))
    years = range(-(-first // size) * size, last + 1, size)
    ticks = [Tick(_seconds(f"{year:04}"), str(year)) for year in years if year > 0]
    return [tick for tick in ticks if low <= tick.value <= high]


def _months(low: float, high: float, size: int) -> list[Tick]:
    first, last = (int(_of(at, "M")) for at in (low, high))
    ticks = []
    for month in range(-(-first // size) * size, last + 1, size):
        moment = np.datetime64(month, "M")
        ticks.append(Tick(_seconds(str(moment)), str(moment)))
    return [tick for tick in ticks if low <= tick.value <= high]


def _of(seconds: float, unit: str) -> np.int64:
    found: np.int64 = (
        np.datetime64(int(seconds), "s").astype(f"datetime64[{unit}]").astype(np.int64)
    )
    return found


def _seconds(text: str) -> float:
    return float(np.datetime64(text, "s").astype(np.int64))
