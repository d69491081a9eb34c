"""What of a split's forecasts is drawn: one channel of one series, so many steps ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.forecast_results import ForecastResults


@dataclass(frozen=True)
class ForecastRows:
    """Forecasts in order of time, steps at which they were due.

    Attributes:
        low, high: the outermost quantiles; the forecast itself where there is but one.
    """

    x: NDArray[np.float64]
    truth: NDArray[np.float64]
    forecast: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    naive: NDArray[np.float64]
    has_band: bool

    @property
    def residuals(self) -> NDArray[np.float64]:
        """Truth less forecast."""
        return self.truth - self.forecast

    def nearest(self, place: float) -> int | None:
        """Return the row nearest to a place in time."""
        if not len(self.x):
            return None
        right = min(int(np.searchsorted(self.x, place)), len(self.x) - 1)
        left = max(right - 1, 0)
        return left if abs(self.x[left] - place) <= abs(self.x[right] - place) else right


def rows_of(results: ForecastResults, series: int, channel: int, step: int) -> ForecastRows:
    """Return the forecasts of one channel made `step` steps ahead, counted from 0."""
    rows = np.flatnonzero(results.series == series)
    found = results.forecasts[rows, step, channel].astype(np.float64)
    points = results.points[rows, step, channel]
    return ForecastRows(
        x=results.times[rows, step],
        truth=results.truth[rows, step, channel].astype(np.float64),
        forecast=points.astype(np.float64),
        low=found[:, 0],
        high=found[:, -1],
        naive=results.naive[rows, channel].astype(np.float64),
        has_band=found.shape[1] > 1,
    )


def path_of(results: ForecastResults, series: int, channel: int, row: int) -> ForecastRows:
    """Return all steps that were forecast at once: those of one window of a series."""
    at = np.flatnonzero(results.series == series)[row]
    found = results.forecasts[at, :, channel].astype(np.float64)
    steps = len(found)
    return ForecastRows(
        x=results.times[at],
        truth=results.truth[at, :, channel].astype(np.float64),
        forecast=results.points[at, :, channel].astype(np.float64),
        low=found[:, 0],
        high=found[:, -1],
        naive=np.full(steps, float(results.naive[at, channel])),
        has_band=found.shape[1] > 1,
    )
