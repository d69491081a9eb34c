"""Training through the workbench, window and probes on, against a hand-written PyTorch loop.

Both train the same generated module on the same prepared samples, in the same batches, with the
same optimizer and threads, as processes of their own, in turn. The loop has its samples in memory;
those that differ in length it fills up batch by batch, to the length that the worker's have.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks import networks
from benchmarks.rows import Row
from workbench.catalog import Catalog
from workbench.document.files import save
from workbench.runs import events
from workbench.runs.control import create_run
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineTail
from workbench.worker.assembly import assemble
from workbench.worker.batches import epoch_order
from workbench.worker.ragged import STEP

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment

ROUNDS = 5
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A network and the share of the hand-written loop's speed that must be reached."""

    title: str
    experiment: Experiment
    bar: float


def cases() -> tuple[Case, ...]:
    """Return the networks of the comparison."""
    return (
        Case("CNN 28×28", networks.cnn(), 0.97),
        Case("ResNet-18-like 64×64", networks.resnet18(64, epochs=1, widths=16), 0.97),
        Case("MLP 784-128-10", networks.mlp(), 0.95),
        Case("BiLSTM, sentences of any length", networks.text_bilstm(), 0.97),
        Case("Transformer encoder, sentences of any length", networks.text_transformer(), 0.97),
    )


def run() -> list[Row]:
    """Measure every case."""
    return [measure(case) for case in cases()]


def measure(case: Case) -> Row:
    """Train in turn through the workbench and by hand, and compare samples a second."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        plan = _write_opponent(case.experiment, folder)
        ratios, ours, theirs = [], [], []
        for _ in range(ROUNDS):
            theirs.append(_hand_written(plan))
            ours.append(_workbench(case.experiment, folder))
            ratios.append(ours[-1] / theirs[-1])
    ratio = statistics.median(ratios)
    detail = (
        f"median of {ROUNDS} rounds, {min(ratios):.3f}–{max(ratios):.3f}; "
        f"{statistics.median(ours):,.0f} against {statistics.median(theirs):,.0f} samples/s"
    )
    what = f"{case.title}: samples/s with window and probes against a hand-written PyTorch loop"
    return Row(what, f"{ratio:.3f}", f"≥ {case.bar}", ratio >= case.bar, detail)


def _write_opponent(experiment: Experiment, folder: Path) -> Path:
    """Save what the hand-written loop needs: the module, the pictures, the order of batches."""
    run_folder = create_run(experiment, folder / "opponent")
    assembly = assemble(run_folder, Catalog.load())
    run_folder.model.write_text(assembly.code.source, encoding="utf-8")
    count = assembly.feed.counts["train"]
    batches = list(assembly.feed.batches("train", count))
    np.save(folder / "inputs.npy", np.concatenate([batch.inputs for batch in batches]))
    np.save(folder / "targets.npy", np.concatenate([batch.targets for batch in batches]))
    varies = bool(assembly.network.varying)
    if varies:
        np.save(folder / "lengths.npy", np.concatenate([batch.lengths for batch in batches]))
    training = experiment.training
    orders = [epoch_order(experiment.seed, epoch, count) for epoch in range(training.epochs)]
    np.save(folder / "orders.npy", np.stack(orders))
    plan = folder / "plan.json"
    plan.write_text(
        json.dumps(
            {
                "module": str(run_folder.model),
                "class": assembly.code.class_name,
                "batch_size": training.batch_size,
                "threads": training.threads,
                "device": "cpu" if training.device == "auto" else training.device,
                "bfloat16": training.precision == "bfloat16",
                "channels_last": training.channels_last,
                "ragged": varies,
                "frozen": [n.id for n in assembly.network.nodes if n.weights and not n.trainable],
                "multiple": STEP,
            }
        )
    )
    return plan


def _hand_written(plan: Path) -> float:
    done = subprocess.run(
        [sys.executable, str(HERE / "hand_written.py"), str(plan)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def _workbench(experiment: Experiment, folder: Path) -> float:
    """Train in the window, as a person would, and read the speed from the run's own events."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": str(folder)}
    subprocess.run(
        [sys.executable, "-m", "benchmarks.window_training", str(_saved(experiment, folder))],
        check=True,
        env=environment,
        capture_output=True,
        cwd=HERE.parent,
    )
    newest = max((folder / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    return _speed(RunFolder(newest))


def _saved(experiment: Experiment, folder: Path) -> Path:
    named = msgspec.structs.replace(experiment, name=f"{experiment.name} {time.time_ns()}")
    return save(named, folder / "benchmark.workbench.json")


def _speed(folder: RunFolder) -> float:
    """Samples a second from the first step's begin to the last step's end, by the events."""
    found = [events.decode(line) for line in LineTail(folder.events).read()]
    started = next(event for event in found if isinstance(event, events.Started))
    steps = [event for event in found if isinstance(event, events.Steps)]
    finished = [event for event in found if isinstance(event, events.Finished)]
    if not finished or finished[0].reason != "completed":
        raise RuntimeError(f"the run did not finish: {found[-1]}")
    samples = started.samples_per_epoch * started.epochs
    return samples / (steps[-1].time - started.time)
