"""A network that learns digits in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.document.edits import set_training
from workbench.document.experiment import Experiment
from workbench.document.files import save
from workbench.document.graph import Graph, Node
from workbench.document.training import Adam

if TYPE_CHECKING:
    from pathlib import Path


def small_experiment(epochs: int = 2, batch_size: int = 32) -> Experiment:
    nodes = (
        Node("input1", "Input"),
        Node("flatten1", "Flatten", inputs=("input1",)),
        Node("dense1", "Dense", {"units": 32, "activation": "relu"}, ("flatten1",)),
        Node("dense2", "Dense", {"units": 10}, ("dense1",)),
        Node("output1", "Output", inputs=("dense2",)),
    )
    experiment = Experiment(name="small digits", graph=Graph(nodes))
    return set_training(
        experiment,
        epochs=epochs,
        batch_size=batch_size,
        threads=1,
        device="cpu",
        optimizer=Adam(learning_rate=0.005),
    )


def write_small(folder: Path, **settings: int) -> Path:
    return save(small_experiment(**settings), folder / "small.workbench.json")
