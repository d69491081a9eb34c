"""What is learned of the rows of timelines: which may begin a horizon, how far values spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.timelines import Timelines


def usable_rows(data: Timelines, reach: int, horizon: int, *, whole: bool) -> NDArray[np.bool_]:
    """Tell for each row whether a horizon that begins there is known, and the window before it.

    Args:
        whole: the window must have no gap; else one known value in each column will do.
    """
    count = len(data.values)
    known = np.isfinite(data.values)
    rows = np.arange(count + 1)
    ahead = known[:, : data.channels].all(axis=1)
    sums = np.concatenate([[0], np.cumsum(ahead)])
    end = np.minimum(rows + horizon, count)
    usable = sums[end] - sums[rows] == horizon
    start = np.maximum(rows - reach, 0)
    least = reach if whole else 1
    for column in known.T:
        sums = np.concatenate([[0], np.cumsum(column)])
        usable &= sums[rows] - sums[start] >= least
    return usable


def ahead_places(recipe: Mapping[str, Any]) -> tuple[int, ...]:
    """Return which columns of a table are known ahead."""
    return tuple(recipe["columns"].index(name) for name in recipe.get("ahead", ()))


def spread_of(values: NDArray[np.float64], rule: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return offset and scale of each column's known values; 0 and 1 where there are none."""
    offset, scale = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for number, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if not len(known):
            continue
        offset[number] = known.mean() if rule == "standardise" else known.min()
        spread = known.std() if rule == "standardise" else np.ptp(known)
        if spread > 1e-8 * (1 + abs(offset[number])):
            scale[number] = spread
    return offset, scale
