"""Prepared samples as vectors of bounded size, for the linear models that networks should beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.task import Context

MOST_LEARNED = 5000
"""A linear model learns from at most so many samples, and is judged by as many."""
MOST_FEATURES = 1024


def plain_features(
    context: Context, train: Samples, judged: Samples
) -> tuple[Any, Any, list[int], list[int]] | None:
    """Return vectors of both, and the numbers of the samples that could be read; None: none.

    Of pictures and long series these are means of blocks; of series that differ in length mean,
    deviation and ends of each channel.
    """
    learned, inputs = _vectors(context, train, spread(train))
    judging, tests = _vectors(context, judged, spread(judged))
    return (inputs, tests, learned, judging) if learned and judging else None


def spread(samples: Samples) -> list[int]:
    """Return the numbers of at most `MOST_LEARNED` samples, spread evenly."""
    numbers = np.linspace(0, len(samples) - 1, MOST_LEARNED).astype(int)
    found: list[int] = np.unique(numbers).tolist()
    return found


def vector_of(values: NDArray[Any], varies: bool) -> NDArray[np.float64]:
    """Return a prepared sample as at most about `MOST_FEATURES` numbers."""
    values = np.asarray(values, np.float64)
    if varies:
        parts = (values.mean(axis=0), values.std(axis=0), values[0], values[-1])
        return np.concatenate([np.atleast_1d(part) for part in parts])
    while values.size > MOST_FEATURES and values.ndim > 1 and max(values.shape[:-1]) > 1:
        axis = int(np.argmax(values.shape[:-1]))
        even = values.shape[axis] // 2 * 2
        halves = np.take(values, range(even), axis=axis)
        shape = (*values.shape[:axis], even // 2, 2, *values.shape[axis + 1 :])
        values = halves.reshape(shape).mean(axis=axis + 1)
    return values.ravel()


def _vectors(
    context: Context, samples: Samples, numbers: Sequence[int]
) -> tuple[list[int], NDArray[np.float64]]:
    preprocessing, varies = context.preprocessing, context.info.input.varies
    rows, kept = [], []
    for number in numbers:
        try:
            shaped = preprocessing.shape(samples.read(number))
        except UserError:
            continue  # reported when training comes to it
        rows.append(vector_of(preprocessing.scale(shaped, context.fitted), varies))
        kept.append(number)
    return kept, np.array(rows)
