"""How far forecasts are from what came, in the units of the data, and what is easily reached.

sMAPE after Makridakis (1993), 0…200 %; MASE after Hyndman and Koehler (2006), another look at
measures of forecast accuracy; pinball after Koenker and Bassett (1978), regression quantiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.plugin_api.forecast_results import middle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.timelines import TimelineSamples, Windows


class Sums:
    """Gathers errors batch by batch, so that no split need be held.

    Args:
        quantiles: of the forecasts' last axis; one of a half for point forecasts.
        units: error of one seasonal step back in the training part, channel by channel; NaN
            where that is nothing.
    """

    def __init__(self, quantiles: Sequence[float], units: NDArray[np.float64]) -> None:
        self._quantiles = np.array(quantiles)
        self._middle = middle(list(quantiles))
        self._units = units
        self._count = 0
        self._totals = dict.fromkeys(("mae", "mse", "smape", "pinball", "coverage"), 0.0)
        self._scaled = np.zeros(2)

    def add(self, forecasts: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
        """Take windows × horizon × channels × quantiles, and windows × horizon × channels."""
        error = truth - forecasts[..., self._middle]
        size = np.abs(error)
        both = np.abs(truth) + np.abs(forecasts[..., self._middle])
        self._count += error.size
        self._totals["mae"] += float(size.sum())
        self._totals["mse"] += float(np.square(error).sum())
        self._totals["smape"] += float((200 * size / np.where(both > 0, both, 1.0)).sum())
        scaled = size / self._units
        self._scaled += (np.nansum(scaled), np.isfinite(scaled).sum())
        apart = truth[..., None] - forecasts
        losses = np.maximum(self._quantiles * apart, (self._quantiles - 1) * apart)
        self._totals["pinball"] += float(losses.mean(axis=-1).sum())
        inside = (truth >= forecasts[..., 0]) & (truth <= forecasts[..., -1])
        self._totals["coverage"] += float(inside.sum())

    def metrics(self) -> dict[str, float]:
        """Return the means: mae, rmse, smape (per cent), mase, and of quantiles theirs."""
        means = {name: total / max(self._count, 1) for name, total in self._totals.items()}
        found = {"mae": means["mae"], "rmse": float(np.sqrt(means["mse"])), "smape": means["smape"]}
        if self._scaled[1]:
            found["mase"] = float(self._scaled[0] / self._scaled[1])
        if len(self._quantiles) > 1:
            found |= {"pinball": means["pinball"], "coverage": means["coverage"]}
        return found


def seasonal_units(samples: TimelineSamples, season: int) -> NDArray[np.float64]:
    """Return the mean error, channel by channel, of what was `season` steps before in training."""
    data = samples.data
    sums, counts = np.zeros(data.channels), np.zeros(data.channels)
    for begin, end in zip(data.begins[:-1], samples.trained, strict=True):
        values = data.values[begin:end, : data.channels]
        apart = np.abs(values[season:] - values[:-season])
        sums += np.nansum(apart, axis=0)
        counts += np.isfinite(apart).sum(axis=0)
    units = sums / np.maximum(counts, 1)
    return np.where(units > 0, units, np.nan)


def season_of(wanted: int | None, samples: TimelineSamples) -> int:
    """Return the season to go by: as wanted, else by the data's step if training sees two."""
    longest = int((samples.trained - samples.data.begins[:-1]).max())
    season = wanted or samples.data.info.season
    return season if wanted or longest >= 2 * season else 1


def simple_forecasts(
    windows: Windows, indices: NDArray[np.int64], season: int
) -> dict[str, NDArray[np.float64]]:
    """Return what needs no learning, windows × horizon × channels, by name.

    "naive" repeats the last known value, "seasonal naive" the last season, "drift" goes on by the
    mean step of the past, "mean" is that of the training part. (Hyndman and Athanasopoulos,
    Forecasting: principles and practice, 5.2.)
    """
    data, horizon = windows.source.data, windows.horizon
    rows, series = windows.rows[indices], windows.series(indices)
    begins = data.begins[series]
    steps = np.arange(1, horizon + 1)
    last = _last_known(windows, rows - 1, begins)
    shape = (len(rows), horizon, data.channels)
    found = {"naive": np.broadcast_to(last[:, None], shape)}
    if season > 1:
        place = rows[:, None] - season + (steps - 1) % season
        value = _last_known(windows, np.maximum(place, begins[:, None]), begins[:, None])
        found["seasonal naive"] = value
    first = _first_known(windows)[series]
    known = np.maximum(rows - 1 - begins, 1)[:, None]
    found["drift"] = last[:, None] + steps[:, None] * ((last - first) / known)[:, None]
    found["mean"] = np.broadcast_to(_means(windows)[series][:, None], shape)
    return found


def _last_known(
    windows: Windows, rows: NDArray[np.int64], begins: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the values at rows (any shape) × channels; for a missing one that before it."""
    data = windows.source.data
    values = data.values[:, : data.channels][rows]
    missing = ~np.isfinite(values)
    while missing.any():
        at = np.nonzero(missing)
        rows_of = np.broadcast_to(rows[..., None], values.shape)[at]
        first = np.broadcast_to(np.broadcast_to(begins, rows.shape)[..., None], values.shape)[at]
        for number, (row, begin) in enumerate(zip(rows_of.tolist(), first.tolist(), strict=True)):
            column = data.values[begin : row + 1, at[-1][number]]
            known = np.flatnonzero(np.isfinite(column))
            place = tuple(axis[number] for axis in at)
            values[place] = column[known[-1]] if len(known) else 0.0
        missing = ~np.isfinite(values)
    return values


def _first_known(windows: Windows) -> NDArray[np.float64]:
    """Return the first known value of each series, series × channels."""
    data = windows.source.data
    found = np.zeros((len(data.begins) - 1, data.channels))
    for number, (begin, end) in enumerate(zip(data.begins[:-1], data.begins[1:], strict=True)):
        for channel in range(data.channels):
            column = data.values[begin:end, channel]
            at = int(np.isfinite(column).argmax())
            found[number, channel] = column[at] if np.isfinite(column[at]) else 0.0
    return found


def _means(windows: Windows) -> NDArray[np.float64]:
    """Return the mean of each series' training part, series × channels; overall where empty."""
    source = windows.source
    data = source.data
    found = np.zeros((len(data.begins) - 1, data.channels))
    for number, (begin, end) in enumerate(zip(data.begins[:-1], source.trained, strict=True)):
        part = data.values[begin:end, : data.channels]
        counts = np.isfinite(part).sum(axis=0)
        found[number] = np.nansum(part, axis=0) / np.maximum(counts, 1)
    return found
