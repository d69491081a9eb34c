"""What a run's events say to a person who reads the log: a line each, with its time."""

from __future__ import annotations

from functools import singledispatch
from typing import Literal, NamedTuple

from workbench.runs import events as ev

MOST_LINES = 5000
"""A longer journal loses its beginning."""


class Line(NamedTuple):
    """Something that happened.

    Attributes:
        time: seconds since the epoch, UTC.
    """

    time: float
    text: str
    severity: Literal["", "info", "warning", "error"] = ""


def metrics_line(metrics: dict[str, float]) -> str:
    """Return metrics for people: "train/loss 0.1234, val/accuracy 0.9876"."""
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def epoch_line(number: int, planned: int, metrics: dict[str, float]) -> str:
    """Return what an epoch came to: "Epoch 3/10: train/loss 0.1234"."""
    return f"Epoch {number}/{planned}: {metrics_line(metrics)}"


@singledispatch
def told(event: ev.Event, planned_epochs: int) -> Line | None:
    """Return what an event says; None where it comes too often, or is seen elsewhere."""
    return None


@told.register
def _(event: ev.Preparing, _epochs: int) -> Line:
    return Line(event.time, event.message)


@told.register
def _(event: ev.Started, _epochs: int) -> Line:
    since = f", on from step {event.step}" if event.step else ""
    return Line(
        event.time,
        f"Training with {event.backend} on {event.device}: {event.epochs} epochs of "
        f"{event.steps_per_epoch} steps{since}",
    )


@told.register
def _(event: ev.EpochFinished, epochs: int) -> Line:
    best = ", the best so far" if event.is_best else ""
    text = epoch_line(event.epoch, epochs, event.metrics)
    return Line(event.time, f"{text}; {event.seconds:.1f} s{best}")


@told.register
def _(event: ev.LearningRateChanged, _epochs: int) -> Line:
    return Line(event.time, f"Learning rate {event.learning_rate:.4g} from step {event.step} on")


@told.register
def _(event: ev.Paused, _epochs: int) -> Line:
    return Line(event.time, f"Paused at step {event.step}")


@told.register
def _(event: ev.Continued, _epochs: int) -> Line:
    return Line(event.time, "Training goes on")


@told.register
def _(event: ev.Stopping, _epochs: int) -> Line:
    return Line(event.time, "Stopping")


@told.register
def _(event: ev.Noted, _epochs: int) -> Line:
    return Line(event.time, f"{event.message} {event.hint}".strip(), event.severity)


@told.register
def _(event: ev.Finished, _epochs: int) -> Line:
    test = {name: value for name, value in event.metrics.items() if name.startswith("test/")}
    end = event.reason.replace("_", " ").capitalize()
    found = f": {metrics_line(test)}" if test else ""
    return Line(event.time, f"{end} at step {event.step}{found}")


@told.register
def _(event: ev.Failed, _epochs: int) -> Line:
    return Line(event.time, f"{event.message} {event.hint}".strip(), "error")
