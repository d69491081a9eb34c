"""Steps in time: found, filled up, joined, told and gone on with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.plugin_api import time_steps as ts

DAY = 86400.0


def seconds(*texts):
    return np.array([np.datetime64(text, "s").astype(np.int64) for text in texts], np.float64)


def run(start, count, unit):
    first = np.datetime64(start, unit)
    return (first + np.arange(count)).astype("datetime64[s]").astype(np.int64).astype(np.float64)


@pytest.mark.parametrize(
    ("times", "step"),
    [
        (run("1981-01", 30, "M"), ("months", 1.0)),
        (run("1981", 9, "Y"), ("months", 12.0)),
        (run("1981-01", 30, "M")[::3], ("months", 3.0)),
        (run("2024-01-01", 40, "D")[::7], ("seconds", 7 * DAY)),
        (run("2024-01-01T00", 40, "h"), ("seconds", 3600.0)),
        (seconds("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"), ("months", 1.0)),
        (seconds("2024-01-03", "2024-01-04", "2024-02-20", "2024-03-01"), ("", 0.0)),
    ],
)
def test_the_step_of_dates_is_found(times, step):
    assert ts.find_step(times, dated=True) == step


def test_the_step_of_numbers_is_found_over_gaps():
    times = np.delete(np.arange(0, 50, 2.5), [4, 9, 10])
    assert ts.find_step(times, dated=False) == ("numbers", 2.5)


def test_business_days_have_no_regular_step():
    days = run("2024-01-01", 70, "D")
    working = days[[np.datetime64(int(d), "s").astype(object).weekday() < 5 for d in days]]
    assert ts.find_step(working, dated=True) == ("", 0.0)


def test_left_out_steps_become_missing():
    times = np.delete(run("1981-01", 24, "M"), [5, 6])
    values = np.arange(22.0)[:, None]
    grid, filled = ts.on_grid(times, values, "months", 1)
    assert np.array_equal(grid, run("1981-01", 24, "M"))
    assert np.isnan(filled[5:7]).all()
    assert np.isfinite(np.delete(filled, [5, 6], 0)).all()


def test_months_go_on_with_their_own_lengths():
    (end,) = seconds("2024-01-31")
    told = [ts.time_text(time, "months", 1, True) for time in ts.following(end, 3, "months", 1)]
    assert told == ["2024-02-29", "2024-03-31", "2024-04-30"]
    (noon,) = seconds("2023-12-15T12:00")
    assert (
        ts.following(noon, 2, "months", 1).tolist()
        == seconds("2024-01-15T12:00", "2024-02-15T12:00").tolist()
    )


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=40),
    st.sampled_from(["mean", "sum", "first", "last", "smallest", "largest"]),
)
def test_rows_of_a_day_are_joined_by_a_rule(numbers, rule):
    times = seconds("2024-01-01")[0] + np.arange(len(numbers)) * 7 * 3600.0
    values = np.array(numbers)[:, None]
    days, joined = ts.resampled(times, values, "seconds", DAY, rule)
    rules = {
        "mean": np.mean,
        "sum": np.sum,
        "first": lambda part: part[0],
        "last": lambda part: part[-1],
        "smallest": np.min,
        "largest": np.max,
    }
    for day, value in zip(days, joined[:, 0], strict=True):
        part = values[(times >= day) & (times < day + DAY), 0]
        assert value == pytest.approx(rules[rule](part), abs=1e-9)


def test_a_step_without_rows_is_missing_when_joined():
    times = seconds("2024-01-03", "2024-01-20", "2024-03-02")
    months, joined = ts.resampled(times, np.ones((3, 1)), "months", 1, "sum")
    assert [ts.time_text(m, "months", 1, True) for m in months] == ["2024-01", "2024-02", "2024-03"]
    assert joined[[0, 2], 0].tolist() == [2.0, 1.0]
    assert np.isnan(joined[1, 0])


def test_times_are_told_as_short_as_their_step_allows():
    (moment,) = seconds("1981-01-05T10:00")
    assert ts.time_text(moment, "seconds", 3600, True) == "1981-01-05 10:00"
    assert ts.time_text(seconds("1981-01-05")[0], "seconds", DAY, True) == "1981-01-05"
    assert ts.time_text(seconds("1981-01-01")[0], "months", 12, True) == "1981"
    assert ts.time_text(1981.0, "numbers", 1, False) == "1981"
