"""The learning rate of every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.document.training import Training
    from workbench.worker.progress import Progress


class LearningRates:
    """Base rate × schedule × plateau factor × warm-up.

    Args:
        epochs: planned in all; continuing for more epochs stretches a cosine or one-cycle.
    """

    def __init__(self, training: Training, steps_per_epoch: int, epochs: int) -> None:
        self._schedule = training.schedule
        self._warmup = training.warmup_steps
        self._steps_per_epoch = steps_per_epoch
        self._total = steps_per_epoch * epochs

    def rate(self, progress: Progress) -> float:
        """Return the rate of the step that follows `progress.step` finished ones."""
        step = progress.step
        scale = self._schedule.scale(step, self._total, self._steps_per_epoch)
        rate = progress.learning_rate * progress.plateau_factor * scale
        if step < self._warmup:
            rate *= (step + 1) / self._warmup
        return rate
