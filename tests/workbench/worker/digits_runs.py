"""Real runs of a small network on the digits, in this process or in a worker of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from workbench.document.experiment import Data, Experiment, Split
from workbench.document.graph import Graph, Node
from workbench.document.training import Adam, Cosine, Training
from workbench.runs import events as ev
from workbench.runs.control import create_run
from workbench.runs.log import LineTail
from workbench.worker.checkpoints import Checkpoints

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.runs.folder import RunFolder


def network(dropout: float = 0.2) -> tuple[Node, ...]:
    """Return a CNN with everything that has a memory: statistics, dropout, momentum."""
    return (
        Node("input1", "Input"),
        Node("conv1", "Conv2D", {"filters": 8, "padding": "same"}, ("input1",)),
        Node("norm1", "BatchNorm", {}, ("conv1",)),
        Node("relu1", "ReLU", {}, ("norm1",)),
        Node("pool1", "MaxPool2D", {}, ("relu1",)),
        Node("flat1", "Flatten", {}, ("pool1",)),
        Node("drop1", "Dropout", {"rate": dropout}, ("flat1",)),
        Node("dense1", "Dense", {"units": 10}, ("drop1",)),
        Node("output1", "Output", {}, ("dense1",)),
    )


def experiment(
    nodes: tuple[Node, ...] | None = None, split: Split | None = None, **training: object
) -> Experiment:
    """Return digits, a small CNN, Adam and a cosine, unless said otherwise."""
    settings = {
        "epochs": 2,
        "batch_size": 32,
        "optimizer": Adam(learning_rate=0.003),
        "schedule": Cosine(),
        "warmup_steps": 10,
        "device": "cpu",
        **training,
    }
    return Experiment(
        name="Digits",
        graph=Graph(nodes or network()),
        data=Data(split=split or Split()),
        training=Training(**settings),
        seed=7,
    )


def start(folder: RunFolder, **popen: object) -> subprocess.Popen[bytes]:
    """Start a worker of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.worker", str(folder.path)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        **popen,
    )


def ended(worker: subprocess.Popen[bytes], seconds: float = 120.0) -> tuple[int, str]:
    """Wait for a worker's end; return its exit status and what it printed."""
    _, errors = worker.communicate(timeout=seconds)
    return worker.returncode, errors.decode()


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker as a power cut would."""
    worker.kill()
    worker.communicate()


def events(folder: RunFolder) -> list[ev.Event]:
    """Return all events."""
    return [ev.decode(line) for line in LineTail(folder.events).read()]


def only(folder: RunFolder, kind: type[ev.Event]) -> list[ev.Event]:
    """Return the events of one kind."""
    return [event for event in events(folder) if isinstance(event, kind)]


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until something is true; return how long that took."""
    began = time.perf_counter()
    while not condition():
        waited = time.perf_counter() - began
        assert waited < seconds, "it did not happen"
        time.sleep(0.01)
    return time.perf_counter() - began


def final_weights(folder: RunFolder) -> dict[str, bytes]:
    """Return the weights of the newest checkpoint, bit by bit."""
    weights = Checkpoints(folder.checkpoints).find("last").weights
    return {name: value.tobytes() for name, value in weights.items()}


def run_folder(value: Experiment, path: Path) -> RunFolder:
    """Make a run folder below `path`."""
    return create_run(value, path)
