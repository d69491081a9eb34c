"""What of series that go on in time is sent to the window: thinned lines, and the cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import SPLITS
from workbench.plugin_api.timelines import Windows
from workbench.reading import SeenTimeline, TimelinePart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples, SplitName


def seen_timeline(splits: Mapping[SplitName, Samples], series: int, most: int) -> SeenTimeline:
    """Return one series with its splits, and a window of each split with its horizon.

    Args:
        most: points a column at most; of more, the extremes of each small piece.

    Raises:
        UserError: the data are no such series.
    """
    windows = {name: found for name, found in splits.items() if isinstance(found, Windows)}
    if not windows:
        raise UserError("These data do not go on in time.")
    data = next(iter(windows.values())).source.data
    if not 0 <= series < len(data.info.series):
        raise UserError(f"There is no series {series}.")
    begin, end = (int(row) for row in data.begins[series : series + 2])
    times, values = data.times[begin:end], data.values[begin:end]
    chosen = _seen(values, most)
    parts = []
    for name in SPLITS:
        if name not in windows:
            continue
        source = windows[name].source
        first, last = int(source.firsts[series]), int(source.ends[series])
        if last > first:
            parts.append(_part(name, windows[name], series, (first, last)))
    return SeenTimeline(
        times=times[chosen].tobytes(),
        values=tuple(column[chosen].tobytes() for column in values.T),
        parts=tuple(parts),
    )


def _part(name: SplitName, windows: Windows, series: int, rows: tuple[int, int]) -> TimelinePart:
    data = windows.source.data
    inside = windows.rows[(windows.rows >= rows[0]) & (windows.rows < rows[1])]
    times: tuple[float, ...] = ()
    pieces: tuple[bytes, ...] = ()
    horizon = 0
    if len(inside):
        row = int(inside[len(inside) // 2])
        piece = slice(row - windows.reach, row + windows.horizon)
        times = tuple(data.times[piece].tolist())
        pieces = tuple(column.tobytes() for column in data.values[piece].T)
        horizon = windows.horizon
    return TimelinePart(
        split=name,
        start=float(data.times[rows[0]]),
        end=float(data.times[rows[1] - 1]),
        window_times=times,
        window_values=pieces,
        horizon=horizon,
    )


def _seen(values: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return rows that hold the extremes of every column, ascending."""
    count = len(values)
    if count <= most:
        return np.arange(count)
    size = -(-count * 2 * values.shape[1] // most)
    whole = count // size * size
    first = np.arange(0, whole, size)
    found = [first]
    for column in values[:whole].T:
        buckets = column.reshape(-1, size)
        found.append(first + np.where(np.isfinite(buckets), buckets, np.inf).argmin(axis=1))
        found.append(first + np.where(np.isfinite(buckets), buckets, -np.inf).argmax(axis=1))
    return np.unique(np.concatenate([*found, np.arange(whole, count)]))
