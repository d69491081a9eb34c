"""Forecasts of a split as they are kept with the run, in the units of the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ForecastResults:
    """One row for every window of a split, or for evenly spread ones of very many.

    Attributes:
        forecasts: windows × horizon × channels × quantiles, float32; one "quantile" for a point.
        truth: what came, windows × horizon × channels, float32.
        naive: the last known value, windows × channels, float32.
        times: of the steps that are forecast, windows × horizon, float64.
        series: number of each window's series, int32.
        quantiles: ascending, float32; 0.5 alone for a point forecast.
    """

    forecasts: NDArray[np.float32]
    truth: NDArray[np.float32]
    naive: NDArray[np.float32]
    times: NDArray[np.float64]
    series: NDArray[np.int32]
    quantiles: NDArray[np.float32]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> ForecastResults | None:
        """Return them from arrays as they are kept; None where those are of another task."""
        names = cls.__dataclass_fields__
        return cls(**{n: arrays[n] for n in names}) if arrays.keys() >= names.keys() else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be kept."""
        return asdict(self)

    @property
    def points(self) -> NDArray[np.float32]:
        """The forecast that errors are measured of: the quantile nearest to a half."""
        return self.forecasts[..., middle(self.quantiles.tolist())]


def middle(quantiles: list[float]) -> int:
    """Return the place of the quantile nearest to a half."""
    return min(range(len(quantiles)), key=lambda place: abs(quantiles[place] - 0.5))
