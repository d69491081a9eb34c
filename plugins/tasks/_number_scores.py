"""Scores of predicted numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def number_scores(predicted: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
    """Return mean absolute error, root of the mean squared error, and R².

    Each is the mean over the quantities, each in its own unit. R² is 1 less the share of the
    squared deviations from the mean of `true` that is left; of a quantity that never changes it is
    1 where it is met exactly, else 0, as scikit-learn has it.

    Args:
        predicted, true: samples × quantities.
    """
    errors = np.nan_to_num(predicted) - true
    squares = np.square(errors).sum(axis=0)
    spread = np.square(true - true.mean(axis=0)).sum(axis=0)
    constant = np.where(squares > 0, 0.0, 1.0)
    shares = np.where(spread > 0, 1 - squares / np.where(spread > 0, spread, 1), constant)
    return {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(squares / len(true)).mean()),
        "r2": float(shares.mean()),
    }
