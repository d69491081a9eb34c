from __future__ import annotations

from widgets.monitor.labels import short_names


def test_runs_are_called_by_their_names_as_long_as_these_differ():
    names = ("2026-01-02_101112_digits", "2026-01-02_101112_mnist", "other")
    assert list(short_names(names).values()) == ["digits", "mnist", "other"]


def test_runs_of_one_name_are_told_apart_by_the_time_or_by_the_whole_name():
    names = ("2026-01-02_101112_digits", "2026-01-02_131400_digits")
    assert list(short_names(names).values()) == ["digits 10:11", "digits 13:14"]
    names = ("2026-01-02_101112_digits", "2026-01-03_101112_digits")
    assert list(short_names(names).values()) == list(names)
