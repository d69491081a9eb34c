"""What a run's events add up to: the same code live and on replay."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from workbench.runs.journal import MOST_LINES, Line, told

if TYPE_CHECKING:
    from collections.abc import Collection

    from workbench.plugin_api.task import Evaluation
    from workbench.runs import events as ev

Status = Literal[
    "new",
    "preparing",
    "training",
    "paused",
    "stopping",
    "completed",
    "stopped",
    "early_stopped",
    "failed",
]
ENDED: tuple[Status, ...] = ("completed", "stopped", "early_stopped", "failed")


class Series:
    """A metric over steps, append-only except for a cut at its end."""

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")

    def __len__(self) -> int:
        return len(self.steps)

    def append(self, step: int, value: float) -> None:
        """Add one value."""
        self.steps.append(step)
        self.values.append(value)

    def extend(self, first: int, values: list[float]) -> None:
        """Add the values of consecutive steps."""
        self.steps.extend(range(first, first + len(values)))
        self.values.extend(values)

    def cut(self, after: int) -> None:
        """Drop everything beyond a step."""
        keep = len(self.steps)
        while keep and self.steps[keep - 1] > after:
            keep -= 1
        del self.steps[keep:]
        del self.values[keep:]


@dataclass
class RunState:
    """The present of a run, folded from its events.

    Attributes:
        status: as the events tell it; whether a worker lives is told by the lock (`store`).
        steps: per-step series by metric name ("loss", "accuracy", "learning_rate").
        epochs: per-epoch series by metric name ("train/loss", "val/accuracy"), over steps.
        clock: (step, training seconds) pairs for the time axis, one a Steps event.
        headline: metric that people look at first, without its split; direction: its better way.
        probes: (step, file name) of feature-map snapshots, oldest first; the worker thins them
            without a word, so that a file may be gone (`forget_thinned`).
        journal: what the events say in words, the last lines of them; told: lines there were.
        changes: counts applied events, so that a view can tell whether to redraw.
    """

    status: Status = "new"
    message: str = ""
    hint: str = ""
    failed_node: str = ""
    details: str = ""
    step: int = 0
    epoch: int = 0
    planned_epochs: int = 0
    steps_per_epoch: int = 0
    last_step: int = 0
    samples_per_epoch: int = 0
    headline: str = "accuracy"
    direction: Literal["min", "max"] = "max"
    backend: str = ""
    device: str = ""
    pid: int = 0
    started: float = 0.0
    updated: float = 0.0
    samples_per_second: float = 0.0
    epoch_seconds: float = 0.0
    steps: dict[str, Series] = field(default_factory=dict)
    epochs: dict[str, Series] = field(default_factory=dict)
    clock: Series = field(default_factory=Series)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    probes: list[tuple[int, str]] = field(default_factory=list)
    journal: list[Line] = field(default_factory=list)
    told: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    changes: int = 0
    _clock_base: float = 0.0
    _clock_since: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether the events say that the worker is done."""
        return self.status in ENDED

    @property
    def total_steps(self) -> int:
        """Steps of all planned epochs, or fewer where a number of steps was asked for."""
        return self.last_step or self.planned_epochs * self.steps_per_epoch

    @property
    def progress(self) -> float:
        """Share of the planned steps that is done, 0 to 1."""
        return min(self.step / self.total_steps, 1.0) if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Honest remaining time: whole epochs as they were, evaluation included; None: unknown."""
        if self.status != "training" or not self.total_steps:
            return None
        left = self.total_steps - self.step
        if self.epoch_seconds:
            return left / self.steps_per_epoch * self.epoch_seconds
        if self.samples_per_second:
            return left / self.steps_per_epoch * self.samples_per_epoch / self.samples_per_second
        return None

    def apply(self, event: ev.Event) -> None:
        """Fold one event in."""
        self.changes += 1
        self.updated = event.time
        getattr(self, f"_on_{event.__struct_config__.tag}")(event)
        if (line := told(event, self.planned_epochs)) is not None:
            self.journal.append(line)
            self.told += 1
            del self.journal[:-MOST_LINES]

    def forget_thinned(self, left: Collection[str]) -> None:
        """Drop the snapshots that are not among the files left, except those written since."""
        last = max((i for i, probe in enumerate(self.probes) if probe[1] in left), default=-1)
        self.probes = [p for i, p in enumerate(self.probes) if i > last or p[1] in left]

    def _on_preparing(self, event: ev.Preparing) -> None:
        self.status, self.message, self.hint = "preparing", event.message, ""

    def _on_started(self, event: ev.Started) -> None:
        self.status, self.message, self.hint, self.failed_node = "training", "", "", ""
        self.step, self.epoch = event.step, event.epoch
        self.planned_epochs, self.steps_per_epoch = event.epochs, event.steps_per_epoch
        self.samples_per_epoch, self.last_step = event.samples_per_epoch, event.last_step
        self.headline, self.direction = event.headline, event.direction
        self.backend, self.device, self.pid = event.backend, event.device, event.pid
        self.started = self.started or event.time
        for series in (*self.steps.values(), *self.epochs.values(), self.clock):
            series.cut(event.step)
        self.probes = [probe for probe in self.probes if probe[0] <= event.step]
        self._clock_base = self.clock.values[-1] if len(self.clock) else 0.0
        self._clock_since = event.time

    def _on_steps(self, event: ev.Steps) -> None:
        count = 0
        for name, values in event.columns.items():
            self.steps.setdefault(name, Series()).extend(event.first, values)
            count = len(values)
        self.step = event.first + count - 1
        self.samples_per_second = event.samples_per_second
        self.clock.append(self.step, self._clock_base + event.time - self._clock_since)

    def _on_epoch_finished(self, event: ev.EpochFinished) -> None:
        self.epoch, self.step = event.epoch, event.step
        self.epoch_seconds = event.seconds
        for name, value in event.metrics.items():
            self.epochs.setdefault(name, Series()).append(event.step, value)
        self.metrics.update(event.metrics)

    def _on_evaluated(self, event: ev.Evaluated) -> None:
        self.evaluations[event.split] = event.evaluation

    def _on_checkpoint_saved(self, event: ev.CheckpointSaved) -> None:
        self.checkpoints[event.kind] = event.name

    def _on_probed(self, event: ev.Probed) -> None:
        self.probes.append((event.step, event.name))

    def _on_learning_rate_changed(self, event: ev.LearningRateChanged) -> None:
        pass

    def _on_paused(self, event: ev.Paused) -> None:
        self.status = "paused"
        self._clock_base += event.time - self._clock_since

    def _on_continued(self, event: ev.Continued) -> None:
        self.status = "training"
        self._clock_since = event.time

    def _on_stopping(self, event: ev.Stopping) -> None:
        self.status = "stopping"

    def _on_noted(self, event: ev.Noted) -> None:
        """Change nothing: the journal tells it."""

    def _on_finished(self, event: ev.Finished) -> None:
        self.status, self.step = event.reason, event.step
        self.metrics.update(event.metrics)

    def _on_failed(self, event: ev.Failed) -> None:
        self.status = "failed"
        self.message, self.hint = event.message, event.hint
        self.failed_node, self.details = event.node, event.details
