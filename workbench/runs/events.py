"""What a worker says, one event a line in events.jsonl."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from workbench.plugin_api.task import Evaluation


class _Event(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event"
):
    """Anything that happens in a run.

    Attributes:
        time: seconds since the epoch, UTC.
    """

    time: float


class Preparing(_Event, frozen=True, tag="preparing"):
    """A stage before the first step: "Importing PyTorch", "Reading 1,797 pictures"."""

    message: str


class Started(_Event, frozen=True, tag="started"):
    """Training begins, or goes on from a checkpoint.

    Attributes:
        step: optimizer steps already done; metrics beyond it are void.
        epoch: epochs already finished.
        epochs: epochs planned in all.
        steps_per_epoch: optimizer steps in one epoch.
        last_step: after which training is done, whatever the epochs say; 0: there is none.
        pid: of the worker, for the process list; whether it runs is told by the lock.
        headline: metric that people look at first, without its split.
        direction: which way it is better.
    """

    step: int
    epoch: int
    epochs: int
    steps_per_epoch: int
    samples_per_epoch: int
    backend: str
    device: str
    pid: int
    last_step: int = 0
    headline: str = "accuracy"
    direction: Literal["min", "max"] = "max"


class Steps(_Event, frozen=True, tag="steps"):
    """Metrics of consecutive steps, in columns.

    Attributes:
        first: number of the first step (from 1).
        columns: metric name to one value a step: "loss", "accuracy", "learning_rate".
        samples_per_second: over this batch of steps, training time alone.
    """

    first: int
    columns: dict[str, list[float]]
    samples_per_second: float


class EpochFinished(_Event, frozen=True, tag="epoch_finished"):
    """An epoch's means and evaluation: "train/loss", "val/loss", "val/accuracy".

    Attributes:
        epoch: its number, from 1.
        seconds: training and evaluation together.
        is_best: the watched metric is better than ever.
    """

    epoch: int
    step: int
    metrics: dict[str, float]
    seconds: float
    is_best: bool = False


class Evaluated(_Event, frozen=True, tag="evaluated"):
    """A whole split was evaluated; the details lie in results/SPLIT.safetensors."""

    split: Literal["train", "validation", "test"]
    step: int
    evaluation: Evaluation
    checkpoint: Literal["last", "best"] = "last"


class CheckpointSaved(_Event, frozen=True, tag="checkpoint_saved"):
    """A checkpoint is complete on disk.

    Attributes:
        name: its folder below checkpoints/.
        kind: "last" goes on from here, "best" had the best metric.
    """

    step: int
    name: str
    kind: Literal["last", "best"]


class Probed(_Event, frozen=True, tag="probed"):
    """Feature maps and histograms of the watched layers are in probes/NAME."""

    step: int
    name: str
    seconds: float


class LearningRateChanged(_Event, frozen=True, tag="learning_rate_changed"):
    """A person changed the learning rate."""

    step: int
    learning_rate: float


class Paused(_Event, frozen=True, tag="paused"):
    """Training waits; everything is saved."""

    step: int


class Continued(_Event, frozen=True, tag="continued"):
    """Training goes on after a pause."""

    step: int


class Stopping(_Event, frozen=True, tag="stopping"):
    """A stop was asked for; the step is being finished and saved."""

    step: int


class Noted(_Event, frozen=True, tag="noted"):
    """Something worth reading that does not stop training."""

    severity: Literal["info", "warning"]
    message: str
    hint: str = ""


class Finished(_Event, frozen=True, tag="finished"):
    """The worker ends as it should.

    Attributes:
        reason: "completed" all epochs, "stopped" by a person or the system, "early_stopped".
        metrics: last and test metrics by name.
    """

    step: int
    reason: Literal["completed", "stopped", "early_stopped"]
    metrics: dict[str, float]


class Failed(_Event, frozen=True, tag="failed"):
    """The worker ends because something is wrong.

    Attributes:
        message: one sentence for a person; hint: what to do next.
        node: the layer where it happened, if it is known.
        details: traceback for a report.
    """

    message: str
    hint: str = ""
    node: str = ""
    details: str = ""


Event = (
    Preparing
    | Started
    | Steps
    | EpochFinished
    | Evaluated
    | CheckpointSaved
    | Probed
    | LearningRateChanged
    | Paused
    | Continued
    | Stopping
    | Noted
    | Finished
    | Failed
)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """Return one line, with its newline."""
    return _encoder.encode(event) + b"\n"


def decode(line: bytes) -> Event:
    """Return the event of one line; raises msgspec.DecodeError for anything else."""
    event: Any = _decoder.decode(line)
    return event  # type: ignore[no-any-return]
