"""Regression: one or several numbers of each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.tasks._errors import Point, keras_error, torch_error
from plugins.tasks._number_baselines import linear, mean
from plugins.tasks._number_scores import number_scores
from plugins.tasks.regression_head import number_head_problems
from workbench.plugin_api.number_results import NumberResults
from workbench.plugin_api.parameters import param
from workbench.plugin_api.predictions import Numbers
from workbench.plugin_api.problems import Problem
from workbench.plugin_api.task import Evaluation, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Context

_TOLD = '''
import numpy as np


def told(outputs: np.ndarray, path: str) -> str:
    """Return the numbers that the network says of a file, in their own units."""
    found = outputs * np.array(TARGET_SCALE) + np.array(TARGET_OFFSET)
    lines = [
        ", ".join(f"{name} {value:.6g}" for name, value in zip(QUANTITIES, row))
        for row in found.reshape(len(outputs), -1)
    ]
    return lines[0] if len(lines) == 1 else "\\n".join(["", *lines])
'''


class Regression(Task, frozen=True, kw_only=True):
    """Losses of numbers that have zero mean and unit deviation; results are in their own units."""

    id: ClassVar[str] = "regression"
    title: ClassVar[str] = "Regression"
    help: ClassVar[str] = "Tells one or several numbers of each sample."

    loss: Annotated[
        Point,
        param("Loss", "Squared error, absolute error, or Huber's between the two (Huber, 1964)"),
    ] = "mse"
    delta: Annotated[
        float,
        param(
            "Huber's delta",
            "Errors above it (in deviations of the training split) count by their size, those "
            "below by their square",
            above=0,
            shown_if=("loss", ("huber",)),
        ),
    ] = 1.0

    def fits(self, info: DataInfo) -> bool:
        """Whether each sample has numbers to learn."""
        target, count = info.target, len(info.quantities)
        return count > 0 and target is not None and target.shape == (count,)

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what is wrong with the data and the network's head."""
        if info is not None and not self.fits(info):
            return [
                Problem(
                    "error",
                    "Regression needs numbers to learn, which these data do not have.",
                    "Choose data with a column of numbers to learn, or another task.",
                )
            ]
        return [*_no_validation(info), *number_head_problems(network, info)]

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return the mean over samples and quantities."""

        def loss(outputs: Any, targets: Any) -> Any:
            apart = targets - outputs.float().reshape(targets.shape)
            return torch_error(self.loss, self.delta, apart).mean()

        return loss

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return what `torch_loss` does, of the samples that are present."""
        from keras import ops

        def loss(outputs: Any, targets: Any, present: Any) -> Any:
            targets = ops.cast(targets, "float32")
            shape = (-1, len(info.quantities))
            apart = targets - ops.reshape(ops.cast(outputs, "float32"), shape)
            each = ops.mean(keras_error(self.loss, self.delta, apart), axis=-1)
            return ops.sum(each * present) / ops.sum(present)

        return loss

    def evaluator(self, context: Context) -> RegressionEvaluator:
        """Return an empty evaluator."""
        return RegressionEvaluator(context)

    def baselines(
        self, context: Context, train: Samples, judged: Samples
    ) -> Mapping[str, dict[str, float]]:
        """Return what the mean reaches, and a linear model of what the network gets."""
        return mean(train, judged) | linear(context, train, judged)

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> list[Numbers]:
        """Return the numbers of each sample in their own units."""
        names = context.info.quantities
        return [
            Numbers(values=dict(zip(names, row, strict=True)))
            for row in in_units(outputs, context).tolist()
        ]

    def python_source(self, network: Network) -> str:
        """Return `told(outputs, path)`: each number with its name."""
        return _TOLD

    def does(self, info: DataInfo) -> str:
        """Return what it tells."""
        return f"tells {', '.join(info.quantities[:5])}{' …' if len(info.quantities) > 5 else ''}"

    def direction(self, metric: str) -> Literal["min", "max"]:
        """Errors are to be small, R² large."""
        return "max" if metric == "r2" else "min"

    @property
    def headline(self) -> str:
        """R²: the share of the variance that is explained, of 1 at best."""
        return "r2"


class RegressionEvaluator:
    """Gathers numbers in their own units."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._predicted: list[NDArray[np.float64]] = []
        self._true: list[NDArray[np.float64]] = []

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take one batch: batch × quantities, both scaled."""
        self._predicted.append(in_units(outputs, self._context))
        self._true.append(in_units(batch.targets, self._context))

    def compute(self) -> Evaluation:
        """Return errors and R² over all quantities."""
        predicted, true = np.concatenate(self._predicted), np.concatenate(self._true)
        return Evaluation(metrics=number_scores(predicted, true))

    def results(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of NumberResults."""
        return NumberResults(
            predicted_numbers=np.concatenate(self._predicted).astype(np.float32),
            true_numbers=np.concatenate(self._true).astype(np.float32),
        ).arrays()


def in_units(values: NDArray[Any], context: Context) -> NDArray[np.float64]:
    """Return outputs or prepared targets, samples × quantities, in the units of the data."""
    shaped = values.reshape(len(values), -1).astype(np.float64)
    found: NDArray[np.float64] = context.preprocessing.restored(shaped, context.fitted, np.empty(0))
    return found


def _no_validation(info: DataInfo | None) -> Iterator[Problem]:
    if info is not None and not info.counts.get("validation"):
        yield Problem(
            "warning",
            "There are no validation samples, so overfitting will not be seen.",
            "Give the validation split a share of the data.",
        )
