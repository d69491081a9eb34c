"""kill -9 at random moments, each time resumed, against an uninterrupted run: the same weights."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from safetensors.numpy import load_file

import resources
from benchmarks.rows import Row
from workbench.document.files import load
from workbench.runs import events
from workbench.runs.control import create_run, request_resume
from workbench.runs.log import LineTail
from workbench.runs.state import RunState

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder

KILLS = 20
EPOCHS = 250
SECONDS_A_LIFE = (0.05, 1.5)
"""A worker is killed so long after its first step."""


def run() -> list[Row]:
    """Train once in peace and once with twenty kills, and compare the last weights."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        experiment = load(resources.examples()["digits-cnn"])
        training = msgspec.structs.replace(
            experiment.training, epochs=EPOCHS, checkpoint_seconds=0.2
        )
        experiment = msgspec.structs.replace(experiment, training=training)
        peaceful = create_run(experiment, folder / "runs")
        _worker(peaceful).wait()
        hunted = create_run(experiment, folder / "runs")
        kills = _hunt(hunted)
        same = _last_weights_equal(peaceful, hunted)
    return [
        Row(
            f"kill -9 of the worker at {KILLS} random moments, each time resumed",
            "bit-identical" if same else "different",
            "final weights bit-identical to an uninterrupted run",
            same and kills == KILLS,
            f"digits example over {EPOCHS} epochs, {kills} kills",
        )
    ]


def _hunt(folder: RunFolder) -> int:
    chance = random.Random(0)
    for kill in range(KILLS + 1):
        worker = _worker(folder)
        _wait_for_steps(folder, worker)
        if kill < KILLS:
            time.sleep(chance.uniform(*SECONDS_A_LIFE))
            if worker.poll() is not None:
                return kill
            os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        if kill < KILLS:
            request_resume(folder)
    return KILLS


def _worker(folder: RunFolder) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "workbench.worker", str(folder.path)])


def _wait_for_steps(folder: RunFolder, worker: subprocess.Popen[bytes]) -> None:
    """Wait until this worker, not one before it, has trained a step."""
    while worker.poll() is None:
        state = RunState()
        for line in LineTail(folder.events).read():
            state.apply(events.decode(line))
        if state.pid == worker.pid and state.status == "training":
            return
        time.sleep(0.05)


def _last_weights_equal(one: RunFolder, other: RunFolder) -> bool:
    found = []
    for folder in (one, other):
        newest = max(folder.checkpoints.iterdir(), key=lambda path: path.name)
        found.append((newest.name, load_file(newest / "weights.safetensors")))
    (name, weights), (other_name, others) = found
    return name == other_name and all(
        np.array_equal(weights[key], others[key]) for key in weights.keys() | others.keys()
    )
