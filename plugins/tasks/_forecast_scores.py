"""How far forecasts are from what came, in the units of the data, and what is easily reached.

sMAPE after Makridakis (1993), 0…200 %; MASE after Hyndman and Koehler (2006), another look at
measures of forecast accuracy; pinball after Koenker and Bassett (1978), regression quantiles.
"""

from __future__ import annotations

import itertools
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


class SimpleForecasts:
    """What needs no learning.

    "naive" repeats the last known value, "seasonal naive" the last season, "drift" goes on by the
    mean step of the past, "mean" is that of the training part. (Hyndman and Athanasopoulos,
    Forecasting: principles and practice, 5.2.)
    """

    def __init__(self, windows: Windows, season: int) -> None:
        source = windows.source
        data = source.data
        self._windows, self._season = windows, season
        self._values = data.values[:, : data.channels]
        self._last_rows = _last_known_rows(self._values, data.begins)
        shape = (len(data.begins) - 1, data.channels)
        self._first, self._means = np.zeros(shape), np.zeros(shape)
        for number, begin in enumerate(data.begins[:-1]):
            series = self._values[begin : data.begins[number + 1]]
            trained = self._values[begin : source.trained[number]]
            counts = np.isfinite(trained).sum(axis=0)
            self._means[number] = np.nansum(trained, axis=0) / np.maximum(counts, 1)
            for channel, column in enumerate(series.T):
                known = column[np.isfinite(column)]
                self._first[number, channel] = known[0] if len(known) else 0.0

    def naive(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the last known values before windows' horizons, windows × channels."""
        return self._known(self._windows.rows[indices] - 1)

    def all(self, indices: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return forecasts by name, windows × horizon × channels."""
        windows, horizon = self._windows, self._windows.horizon
        rows, series = windows.rows[indices], windows.series(indices)
        begins = windows.source.data.begins[series]
        steps = np.arange(1, horizon + 1)
        last = self.naive(indices)
        shape = (len(rows), horizon, last.shape[1])
        found = {"naive": np.broadcast_to(last[:, None], shape)}
        if self._season > 1:
            place = rows[:, None] - self._season + (steps - 1) % self._season
            found["seasonal naive"] = self._known(np.maximum(place, begins[:, None]))
        known = np.maximum(rows - 1 - begins, 1)[:, None]
        slope = (last - self._first[series]) / known
        found["drift"] = last[:, None] + steps[:, None] * slope[:, None]
        found["mean"] = np.broadcast_to(self._means[series][:, None], shape)
        return found

    def _known(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the values at rows (any shape) × channels; for a missing one that before it."""
        at = self._last_rows[rows]
        found: NDArray[np.float64] = np.take_along_axis(
            self._values, at.reshape(-1, at.shape[-1]).clip(min=0), axis=0
        ).reshape(at.shape)
        return np.where(at >= 0, found, 0.0)


def _last_known_rows(values: NDArray[np.float64], begins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, row by row and channel by channel, the last row with a value; −1 for none."""
    rows = np.where(np.isfinite(values), np.arange(len(values))[:, None], -1)
    for begin, end in itertools.pairwise(begins):
        rows[begin:end] = np.maximum.accumulate(rows[begin:end], axis=0)
    return rows
