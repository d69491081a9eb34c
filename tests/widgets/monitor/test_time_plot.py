"""Plots over time: what is thinned, and which dates stand below."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.monitor.time_plot import thinned
from widgets.monitor.time_ticks import date_ticks, plain_ticks


@given(st.integers(1, 5000), st.integers(20, 400))
def test_thinning_keeps_the_extremes(count, most):
    y = np.random.default_rng(count).normal(size=count)
    x = np.arange(count, dtype=float)
    kept_x, kept_y = thinned(x, y, (0.0, float(count)), most)
    assert len(kept_x) <= most + 4
    assert (np.diff(kept_x) >= 0).all()
    whole = (
        count // (-(-count // (most // 2))) * -(-count // (most // 2)) if count > most else count
    )
    assert kept_y.max() == y[:whole].max()
    assert kept_y.min() == y[:whole].min()


def seconds(text):
    return float(np.datetime64(text, "s").astype(np.int64))


@pytest.mark.parametrize(
    ("start", "end", "label"),
    [
        ("1700-06-01", "2008-01-01", "1800"),
        ("1995-02-01", "2001-01-01", "1999"),
        ("2020-01-15", "2020-12-20", "2020-07"),
        ("2020-01-15", "2020-02-20", "02-"),
        ("2020-01-15T03:00", "2020-01-15T09:10", "06:00"),
        ("2020-01-15T03:00:00", "2020-01-15T03:00:50", "03:00:30"),
    ],
)
def test_round_dates(start, end, label):
    low, high = seconds(start), seconds(end)
    ticks = date_ticks(low, high, 8)
    assert any(tick.label.startswith(label) for tick in ticks)
    assert 2 <= len(ticks) <= 17
    assert all(low <= tick.value <= high for tick in ticks)


def test_years_are_not_grouped():
    assert "1850" in [tick.label for tick in plain_ticks(1800, 1900, 4)]
