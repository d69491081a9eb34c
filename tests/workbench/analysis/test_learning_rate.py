from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.learning_rate import (
    FEWEST,
    HIGHEST,
    LOWEST,
    MOST_TRIALS,
    STEPS,
    RatePoint,
    Suggestion,
    between,
    for_longer,
    has_diverged,
    next_trial,
    smoothed,
    suggest,
    tried,
)

RATES = np.geomspace(LOWEST, HIGHEST, STEPS)


def valley(bottom: float, noise: float = 0.0, scale: float = 1.0) -> list[RatePoint]:
    """Return a test whose loss falls from a rate of bottom / 300 and soars beyond it."""
    random = np.random.default_rng(0)
    place = np.log10(RATES / bottom)
    losses = 2.3 - 1.8 / (1 + np.exp(-4 * (place + 1.2))) + 3 * np.maximum(place, 0) ** 2
    losses = scale * (losses + noise * random.standard_normal(STEPS))
    return [RatePoint(float(rate), float(loss)) for rate, loss in zip(RATES, losses, strict=True)]


@settings(max_examples=30)
@given(st.floats(1e-4, 1.0), st.sampled_from((0.01, 1.0, 1000.0)))
def test_the_suggestion_lies_on_the_slope_whatever_the_loss_is_counted_in(bottom, scale):
    found = suggest(valley(bottom, 0.02, scale))
    assert bottom / 30 < found.rate < bottom
    assert found.rate == suggest(valley(bottom, 0.02)).rate


def test_smoothing_lags_behind_nothing_and_keeps_a_constant():
    assert smoothed([3.0] * 7) == pytest.approx([3.0] * 7)
    step = smoothed([1.0] * 20 + [0.0] * 20)
    assert step[19] + step[20] == pytest.approx(1.0)


def test_a_test_ends_once_the_loss_soars_and_not_before():
    tested = valley(0.01)
    over = [has_diverged(tested[: n + 1]) for n in range(STEPS)]
    first = over.index(True)
    assert RATES[first] > 0.01
    assert all(over[first:])
    assert not has_diverged(valley(1e3))


@pytest.mark.parametrize(
    "losses",
    [
        [2.3] * STEPS,
        [2.3 + 0.3 * math.sin(n) for n in range(STEPS)],
        list(np.linspace(1, 9, STEPS)),
    ],
)
def test_a_loss_that_falls_nowhere_has_no_suggestion(losses):
    tested = [RatePoint(float(rate), loss) for rate, loss in zip(RATES, losses, strict=True)]
    found = suggest(tested)
    assert found.rate is None
    assert "fell at no rate" in found.words


def trials(loss_of, start=0.01):
    found = Suggestion(rate=start, words="From the test.")
    while (rate := next_trial(found)) is not None:
        found = tried(found, RatePoint(rate, loss_of(rate)), steps=100)
    return found


@settings(max_examples=30)
@given(st.floats(1e-4, 1.0), st.floats(-1.0, 1.0))
def test_trials_walk_to_the_best_rate_and_stop_beyond_it(best, apart):
    found = trials(lambda rate: abs(math.log10(rate / best)), best * 10**apart)
    assert max(found.rate / best, best / found.rate) < 2
    assert len(found.trials) <= MOST_TRIALS
    assert len({trial.rate for trial in found.trials}) == len(found.trials)


def test_trials_that_all_diverge_leave_what_the_test_said():
    found = trials(lambda rate: math.inf)
    assert (found.rate, found.words) == (0.01, "From the test.")
    assert trials(lambda rate: math.inf if rate > 2e-3 else 1.0).rate == 0.001
    assert next_trial(Suggestion()) is None


def test_trials_come_down_fast_from_rates_that_come_to_nothing():
    def loss_of(rate):
        return math.inf if rate > 0.05 else math.log10(rate / 0.003) ** 2

    found = trials(loss_of, start=3.3)
    assert between(found, 100.0).rate == pytest.approx(0.003, rel=0.06)


@settings(max_examples=30)
@given(st.floats(1e-3, 0.1))
def test_neighbours_point_at_the_lowest_place_between_trials(best):
    found = trials(lambda rate: math.log10(rate / best) ** 2)
    assert between(found, 100.0).rate == pytest.approx(best, rel=0.06)
    assert f"{between(found, 100.0).rate:g}" in between(found, 100.0).words


def test_a_neighbour_that_diverges_counts_as_no_training_at_all():
    def loss_of(rate):
        return math.inf if rate > 0.02 else 2.0 if rate < 0.005 else 1.0

    assert between(trials(loss_of), 2.0).rate == pytest.approx(0.01)
    assert between(trials(loss_of), 5.0).rate < 0.01
    assert between(Suggestion(rate=0.01), 2.0).rate == 0.01


def test_a_constant_rate_is_smaller_the_longer_one_trains():
    found = trials(lambda rate: abs(math.log10(rate / 0.01)))
    longer = for_longer(found, 100, 10_000)
    assert longer.rate == pytest.approx(0.001, rel=0.01)
    assert "10000 steps" in longer.words
    assert for_longer(found, 100, 100) is found
    assert for_longer(Suggestion(rate=0.01), 100, 1000).rate == 0.01


def test_a_loss_that_is_not_finite_at_once_is_told():
    assert "2 steps" in suggest(valley(0.01)[:2]).words
    assert suggest([]).rate is None
    assert suggest(valley(0.01)[:FEWEST]).rate is None


def test_a_loss_that_falls_to_the_end_says_so():
    assert "still falls" in suggest(valley(100.0)).words
