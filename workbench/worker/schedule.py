"""The learning rate of every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

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


def stretching(training: Training, steps_per_epoch: int, progress: Progress, epochs: int) -> str:
    """Return a sentence on what continuing to `epochs` makes of the rate; empty: nothing.

    A rate that had come to its end would teach nothing more, so it goes on from where the longer
    schedule has it.
    """
    if epochs <= progress.epochs or not progress.step:
        return ""
    before = LearningRates(training, steps_per_epoch, progress.epochs)
    after = LearningRates(training, steps_per_epoch, epochs)
    last = msgspec.structs.replace(progress, step=progress.step - 1)
    was, next_rate = before.rate(last), after.rate(progress)
    if before.rate(progress) == next_rate:
        return ""
    return (
        f"The learning rate's schedule is stretched over all {epochs} epochs: the rate had come to "
        f"{was:.2g} and goes on at {next_rate:.2g}."
    )
