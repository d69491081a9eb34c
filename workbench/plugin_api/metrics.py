"""Metrics by name: which are shares of 1, and how they are written."""

from __future__ import annotations

SHARES = ("accuracy", "f1", "precision", "recall", "coverage", "iou", "map")
"""The last word of metrics that lie between 0 and 1 and are read in per cent."""
TITLES = {
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "smape": "sMAPE",
    "mase": "MASE",
    "micro_f1": "Micro F1",
    "entity_f1": "Entity F1",
}


def is_share(name: str) -> bool:
    """Whether a metric, with or without its split, is a share of 1."""
    return name.rpartition("/")[2].rpartition("_")[2] in SHARES
