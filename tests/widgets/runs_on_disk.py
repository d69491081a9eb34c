"""Writes run folders as a worker would, with curves, feature maps and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.document.training import SGD, Training
from workbench.plugin_api.class_results import summarise
from workbench.plugin_api.task import Evaluation
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.probes import Histogram, Snapshot, quantise, write_snapshot
from workbench.runs.results import Results, write_results

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = 10
BEGAN = 1_790_000_000.0


def experiment(name: str = "Digits CNN", rate: float = 0.05) -> Experiment:
    """Return the digits network."""
    nodes = (
        Node("image", "Input"),
        Node("conv1", "Conv2D", {"filters": 16}, ("image",), position=(0.0, 80.0)),
        Node("pool1", "MaxPool2D", {}, ("conv1",), position=(0.0, 160.0)),
        Node("flat", "Flatten", {}, ("pool1",), position=(0.0, 240.0)),
        Node("logits", "Dense", {"units": CLASSES}, ("flat",), position=(0.0, 320.0)),
        Node("output", "Output", {}, ("logits",), position=(0.0, 400.0)),
    )
    training = Training(epochs=8, optimizer=SGD(learning_rate=rate))
    return Experiment(name=name, graph=Graph(nodes), training=training)


def write_run(
    runs: Path,
    name: str = "2026-11-20_101500_digits-cnn",
    *,
    epochs: int = 8,
    steps_per_epoch: int = 42,
    rate: float = 0.05,
    offset: float = 0.0,
    finished: bool = True,
    probes: int = 5,
) -> RunFolder:
    """Write a run of `epochs` epochs, of 8 unless told, and return its folder."""
    folder = RunFolder(runs / name)
    for path in (folder.path, folder.probes, folder.results):
        path.mkdir(parents=True)
    write_experiment(folder, experiment(rate=rate))
    rng = np.random.default_rng(len(name))
    with LineWriter(folder.events) as events:
        for event in _events(epochs, steps_per_epoch, offset, rng):
            events.write(ev.encode(event))
        total = epochs * steps_per_epoch
        for step in np.linspace(1, total, probes).astype(int).tolist() if probes else ():
            file = f"{step:06}.safetensors"
            write_snapshot(folder.probes / file, snapshot(step))
            events.write(
                ev.encode(ev.Probed(time=BEGAN + step, step=step, name=file, seconds=0.01))
            )
        write_predictions(folder, events, total, rng)
        if finished:
            done = ev.Finished(
                time=BEGAN + total * 0.05,
                step=total,
                reason="completed",
                metrics={"test/accuracy": 0.91 - offset / 10},
            )
            events.write(ev.encode(done))
    return folder


def write_experiment(folder: RunFolder, value: Experiment) -> None:
    """Write experiment.json as the document layer reads it."""
    from workbench.document.files import dumps

    folder.experiment.write_bytes(dumps(value))


def write_predictions(
    folder: RunFolder, events: LineWriter, step: int, rng: np.random.Generator, count: int = 300
) -> None:
    """Write results of the validation and test splits."""
    for split in ("validation", "test"):
        probabilities, targets = predictions(rng, count)
        results = summarise(probabilities, targets)
        kept = Results(step, np.arange(count), results.arrays())
        write_results(folder.results / f"{split}.safetensors", kept)
        event = ev.Evaluated(
            time=BEGAN + step * 0.05,
            split=split,
            step=step,
            evaluation=evaluation(results.confusion),
            checkpoint="best",
        )
        events.write(ev.encode(event))


def predictions(
    rng: np.random.Generator, count: int, classes: int = CLASSES
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return probabilities that are mostly right, and the targets."""
    targets = rng.integers(0, classes, count)
    logits = rng.normal(0, 1.2, (count, classes))
    logits[np.arange(count), targets] += 3.0
    powers = np.exp(logits)
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32), targets.astype(np.int64)


