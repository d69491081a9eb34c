"""Small trained runs to look inside of: a Transformer on texts, and a GRU on series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.graph import Graph, Node
from workbench.document.training import Adam, Training
from workbench.runs import control
from workbench.worker.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.runs.folder import RunFolder

GOOD = ["wonderful", "moving", "brilliant", "superb", "charming"]
BAD = ["dull", "terrible", "lifeless", "boring", "awful"]
PLAIN = ["the", "film", "with", "its", "music", "and", "a", "story", "that", "ends", "in", "rain"]


def write_texts(folder: Path, count: int = 40) -> Path:
    """Write texts of five to twelve words in which one word tells the class."""
    random = np.random.default_rng(1)
    for label, telling in (("bad", BAD), ("good", GOOD)):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            words = random.choice(PLAIN, random.integers(4, 12)).tolist()
            words.insert(random.integers(len(words)), random.choice(telling))
            (folder / label / f"{number:02}.txt").write_text(" ".join(words))
    return folder


def chain(*layers: tuple[str, str, dict[str, Any]]) -> Graph:
    """Return Input, the layers (id, type, params) one after another, Output."""
    nodes = [Node("input1", "Input")]
    for node_id, kind, params in layers:
        nodes.append(Node(node_id, kind, params, (nodes[-1].id,)))
    return Graph((*nodes, Node("output1", "Output", {}, (nodes[-1].id,))))


def transformer(texts: Path, backend: str = "torch", **preprocessing: Any) -> Experiment:
    """Return a Transformer encoder block that tells good texts from bad ones."""
    graph = chain(
        ("words1", "Embedding", {"features": 16, "vocabulary": 200}),
        ("block1", "TransformerEncoder", {"heads": 2, "hidden": 16, "dropout": 0.0}),
        ("pool1", "GlobalAveragePool", {}),
        ("dense1", "Dense", {"units": 2}),
    )
    data = Data(
        source=Component("text_folder", {"folder": str(texts)}),
        preprocessing=Component("text", {"vocabulary_size": 200, **preprocessing}),
        split=Split(validation=0.25, test=0.0),
    )
    return Experiment(
        name="texts",
        data=data,
        graph=graph,
        training=Training(
            epochs=12,
            batch_size=8,
            threads=1,
            device="cpu",
            backend=backend,
            optimizer=Adam(learning_rate=0.01),
        ),
    )


def motions() -> Experiment:
    """Return a GRU on six sensors."""
    graph = chain(("gru1", "GRU", {"units": 8}), ("dense1", "Dense", {"units": 4}))
    data = Data(
        source=Component("series_samples", {"data_set": "BasicMotions"}),
        preprocessing=Component("series"),
    )
    training = Training(epochs=1, batch_size=8, threads=1, device="cpu")
    return Experiment(name="motions", data=data, graph=graph, training=training)


def trained(experiment: Experiment, runs: Path, catalog: Catalog) -> RunFolder:
    """Train here and return the run."""
    folder = control.create_run(experiment, runs)
    assert train(folder.path, catalog) == 0
    return folder


def digits(corrections: dict[str, str | None] | None = None) -> Experiment:
    """Return a small CNN on the digits, which still makes mistakes."""
    graph = chain(
        ("conv1", "Conv2D", {"filters": 6, "padding": "same", "activation": "relu"}),
        ("pool1", "MaxPool2D", {}),
        ("conv2", "Conv2D", {"filters": 8, "padding": "same", "activation": "relu"}),
        ("gap1", "GlobalAveragePool", {}),
        ("dense1", "Dense", {"units": 10}),
    )
    training = Training(
        epochs=3,
        batch_size=32,
        threads=1,
        device="cpu",
        optimizer=Adam(learning_rate=0.01),
    )
    data = Data(corrections=corrections or {})
    return Experiment(name="digits", data=data, graph=graph, training=training)
