"""Histograms of lengths."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.plugin_api.preprocessing import Lengths
from workbench.worker.lengths import BARS, lengths_report


@settings(max_examples=100, database=None)
@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=60), st.none() | st.integers(1, 500))
def test_every_sample_is_in_a_bar(steps, limit):
    found = lengths_report(Lengths(np.array(steps), limit, "tokens"), total=100)

    assert sum(found.counts) == len(steps)
    assert 1 <= len(found.counts) <= BARS
    assert (found.shortest, found.longest) == (min(steps), max(steps))
    first = sum(found.start <= n < found.start + found.width for n in steps)
    if len(found.counts) > 1:
        assert found.counts[0] == first
    longer = 0 if limit is None else sum(n > limit for n in steps)
    assert found.cut == longer / len(steps)


def test_a_few_outliers_do_not_squeeze_the_others():
    steps = np.array([*range(1, 41)] * 25 + [50_000])
    found = lengths_report(Lengths(steps, None, "steps"), total=1001)

    assert found.width <= 2
    assert found.counts[-1] >= 1
    assert found.longest == 50_000


def test_nothing_measured_is_no_histogram():
    assert lengths_report(Lengths(np.array([], int), 5, "steps"), total=3) is None
