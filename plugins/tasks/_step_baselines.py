"""Simple answers at each step of a series: the most frequent class, and the step by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import IGNORED, raw_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.task import Context

MOST_SAMPLES = 2000
MOST_LEARNED = 20_000
"""Steps that logistic regression learns from, spread evenly."""


class Scores(Protocol):
    """Adds up what was said of steps."""

    def add(self, true: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Take the steps of one sample."""
        ...

    def metrics(self) -> dict[str, float]:
        """Return the scores of all steps."""
        ...


def step_baselines(
    context: Context, train: Samples, judged: Samples, make: Callable[[Sequence[str]], Scores]
) -> dict[str, dict[str, float]]:
    """Return what the most frequent class reaches, and logistic regression on single steps."""
    from sklearn.linear_model import LogisticRegression

    learned, judging = _steps(context, train), _steps(context, judged)
    if not learned or not judging:
        return {}
    inputs = np.concatenate([values for values, _ in learned])
    targets = np.concatenate([tags for _, tags in learned])
    usual = int(np.bincount(targets).argmax())
    chosen = np.unique(np.linspace(0, len(inputs) - 1, MOST_LEARNED).astype(int))
    scores = {"most frequent class": make(context.info.classes)}
    model = None
    if len(np.unique(targets[chosen])) > 1:
        model = LogisticRegression(max_iter=200).fit(inputs[chosen], targets[chosen])
        scores["logistic regression of each step"] = make(context.info.classes)
    for values, tags in judging:
        first, *others = scores.values()
        first.add(tags, np.full(len(tags), usual))
        for other in others:
            assert model is not None
            other.add(tags, model.predict(values))
    return {name: each.metrics() for name, each in scores.items()}


def _steps(
    context: Context, samples: Samples
) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Return values and classes of the steps that have a class, sample by sample."""
    preprocessing, fitted = context.preprocessing, context.fitted
    found = []
    for index in np.unique(np.linspace(0, len(samples) - 1, MOST_SAMPLES).astype(int)).tolist():
        try:
            values = preprocessing.scale(preprocessing.shape(samples.read(index)), fitted)
        except UserError:
            continue  # reported when training comes to it
        tags = preprocessing.target(raw_target(samples, index), fitted)
        known = tags != IGNORED
        if known.any():
            found.append((values[known], tags[known]))
    return found
