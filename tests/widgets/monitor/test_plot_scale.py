import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.monitor.plot_scale import Scale, linear_ticks, log_ticks, time_ticks


def labels(ticks):
    return [tick.label for tick in ticks if tick.label]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(1, 12))
def test_linear_ticks_lie_inside_and_are_few(low, span, most):
    high = low + span
    ticks = linear_ticks(low, high, most)
    slack = span * 1e-6 + 2 * math.ulp(max(abs(low), abs(high)))
    assert all(low - slack <= tick.value <= high + slack for tick in ticks)
    assert len(labels(ticks)) <= most + 1


def test_labels_are_round():
    assert labels(linear_ticks(-7, 343, 7)) == ["0", "50", "100", "150", "200", "250", "300"]
    assert labels(linear_ticks(0.1, 2.3, 5)) == ["0.5", "1", "1.5", "2"]


def test_time_reads_as_a_clock():
    assert labels(time_ticks(0, 400, 4)) == ["0 s", "2:00", "4:00", "6:00"]
    assert labels(time_ticks(0, 9000, 3))[-1] == "2:00:00"


def test_log_ticks_are_powers_of_ten():
    ticks = log_ticks(math.log10(0.02), math.log10(3), 4)
    assert "0.1" in labels(ticks)
    assert "1" in labels(ticks)
    assert all(math.log10(0.02) <= tick.value <= math.log10(3) for tick in ticks)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_no_range_has_no_ticks(ends):
    assert linear_ticks(*ends, 5) == []


def test_a_scale_goes_both_ways():
    scale = Scale(10, 20, 100, 300)
    assert scale.to_pixels(np.array([10.0, 15.0])).tolist() == [100, 200]
    assert scale.value_at(scale.at(12.5)) == pytest.approx(12.5)
