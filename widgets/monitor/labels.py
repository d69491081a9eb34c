"""What stands on plots and maps: values, times and names in few characters."""

from __future__ import annotations


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


def short_name(name: str) -> str:
    """Return a run's name without the date and time its folder begins with."""
    parts = name.split("_", 2)
    return parts[2] if len(parts) == 3 and parts[0][:2].isdigit() else name
