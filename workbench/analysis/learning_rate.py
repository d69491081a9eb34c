"""What a learning-rate range test says: where the loss falls, and which rate to train with.

A range test shows within a few steps where training begins and where it breaks. Which rate trains
best lies between, and how far below the break differs with the optimizer, the schedule and the
data; that is asked of short trainings at a few rates, as successive halving does (Jamieson and
Talwalkar, 2016), beginning where the range test points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOWEST, HIGHEST = 1e-7, 10.0
"""The rates that a test begins and would end with."""
STEPS = 100
"""Optimizer steps of a whole test: 12.5 for each power of ten."""
SMOOTHING = 2.5
"""Deviation of the Gaussian that smooths the losses, in steps."""
DIVERGED = 4.0
"""The loss may come to so many times its lowest, and no higher than at first, before it ends."""
FEWEST = 10
"""Steps that a suggestion needs."""
BELOW_LOWEST = 3.0
"""A test alone points at the rate of the lowest loss divided by this. Of the rules tried (steepest
slope, longest valley, the rate of half to nine tenths of the fall, a tenth to a half of the lowest)
the last came nearest to the best of grids over six examples, each with Adam and SGD: a half for
trainings of one epoch, a third for somewhat longer ones; see `benchmarks/learning_rate.py`."""
RUNG = math.sqrt(10)
"""Between the rates of two neighbouring trials."""
STRIDE = 10.0
"""Downwards while trials come to nothing: a test may point at rates that only learn by heart."""
MOST_TRIALS = 6
SMALLEST_FALL = 0.02
"""Share of the first loss by which it must fall more than it scatters; less is chance."""


class RatePoint(msgspec.Struct, frozen=True, array_like=True):
    """One step of a test: the rate it was done with, and the loss before it."""

    rate: float
    loss: float


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The rate to train with.

    Attributes:
        rate: None where the test shows none.
        lowest_at: the rate at which the smoothed loss was lowest.
        trials: short trainings: each one's rate, and the loss it ended with.
        words: a sentence on what the test showed, and a next step where it showed nothing.
    """

    rate: float | None = None
    lowest_at: float | None = None
    trials: tuple[RatePoint, ...] = ()
    words: str = ""


def smoothed(losses: Sequence[float]) -> NDArray[np.float64]:
    """Return the losses as a Gaussian of `SMOOTHING` steps to either side sees them.

    Unlike a running average it lags behind nothing, so that the curve stays over its rates.
    """
    values = np.asarray(losses, np.float64)
    steps = np.arange(len(values))
    distance = (steps[:, np.newaxis] - steps) / SMOOTHING
    weights = np.exp(-0.5 * distance**2)
    found: NDArray[np.float64] = weights @ values / weights.sum(axis=1)
    return found


def has_diverged(tested: Sequence[RatePoint]) -> bool:
    """Whether the loss has risen so far that higher rates have nothing more to tell."""
    if len(tested) < FEWEST:
        return False
    curve = smoothed([point.loss for point in tested])
    lowest = float(curve.min())
    return bool(curve[-1] > max(curve[0], lowest + (DIVERGED - 1) * abs(lowest)))


def suggest(tested: Sequence[RatePoint]) -> Suggestion:
    """Return a rate somewhat below that of the lowest loss, or why there is none."""
    if len(tested) < FEWEST:
        return Suggestion(
            words=f"The loss stopped being finite after {len(tested)} steps, while the rate was "
            "still tiny. Look at the data's values and at the initial weights."
        )
    curve = smoothed([point.loss for point in tested])
    lowest = int(curve.argmin())
    fall = float(curve[0] - curve[lowest])
    if fall < SMALLEST_FALL * abs(float(curve[0])) + _noise(tested, curve):
        return Suggestion(
            words="The loss fell at no rate, so none can be suggested. Look at what is frozen, at "
            "the data and at the loss, or train with the usual rate and see."
        )
    at = tested[lowest].rate
    rate = _rounded(at / BELOW_LOWEST)
    if lowest == len(tested) - 1:
        words = f"The loss still falls at {_rounded(at):g}, the highest rate that was tried."
    else:
        words = f"The loss is lowest at {_rounded(at):g} and rises beyond."
    return Suggestion(rate=rate, lowest_at=at, words=words)


def next_trial(found: Suggestion) -> float | None:
    """Return the rate to try next, or None where the best one has a worse one on either side."""
    if found.rate is None or len(found.trials) >= MOST_TRIALS:
        return None
    if not found.trials:
        return found.rate
    best = min(found.trials, key=lambda trial: trial.loss)
    known = [trial.rate for trial in found.trials]
    if not math.isfinite(best.loss):
        return _rounded(min(known) / STRIDE)
    for rate in (best.rate / RUNG, best.rate * RUNG):
        if not any(math.isclose(rate, other, rel_tol=0.1) for other in known):
            return _rounded(rate)
    return None


def tried(found: Suggestion, trial: RatePoint, steps: int) -> Suggestion:
    """Return the suggestion with one trial of so many steps more: the rate that ended lowest."""
    trials = (*found.trials, trial)
    best = min(trials, key=lambda each: each.loss)
    if not math.isfinite(best.loss):
        return msgspec.structs.replace(found, trials=trials)
    words = f"Of {len(trials)} trainings of {steps} steps the one with {best.rate:g} ended lowest."
    return msgspec.structs.replace(found, rate=best.rate, trials=trials, words=words)


def between(found: Suggestion, before: float) -> Suggestion:
    """Return the lowest point of the parabola through the best trial and its two neighbours.

    Trials differ by chance, and the best rate lies between them: all three say where.

    Args:
        before: the loss before any training; a trial that ends higher, or nowhere, counts as it.
    """
    by_rate = sorted(found.trials, key=lambda trial: trial.rate)
    losses = [min(trial.loss, before) for trial in by_rate]
    best = min(range(len(losses)), key=losses.__getitem__, default=0)
    if not 0 < best < len(losses) - 1:
        return found
    lower, lowest, higher = losses[best - 1 : best + 2]
    bend = lower - 2 * lowest + higher
    rate = _rounded(by_rate[best].rate * RUNG ** (0.5 * (lower - higher) / bend if bend else 0.0))
    words = f"{found.words} With its neighbours it points at {rate:g}."
    return msgspec.structs.replace(found, rate=rate, words=words)


def for_longer(found: Suggestion, steps: int, total: int) -> Suggestion:
    """Return the suggestion for a training longer than the trials, whose rate never falls.

    The longer one trains at a constant rate, the smaller the best one is: the noise of the steps
    stays while the way to go does not grow. In the bounds of stochastic gradient descent it falls
    with the square root of the number of steps (Nemirovski et al., 2009). A schedule that ends
    near zero has taken the noise away by itself.
    """
    if found.rate is None or not found.trials or total <= steps:
        return found
    rate = _rounded(found.rate * math.sqrt(steps / total))
    words = f"{found.words} {total} steps at a constant rate want {rate:g}."
    return msgspec.structs.replace(found, rate=rate, words=words)


def _noise(tested: Sequence[RatePoint], curve: NDArray[np.float64]) -> float:
    """Return how far half of the losses before the lowest are off the curve (median deviation)."""
    upto = max(int(curve.argmin()), FEWEST)
    losses = np.array([point.loss for point in tested])
    return float(np.median(np.abs(losses - curve)[:upto]))


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")
