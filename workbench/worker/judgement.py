"""What an epoch's metrics lead to: the best checkpoint, a lower rate, an early end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from workbench.document.training import Plateau
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.document.training import Training
    from workbench.worker.progress import Progress


def monitored(metrics: Mapping[str, float], name: str) -> float:
    """Return a metric by its name without a split: of validation, else of training.

    Raises:
        UserError: there is no such metric.
    """
    for split in ("val", "train"):
        if f"{split}/{name}" in metrics:
            return metrics[f"{split}/{name}"]
    known = ", ".join(sorted({metric.partition("/")[2] for metric in metrics}))
    raise UserError(
        f"There is no metric “{name}” to choose the best checkpoint by.",
        f"Set “Best by” to one of {known}.",
    )


def judge(
    progress: Progress,
    training: Training,
    value: float,
    loss: float,
    mode: Literal["min", "max"],
) -> bool:
    """Count patience and lower the plateau's factor; return whether this epoch is the best.

    Of epochs with the same value, as happens when a small split is all right, the one with the
    lowest loss is the best.
    """
    stopping, schedule = training.early_stopping, training.schedule
    if stopping is not None:
        progress.stopping.update(value, mode, stopping.minimum_change)
    if isinstance(schedule, Plateau):
        progress.plateau.update(value, mode, schedule.minimum_change)
        if progress.plateau.waited > schedule.patience:
            progress.plateau.waited = 0
            progress.plateau_factor *= schedule.factor
    is_tie = progress.best.value == value and loss < progress.best_loss
    is_best = progress.best.update(value, mode, 0.0) or is_tie
    if is_best:
        progress.best_loss = loss
    return is_best


def out_of_patience(progress: Progress, training: Training) -> bool:
    """Whether early stopping ends the training."""
    stopping = training.early_stopping
    return stopping is not None and progress.stopping.waited >= stopping.patience
