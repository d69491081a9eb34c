"""Run folders written by hand, as a worker would have written them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.document.experiment import Experiment
from workbench.plugin_api.task import Evaluation
from workbench.runs import events as ev
from workbench.runs.control import create_run

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.runs.folder import RunFolder

STEPS_PER_EPOCH = 10


def started(time: float, *, step: int = 0, epochs: int = 3, pid: int = 1) -> ev.Started:
    return ev.Started(
        time=time,
        step=step,
        epoch=step // STEPS_PER_EPOCH,
        epochs=epochs,
        steps_per_epoch=STEPS_PER_EPOCH,
        samples_per_epoch=320,
        backend="torch",
        device="cpu",
        pid=pid,
    )


def epoch(time: float, number: int, accuracy: float) -> list[ev.Event]:
    first = (number - 1) * STEPS_PER_EPOCH + 1
    half = STEPS_PER_EPOCH // 2
    steps = [
        ev.Steps(
            time=time + 0.1 * part,
            first=first + part * half,
            columns={"loss": [1.0 / number] * half, "accuracy": [accuracy] * half},
            samples_per_second=1000.0,
        )
        for part in range(2)
    ]
    end = ev.EpochFinished(
        time=time + 0.5,
        epoch=number,
        step=number * STEPS_PER_EPOCH,
        metrics={"train/loss": 1.0 / number, "val/loss": 1.0, "val/accuracy": accuracy},
        seconds=0.5,
    )
    return [*steps, end]


def whole_run(time: float = 1000.0, accuracies: tuple[float, ...] = (0.5, 0.9, 0.8)):
    """Three epochs, then a test."""
    yield ev.Preparing(time=time, message="Importing PyTorch")
    yield started(time + 1, epochs=len(accuracies))
    for number, accuracy in enumerate(accuracies, start=1):
        yield from epoch(time + 1 + number, number, accuracy)
    last = len(accuracies) * STEPS_PER_EPOCH
    evaluation = Evaluation(metrics={"accuracy": 0.85})
    yield ev.Evaluated(time=time + 9, split="test", step=last, evaluation=evaluation)
    yield ev.Finished(
        time=time + 10, step=last, reason="completed", metrics={"test/accuracy": 0.85}
    )


def write_run(runs_folder: Path, events=None, name: str = "written") -> RunFolder:
    folder = create_run(Experiment(name=name), runs_folder)
    append(folder, whole_run() if events is None else events)
    return folder


def append(folder: RunFolder, events) -> None:
    with folder.events.open("ab") as file:
        file.write(b"".join(map(ev.encode, events)))
