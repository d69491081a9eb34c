"""Keras training through the workbench's worker against plain `model.fit`.

Both train the same generated module on the same prepared samples, in batches of the same size,
with the same optimizer, metric and threads, as processes of their own, in turn. The first epoch is
left out on both sides: it holds the compilation. Samples that differ in length come to `model.fit`
in batches that are filled up as the worker fills them up.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks import networks
from benchmarks.rows import Row
from plugins.backends.keras.arguments import Arguments, extents
from workbench.catalog import Catalog
from workbench.runs import events
from workbench.runs.control import create_run
from workbench.runs.log import LineTail
from workbench.worker.assembly import assemble

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment
    from workbench.runs.folder import RunFolder

ROUNDS = 3
BAR = 0.97
EPOCHS = 5
FRAMEWORKS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
HERE = Path(__file__).parent


NETWORKS = {
    "CNN 28×28": (networks.cnn, EPOCHS),
    "text CNN, sentences of any length": (networks.text_cnn, 3),
    "LSTM, series of any length": (networks.series_lstm, 10),
    "BiLSTM, sentences of any length": (networks.text_bilstm, 3),
    "Transformer encoder, sentences of any length": (networks.text_transformer, 3),
}


def run() -> list[Row]:
    """Measure every network on every framework."""
    return [measure(name, framework) for name in NETWORKS for framework in FRAMEWORKS]


def measure(name: str, framework: str, rounds: int = ROUNDS) -> Row:
    """Train in turn through the worker and by model.fit, and compare samples a second."""
    make, epochs = NETWORKS[name]
    experiment = make()
    training = msgspec.structs.replace(
        experiment.training, epochs=epochs, backend=f"keras-{framework}"
    )
    experiment = msgspec.structs.replace(experiment, training=training)
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as place:
        folder = Path(place)
        plan = _write_opponent(experiment, framework, folder)
        ratios, ours, theirs = [], [], []
        for _ in range(rounds):
            theirs.append(_model_fit(plan))
            ours.append(_worker(experiment, folder))
            ratios.append(ours[-1] / theirs[-1])
    ratio = statistics.median(ratios)
    detail = (
        f"median of {rounds} rounds, {min(ratios):.3f}–{max(ratios):.3f}; "
        f"{statistics.median(ours):,.0f} against {statistics.median(theirs):,.0f} samples/s "
        "after the first epoch"
    )
    what = f"{name}: samples/s of Keras · {FRAMEWORKS[framework]} against plain model.fit"
    return Row(what, f"{ratio:.3f}", f"≥ {BAR}", ratio >= BAR, detail)


def _write_opponent(experiment: Experiment, framework: str, folder: Path) -> Path:
    """Save what model.fit needs: the module and the samples, or an epoch's batches."""
    run_folder = create_run(experiment, folder / "opponent")
    assembly = assemble(run_folder, Catalog.load())
    run_folder.model.write_text(assembly.code.source, encoding="utf-8")
    training, varies = experiment.training, bool(assembly.network.varying)
    size = assembly.feed.counts["train"]
    batches = [] if varies else list(assembly.feed.batches("train", size))
    longest = assembly.prepared.fitted.get("longest", 0)
    arguments = Arguments(assembly.network, None, extents(longest) if framework == "jax" else None)
    arrays = []
    for batch in assembly.feed.train_batches(0) if varies else batches:
        given = arguments(batch.inputs, batch.lengths)
        arrays += [*(given if varies else [given]), batch.targets]
    np.savez(folder / "batches.npz", *arrays)
    plan = {
        "framework": framework,
        "module": str(run_folder.model),
        "batch_size": training.batch_size,
        "epochs": training.epochs,
        "threads": training.threads,
        "ragged": varies,
    }
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    return path


def _model_fit(plan: Path) -> float:
    done = subprocess.run(
        [sys.executable, str(HERE / "keras_model_fit.py"), str(plan)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def _worker(experiment: Experiment, folder: Path) -> float:
    named = msgspec.structs.replace(experiment, name=f"{experiment.name} {time.time_ns()}")
    run_folder = create_run(named, folder / "runs")
    subprocess.run(
        [sys.executable, "-m", "workbench.worker", str(run_folder.path)],
        check=True,
        capture_output=True,
        cwd=HERE.parent,
        env=os.environ | {"WORKBENCH_HOME": str(folder)},
    )
    return _speed(run_folder)


def _speed(folder: RunFolder) -> float:
    """Samples a second from the end of the first epoch to the end of the last, by the events."""
    found = [events.decode(line) for line in LineTail(folder.events).read()]
    started = next(event for event in found if isinstance(event, events.Started))
    ends = [event.time for event in found if isinstance(event, events.EpochFinished)]
    finished = [event for event in found if isinstance(event, events.Finished)]
    if not finished or finished[0].reason != "completed":
        raise RuntimeError(f"the run did not finish: {found[-1]}")
    return started.samples_per_epoch * (len(ends) - 1) / (ends[-1] - ends[0])
