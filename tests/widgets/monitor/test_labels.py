from __future__ import annotations

from widgets.monitor.labels import told_apart


def names(**titles):
    runs = {f"2026-01-{name[1:]}": title for name, title in titles.items()}
    return list(told_apart(runs).values())


def test_runs_are_called_by_their_titles_as_long_as_these_differ():
    assert names(d02_101112_digits="Digits", d02_101112_mnist="Mine") == ["Digits", "Mine"]


def test_runs_of_one_title_are_told_apart_by_when_they_began():
    assert names(d02_101112_x="Digits", d02_131400_y="Digits") == [
        "Digits 10:11:12",
        "Digits 13:14:00",
    ]
    assert names(d02_101112_x="Digits", d03_101112_x="Digits") == [
        "Digits 10:11:12, 2026-01-02",
        "Digits 10:11:12, 2026-01-03",
    ]


def test_folders_of_other_names_are_told_apart_by_them():
    assert list(told_apart({"one": "Digits", "two": "Digits"}).values()) == ["one", "two"]
