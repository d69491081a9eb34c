"""Forecasting: the next steps of each channel, as points or as quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.tasks._errors import keras_error, torch_error
from plugins.tasks._forecast_scores import SimpleForecasts, Sums, season_of, seasonal_units
from plugins.tasks.forecasting_head import head_problems
from workbench.plugin_api.forecast_results import ForecastResults, middle
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.predictions import ForecastPrediction
from workbench.plugin_api.problems import Problem
from workbench.plugin_api.task import Evaluation, Task
from workbench.plugin_api.timelines import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Context


MOST_KEPT = 10_000_000
"""Numbers of forecasts that are kept for the view; of more, evenly spread windows."""


class Forecasting(Task, frozen=True, kw_only=True):
    """What comes next in a series, so many steps ahead."""

    id: ClassVar[str] = "forecasting"
    title: ClassVar[str] = "Forecasting"
    help: ClassVar[str] = "The next steps of a series, as one number each or as quantiles."

    loss: Annotated[
        Literal["mse", "mae", "huber", "quantile"],
        param(
            "Loss",
            "Squared error, absolute error, Huber's between the two, or the pinball loss of "
            "several quantiles, which shows how sure a forecast is",
        ),
    ] = "mse"
    delta: Annotated[
        float,
        param(
            "Huber's delta",
            "Errors above it (in scaled units) count by their size, those below by their square",
            above=0,
            shown_if=("loss", ("huber",)),
        ),
    ] = 1.0
    quantiles: Annotated[
        tuple[float, ...],
        param(
            "Quantiles",
            "Shares of what may come that lie below; the one nearest to 0.5 is the forecast",
            shown_if=("loss", ("quantile",)),
        ),
    ] = (0.1, 0.5, 0.9)
    season: Annotated[
        Size | None,
        param(
            "Season",
            "After so many steps data repeat, for the seasonal naive forecast and MASE; empty: "
            "by the data's step (12 of months, 7 of days)",
            unit="steps",
        ),
    ] = None

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantiles in ascending order; a half alone for a point forecast."""
        return tuple(sorted(self.quantiles)) if self.loss == "quantile" else (0.5,)

    def fits(self, info: DataInfo) -> bool:
        """Whether the data are series that go on in time."""
        return info.timeline is not None and info.target is not None

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what is wrong with the quantiles, the data and the network's head."""
        return [*self._quantile_problems(), *self._data_problems(network, info)]

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return the loss of outputs (in any shape of the right size) and scaled targets."""
        import torch

        levels = torch.tensor(self.levels)

        def loss(outputs: Any, targets: Any) -> Any:
            values = outputs.float().reshape(*targets.shape, len(levels))
            apart = targets[..., None] - values
            if self.loss == "quantile":
                at = levels.to(apart.device)
                return torch.maximum(at * apart, (at - 1) * apart).mean()
            return torch_error(self.loss, self.delta, apart).mean()

        return loss

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return the loss as `torch_loss` does, of the samples that are present."""
        from keras import ops

        levels = np.array(self.levels, np.float32)

        def loss(outputs: Any, targets: Any, present: Any) -> Any:
            shape = (-1, *targets.shape[1:], len(levels))
            targets = ops.cast(targets, "float32")
            apart = targets[..., None] - ops.reshape(ops.cast(outputs, "float32"), shape)
            if self.loss == "quantile":
                at = ops.convert_to_tensor(levels)
                each = ops.maximum(at * apart, (at - 1) * apart)
            else:
                each = keras_error(self.loss, self.delta, apart)
            means = ops.mean(ops.reshape(each, (-1, int(np.prod(each.shape[1:])))), axis=-1)
            return ops.sum(means * present) / ops.sum(present)

        return loss

    def evaluator(self, context: Context) -> ForecastEvaluator:
        """Return an empty evaluator."""
        return ForecastEvaluator(self, context)

    def forecasts(
        self, outputs: NDArray[Any], context: Context, raw: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Return outputs in the data's units, windows × horizon × channels × quantiles.

        Quantiles that cross are put in order (Chernozhukov, Fernández-Val and Galichon 2010).
        """
        kind = context.info.target
        assert kind is not None
        values = outputs.reshape(len(outputs), *(n or 0 for n in kind.shape), len(self.levels))
        found = context.preprocessing.restored(values, context.fitted, raw)
        result: NDArray[np.float64] = np.sort(found, axis=-1)
        return result

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> list[ForecastPrediction]:
        """Return what comes after each window."""
        windows = context.samples
        assert isinstance(windows, Windows)
        indices, info = np.arange(len(outputs)), windows.source.data.info
        found = self.forecasts(outputs, context, windows.stack(indices))
        center = middle(list(self.levels))
        return [
            ForecastPrediction(
                series=info.series[series],
                times=tuple(info.text(time) for time in times),
                values=_by_name(info.channels, values[..., center]),
                quantiles={
                    name: _by_name([f"{q:g}" for q in self.levels], values[:, channel])
                    for channel, name in enumerate(info.channels)
                    if len(self.levels) > 1
                },
            )
            for values, times, series in zip(
                found,
                windows.times(indices).tolist(),
                windows.series(indices).tolist(),
                strict=True,
            )
        ]

    def python_source(self, network: Network) -> str:
        """Return `told(outputs, path)`: a line for each step to come, with its time."""
        return _TOLD.format(quantiles=list(self.levels), center=middle(list(self.levels)))

    def does(self, info: DataInfo) -> str:
        """Return how far it forecasts what."""
        steps = (info.target.shape[0] if info.target else None) or 1
        names = ", ".join(info.timeline.channels) if info.timeline else "series"
        return f"forecasts {steps} step{'s' if steps > 1 else ''} of {names}"

    def direction(self, metric: str) -> Literal["min", "max"]:
        """Errors are to be small."""
        return "max" if metric == "coverage" else "min"

    @property
    def headline(self) -> str:
        """The mean absolute error: in the units of the data."""
        return "mae"

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """The best checkpoint has the smallest loss: channels count as they are scaled."""
        return "loss", "min"

    def _quantile_problems(self) -> Iterator[Problem]:
        if self.loss != "quantile":
            return
        if not self.quantiles or not all(0 < level < 1 for level in self.quantiles):
            yield Problem(
                "error", "Quantiles lie between 0 and 1.", "0.1, 0.5 and 0.9, for example."
            )
        elif len(set(self.quantiles)) < len(self.quantiles):
            yield Problem("error", "A quantile is named twice.", "Remove one of them.")
        elif 0.5 not in self.quantiles:
            level = self.levels[middle(list(self.levels))]
            yield Problem(
                "warning",
                f"The quantiles lack 0.5, so {level:g} counts as the forecast.",
                "Add 0.5, the median.",
            )

    def _data_problems(self, network: Network, info: DataInfo | None) -> Iterator[Problem]:
        if info is None:
            return
        if not self.fits(info) or info.target is None:
            yield Problem(
                "error",
                "Forecasting needs series that go on in time, but the data bring "
                + (f"{info.target} to learn." if info.target else "a class for each sample."),
                "Choose a time series table, or another task.",
            )
            return
        if not info.counts.get("validation"):
            yield Problem(
                "warning",
                "There are no validation windows, so overfitting will not be seen.",
                "Give the validation split a share of the data.",
            )
        horizon, channels = (size or 0 for size in info.target.shape)
        yield from head_problems(network, horizon, channels, len(self.levels))


class ForecastEvaluator:
    """Sums errors in the data's units, of the network and of what needs no learning."""

    def __init__(self, task: Forecasting, context: Context) -> None:
        assert isinstance(context.samples, Windows)
        self._task, self._context, self._windows = task, context, context.samples
        source = self._windows.source
        season = season_of(task.season, source)
        self._units = seasonal_units(source, season)
        self._forecasts = SimpleForecasts(self._windows, season)
        self._sums = Sums(task.levels, self._units)
        self._simple: dict[str, Sums] = {}
        self._kept: list[NDArray[np.float32]] = []
        self._indices: list[NDArray[np.int64]] = []

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take one batch."""
        assert batch.indices is not None
        windows, indices = self._windows, batch.indices
        truth = windows.truth(indices)
        found = self._task.forecasts(outputs, self._context, windows.stack(indices))
        self._sums.add(found, truth)
        for name, simple in self._forecasts.all(indices).items():
            sums = self._simple.setdefault(name, Sums((0.5,), self._units))
            sums.add(simple[..., None], truth)
        self._kept.append(found.astype(np.float32))
        self._indices.append(indices)

    def compute(self) -> Evaluation:
        """Return the errors, and those of the simple forecasts."""
        return Evaluation(
            metrics=self._sums.metrics(),
            baselines={name: sums.metrics() for name, sums in self._simple.items()},
        )

    def results(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of ForecastResults."""
        forecasts, indices = np.concatenate(self._kept), np.concatenate(self._indices)
        every = -(-forecasts.size // MOST_KEPT)
        forecasts, indices, windows = forecasts[::every], indices[::every], self._windows
        return ForecastResults(
            forecasts=forecasts,
            truth=windows.truth(indices).astype(np.float32),
            naive=self._forecasts.naive(indices).astype(np.float32),
            times=windows.times(indices),
            series=windows.series(indices).astype(np.int32),
            quantiles=np.array(self._task.levels, np.float32),
        ).arrays()


def _by_name(names: Sequence[str], values: NDArray[np.float64]) -> dict[str, tuple[float, ...]]:
    """Return the columns of steps × names."""
    columns = [tuple(float(value) for value in column) for column in values.T]
    return dict(zip(names, columns, strict=True))


_TOLD = '''
QUANTILES = {quantiles}


def told(outputs: np.ndarray, path: str) -> str:
    """Return a line for each series and step to come: name, time, forecasts, quantiles."""
    shape = (len(outputs), HORIZON, len(CHANNELS), len(QUANTILES))
    found = np.sort(restored(outputs.reshape(shape), path), axis=-1)
    lines = []
    for (name, times), steps in zip(next_steps(path), found, strict=True):
        for time, values in zip(times, steps, strict=True):
            cells = [name, time] if name else [time]
            for channel, levels in zip(CHANNELS, values, strict=True):
                spread = f" ({{levels[0]:.6g}} … {{levels[-1]:.6g}})" if len(levels) > 1 else ""
                cells.append(f"{{channel}} {{levels[{center}]:.6g}}{{spread}}")
            lines.append("\\t".join(cells))
    return "\\n".join(["", *lines])
'''
