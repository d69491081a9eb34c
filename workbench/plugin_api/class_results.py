"""A classifier's answers for a whole split, as they are kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

TOP = 5
"""Likeliest classes that are kept for each sample."""


@dataclass(frozen=True)
class ClassResults:
    """One row for every readable sample of a split.

    Attributes:
        targets: true class numbers, int64, one a sample.
        top_classes: samples × k, int32, likeliest first; k is 5 or the number of classes.
        top_probabilities: samples × k, float32.
        target_probability: probability of the true class, float32.
        confusion: classes × classes, int64; rows are the true ones.
    """

    targets: NDArray[np.int64]
    top_classes: NDArray[np.int32]
    top_probabilities: NDArray[np.float32]
    target_probability: NDArray[np.float32]
    confusion: NDArray[np.int64]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> ClassResults | None:
        """Return them from arrays as they are kept; None where those are of another task."""
        names = cls.__dataclass_fields__
        return cls(**{n: arrays[n] for n in names}) if arrays.keys() >= names.keys() else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be kept."""
        return asdict(self)


def summarise(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> ClassResults:
    """Reduce probabilities (samples × classes) and class numbers to what is kept."""
    count, classes = probabilities.shape
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, : min(TOP, classes)]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (targets, top[:, 0]), 1)
    rows = np.arange(count)
    return ClassResults(
        targets=targets,
        top_classes=top.astype(np.int32),
        top_probabilities=probabilities[rows[:, None], top].astype(np.float32),
        target_probability=probabilities[rows, targets].astype(np.float32),
        confusion=confusion,
    )