def evaluation(confusion: NDArray[np.int64]) -> Evaluation:
    """Return the metrics that follow from a confusion matrix."""
    right, rows, columns = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    precision = right / np.maximum(columns, 1)
    recall = right / np.maximum(rows, 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return Evaluation(
        metrics={
            "loss": 0.41,
            "accuracy": float(right.sum() / max(rows.sum(), 1)),
            "top5": 0.99,
            "f1": float(f1.mean()),
        },
        per_class={
            "precision": tuple(precision.tolist()),
            "recall": tuple(recall.tolist()),
            "f1": tuple(f1.tolist()),
            "support": tuple(rows.astype(float).tolist()),
        },
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def snapshot(step: int, channels: int = 28, side: int = 32) -> Snapshot:
    """Return feature maps that look like edges, sharper with every step."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:side, 0:side] / side
    face = np.exp(-((x - 0.5) ** 2 + (y - 0.45) ** 2) * 9) + 0.3 * np.sin(x * 20)
    angles = rng.uniform(0, np.pi, channels)
    gx, gy = np.gradient(face)
    edges = np.cos(angles) * gx[..., None] + np.sin(angles) * gy[..., None]
    noise = rng.normal(0, 0.06, (side, side, channels)) * (1 + 30 / (step + 10))
    maps = np.maximum(edges * 2 + noise, 0).astype(np.float32)
    picture = np.repeat((np.clip(face, 0, 1) * 255).astype(np.uint8)[..., None], 3, 2)
    logits = rng.normal(0, 1, CLASSES).astype(np.float32)
    logits[3] += step / 100
    weights = rng.normal(0, 0.05, 18_432)
    counts, ends = np.histogram(weights, bins=80)
    first = quantise(maps)
    return Snapshot(
        step=step,
        sample=0,
        title="digit 3",
        picture=picture,
        layers={"conv1": first, "logits": quantise(logits)},
        thumbnails={"conv1": first.maps[0]},
        histograms={"conv1/kernel": Histogram(counts, float(ends[0]), float(ends[-1]))},
    )


def _events(
    epochs: int, steps_per_epoch: int, offset: float, rng: np.random.Generator
) -> list[ev.Event]:
    total = epochs * steps_per_epoch
    steps = np.arange(1, total + 1)
    fall = np.exp(-steps / (total / 3.4))
    loss = (1.9 + offset) * fall + 0.2 + rng.normal(0, 0.05, total)
    accuracy = 0.97 - (0.85 + offset / 3) * fall + rng.normal(0, 0.02, total)
    rates = np.full(total, 0.05)
    made: list[ev.Event] = [
        ev.Preparing(time=BEGAN - 2, message="Importing PyTorch"),
        ev.Started(
            time=BEGAN,
            step=0,
            epoch=0,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            samples_per_epoch=steps_per_epoch * 32,
            backend="torch",
            device="cpu",
            pid=1,
        ),
    ]
    for epoch in range(1, epochs + 1):
        part = slice((epoch - 1) * steps_per_epoch, epoch * steps_per_epoch)
        last = epoch * steps_per_epoch
        made.append(
            ev.Steps(
                time=BEGAN + last * 0.05,
                first=part.start + 1,
                columns={
                    "loss": loss[part].tolist(),
                    "accuracy": accuracy[part].tolist(),
                    "learning_rate": rates[part].tolist(),
                },
                samples_per_second=1284.0,
            )
        )
        made.append(
            ev.EpochFinished(
                time=BEGAN + last * 0.05,
                epoch=epoch,
                step=last,
                metrics={
                    "train/loss": float(loss[part].mean()),
                    "train/accuracy": float(accuracy[part].mean()),
                    "val/loss": float(1.15 * loss[part].mean() + 0.05),
                    "val/accuracy": float(accuracy[part].mean() - 0.04),
                },
                seconds=2.1,
                is_best=epoch == epochs - 1,
            )
        )
    return made
