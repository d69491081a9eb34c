"""What stands on plots and maps: values, times and names in few characters."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from widgets.texts import percent
from workbench.plugin_api.metrics import TITLES, is_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def value_text(value: float) -> str:
    """Return a number of about four figures."""
    if value == 0:
        return "0"
    return f"{value:.4f}" if 0.001 <= abs(value) < 10_000 else f"{value:.3g}"


def legend_text(entries: Iterable[tuple[str, str]]) -> str:
    """Return names behind bars of their colours, as rich text."""
    parts = [f'<span style="color:{color}">━</span>&nbsp;{escape(name)}' for name, color in entries]
    return " &nbsp;".join(parts)


def clock_text(seconds: float) -> str:
    """Return a duration as 45 s, 3:20 or 1:03:20."""
    if abs(seconds) < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def metric_title(metric: str, *, within: bool = False) -> str:
    """Return a metric's name for people: "learning_rate" is "Learning rate".

    Args:
        within: a sentence, so in small letters.
    """
    words = metric.replace("_", " ")
    return TITLES.get(metric, words if within else words.capitalize())


def score_text(name: str, value: float) -> str:
    """Return a share in per cent, anything else as a number."""
    if name == "r2":
        return f"{value:.3f}"
    if name == "smape":
        return percent(value / 100)
    if is_share(name):
        return percent(value)
    return value_text(value) if name.endswith("loss") or abs(value) >= 10_000 else f"{value:.4g}"


def told_apart(titles: Mapping[str, str]) -> dict[str, str]:
    """Return runs' titles; runs of one title are told apart by when they began.

    Args:
        titles: by the names of the runs' folders, which begin with date and time.
    """
    for extended in (lambda title, _: title, _timed, _dated):
        made = {name: extended(title, name) for name, title in titles.items()}
        if len(set(made.values())) == len(made):
            return made
    return {name: name for name in titles}


def _timed(title: str, name: str) -> str:
    clock = name.split("_", 2)[1:2]
    is_clock = bool(clock) and clock[0].isdigit() and len(clock[0]) == 6
    return f"{title} {clock[0][:2]}:{clock[0][2:4]}:{clock[0][4:]}" if is_clock else title


def _dated(title: str, name: str) -> str:
    timed = _timed(title, name)
    return f"{timed}, {name.partition('_')[0]}" if timed != title else name
