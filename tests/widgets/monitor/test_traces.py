import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.monitor.traces import GrowingArray, Line, Smoother, Trace
from workbench.runs.state import Series

MOST = 1000


def slow_average(values, weight):
    total = share = 0.0
    averages = []
    for value in values:
        if math.isfinite(value):
            total, share = weight * total + value, weight * share + 1
        else:
            total, share = weight * total, weight * share
        averages.append(total / share if share else math.nan)
    return np.array(averages)


@given(
    st.lists(st.floats(-100, 100) | st.just(math.nan), max_size=700),
    st.integers(0, 99).map(lambda hundredths: hundredths / 100),
    st.integers(1, 300),
)
def test_smoothing_in_pieces_is_the_average_by_definition(values, weight, piece):
    smoother = Smoother(weight)
    parts = [
        smoother.feed(np.array(values[start : start + piece], float))
        for start in range(0, len(values), piece)
    ]
    smoothed = np.concatenate(parts) if parts else np.empty(0)
    np.testing.assert_allclose(smoothed, slow_average(values, weight), rtol=1e-7, atol=1e-9)


def test_smoothing_does_not_start_at_zero():
    assert Smoother(0.99).feed(np.full(5, 3.0)) == pytest.approx(np.full(5, 3.0))


def test_no_weight_leaves_values_as_they_are():
    values = np.random.default_rng(0).normal(size=300)
    assert Smoother(0.0).feed(values) == pytest.approx(values)


def test_growing_array_keeps_everything():
    array = GrowingArray()
    for start in range(0, 5000, 100):
        array.extend(np.arange(start, start + 100))
    assert len(array) == 5000
    assert (array.view == np.arange(5000)).all()


@pytest.mark.parametrize("count", [10, MOST, MOST + 1, 20_011, 700_001])
def test_a_thinned_line_keeps_every_extreme(count):
    values = np.random.default_rng(count).normal(size=count)
    line = Line()
    for start in range(0, count, 4096):
        line.extend(values[start : start + 4096])
    positions, thinned = line.thinned(0, count, MOST)
    assert len(positions) == len(thinned) <= MOST + 2
    assert (np.diff(positions) >= 0).all()
    assert thinned.min() == values.min()
    assert thinned.max() == values.max()


def test_a_part_of_a_long_line_is_drawn_in_detail():
    line = Line()
    line.extend(np.arange(100_000, dtype=float))
    positions, values = line.thinned(50_000, 51_000, MOST)
    assert (positions == np.arange(50_000, 51_000)).all()
    assert (values == positions).all()


def test_thinning_passes_over_missing_values():
    line = Line()
    values = np.arange(10_000, dtype=float)
    values[::3] = np.nan
    line.extend(values)
    _, thinned = line.thinned(0, 10_000, MOST)
    assert np.nanmax(thinned) == 9998


def test_trace_follows_a_series_that_grows_and_is_cut():
    series = Series()
    trace = Trace(series, smoothing=0.5)
    series.extend(1, [3.0, 2.0, 1.0])
    trace.update()
    assert trace.steps.view.tolist() == [1, 2, 3]
    series.cut(after=1)
    series.extend(2, [9.0])
    trace.update()
    assert trace.raw.values.view.tolist() == [3.0, 9.0]
    assert trace.smooth.values.view[-1] == pytest.approx(7.0)


def test_trace_leaves_the_series_free_to_grow():
    series = Series()
    series.extend(1, [1.0] * 5000)
    trace = Trace(series)
    trace.update()
    series.extend(5001, [1.0] * 5000)  # raises BufferError while an array exports its buffer
    series.cut(after=3)
    trace.update()
    assert len(trace) == 3


def test_smoothing_again_uses_all_values():
    series = Series()
    series.extend(1, [0.0, 1.0, 0.0, 1.0])
    trace = Trace(series, 0.0)
    trace.update()
    trace.smooth_with(0.9)
    expected = slow_average(series.values, 0.9)
    assert trace.smooth.values.view == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 599, 600, 601, 100_000])
def test_samples_of_a_smooth_line_reach_its_end(count):
    line = Line()
    line.extend(np.arange(count, dtype=float))
    positions, values = line.sampled(0, count, 600)
    assert len(positions) <= 601
    assert positions[-1] == count - 1
    assert (values == positions).all()
    assert (np.diff(positions) > 0).all()
