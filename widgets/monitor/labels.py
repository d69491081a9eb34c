"""What stands on plots and maps: values, times and names in few characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def value_text(value: float) -> str:
    """Return a number of about four figures."""
    if value == 0:
        return "0"
    return f"{value:.4f}" if 0.001 <= abs(value) < 10_000 else f"{value:.3g}"


def clock_text(seconds: float) -> str:
    """Return a duration as 45 s, 3:20 or 1:03:20."""
    if abs(seconds) < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def metric_title(metric: str) -> str:
    """Return a metric's name for people: "learning_rate" is "Learning rate"."""
    return metric.replace("_", " ").capitalize()


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return runs' names without the date and time their folders begin with, if that is enough.

    Runs of the same name are told apart by the time, or else by the whole name.
    """
    names = tuple(names)
    for shorten in (_title, _timed_title):
        made = {name: shorten(name) for name in names}
        if len(set(made.values())) == len(made):
            return made
    return {name: name for name in names}


def _title(name: str) -> str:
    parts = name.split("_", 2)
    return parts[2] if len(parts) == 3 and parts[0][:2].isdigit() else name


def _timed_title(name: str) -> str:
    title = _title(name)
    clock = name.split("_", 2)[1] if title != name else ""
    return f"{title} {clock[:2]}:{clock[2:4]}" if clock.isdigit() else title
