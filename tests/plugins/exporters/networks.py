"""Five networks on the digits, and runs of them that look trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.analysis.shapes import resolve
from workbench.document.experiment import Component, Data, Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.backend import ModelState
from workbench.runs.control import create_run
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.initial import generator, initial_weights
from workbench.worker.preparation import prepare
from workbench.worker.progress import Progress
from workbench.worker.trained import SavedData

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.network import Network
    from workbench.runs.folder import RunFolder

CLASSES = 10
STEP = 12
"""Of the checkpoint; its epoch and its test split have metrics."""


class Sketch:
    """A graph under construction: each call adds a layer behind the last one, or behind others."""

    def __init__(self) -> None:
        self._nodes = [Node("input1", "Input")]

    def __call__(self, kind: str, *sources: str, **params: Any) -> str:
        """Add a layer and return its id."""
        name = f"{kind.lower()}{sum(node.type == kind for node in self._nodes) + 1}"
        self._nodes.append(Node(name, kind, params, sources or (self._nodes[-1].id,)))
        return name

    def graph(self) -> Graph:
        """Return it with an Output at its end."""
        self("Output")
        return Graph(tuple(self._nodes))


def mlp() -> Graph:
    """Two hidden layers."""
    add = Sketch()
    add("Flatten")
    add("Dense", units=32, activation="relu")
    add("Dropout", rate=0.3)
    add("Dense", units=24, activation="tanh")
    add("Dense", units=CLASSES)
    return add.graph()


def cnn() -> Graph:
    """Convolutions with batch normalisation."""
    add = Sketch()
    for filters in (8, 16):
        add("Conv2D", filters=filters, padding="same", use_bias=False)
        add("BatchNorm")
        add("ReLU")
        add("MaxPool2D")
    add("Flatten")
    add("Dense", units=CLASSES)
    return add.graph()


def residual() -> Graph:
    """Two residual blocks, the second with a stride and a projection."""
    add = Sketch()
    start = add("Conv2D", filters=8, padding="same")
    add("BatchNorm")
    add("ReLU")
    inner = add("Conv2D", filters=8, padding="same")
    add("Add", start, inner)
    first = add("ReLU")
    add("Conv2D", filters=16, padding="same", stride=(2, 2))
    add("BatchNorm")
    add("SiLU")
    inner = add("Conv2D", filters=16, padding="same")
    projected = add("Conv2D", first, filters=16, kernel_size=(1, 1), stride=(2, 2), padding="same")
    add("Add", inner, projected)
    add("GlobalAveragePool")
    add("Dense", units=CLASSES)
    return add.graph()


def unet() -> Graph:
    """Down, up by transposed convolutions with skips, and a classifier at the end."""
    add = Sketch()
    high = add("Conv2D", filters=8, padding="same", activation="relu")
    add("MaxPool2D")
    middle = add("Conv2D", filters=16, padding="same", activation="relu")
    add("MaxPool2D")
    add("Conv2D", filters=24, padding="same", activation="gelu")
    up = add("ConvTranspose2D", filters=16, kernel_size=(2, 2), stride=(2, 2))
    add("Concatenate", up, middle)
    add("Conv2D", filters=16, padding="same", activation="relu")
    up = add("ConvTranspose2D", filters=8, kernel_size=(3, 3), stride=(2, 2), padding="same")
    add("Concatenate", up, high)
    add("GroupNorm", groups=4)
    add("Conv2D", filters=4, kernel_size=(1, 1))
    add("Flatten")
    add("Dense", units=CLASSES, activation="softmax")
    return add.graph()


def separable() -> Graph:
    """Depthwise and separable convolutions, as networks for phones have them."""
    add = Sketch()
    add("Conv2D", filters=8, padding="same", activation="hard_swish")
    add("DepthwiseConv2D", padding="same", use_bias=False)
    add("BatchNorm")
    add("ReLU6")
    add("SeparableConv2D", filters=16, padding="same", stride=(2, 2))
    add("LayerNorm")
    add("AveragePool2D", pool_size=(2, 2), padding="same")
    add("GlobalMaxPool")
    add("Dense", units=CLASSES)
    return add.graph()


NETWORKS: dict[str, Callable[[], Graph]] = {
    "mlp": mlp,
    "cnn": cnn,
    "residual": residual,
    "unet": unet,
    "separable": separable,
}


def experiment(name: str) -> Experiment:
    """Return one of the five, on standardised digits."""
    data = Data(preprocessing=Component("image", {"scaling": "standardise"}))
    return Experiment(name=f"Digits {name}", graph=NETWORKS[name](), data=data)


def run_of(experiment: Experiment, folder: Path, catalog: Catalog, seed: int = 3) -> RunFolder:
    """Make a run folder as a worker leaves it, with random weights that look trained."""
    run = create_run(experiment, folder)
    prepared = prepare(experiment, catalog)
    run.info.write_bytes(msgspec.json.encode(SavedData(prepared.info, prepared.fitted)))
    network = resolve(experiment.graph, catalog, prepared.info.input, experiment.name).network
    run.environment.write_bytes(msgspec.json.encode(ENVIRONMENT))
    Checkpoints(run.checkpoints).save(
        trained_weights(network, seed), ModelState({}, {}), Progress(step=STEP, epoch=1, epochs=1)
    )
    run.events.write_bytes(b"\n".join([*EVENTS, b""]))
    return run


def trained_weights(network: Network, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return weights none of which is where it began; variances are positive."""
    weights = {}
    for name, start in initial_weights(network, seed).items():
        random = generator(seed, name, "moved")
        if name.endswith("variance"):
            weights[name] = random.uniform(0.5, 1.5, start.shape).astype(np.float32)
        else:
            weights[name] = start + random.normal(0, 0.05, start.shape).astype(np.float32)
    return weights


ENVIRONMENT = {
    "workbench": "0.1.0",
    "python": "3.11.7",
    "system": "Linux",
    "packages": {"torch": "2.15.0", "numpy": "2.4.6"},
    "backend": "torch",
    "device": {"id": "cpu", "title": "Processor"},
    "seed": 0,
    "data_fingerprint": "f00d",
}
EVENTS = (
    b'{"event":"epoch_finished","time":1.0,"epoch":1,"step":12,"metrics":{"train/loss":0.5,'
    b'"val/accuracy":0.91},"seconds":1.0,"is_best":true}',
    b'{"event":"evaluated","time":2.0,"split":"test","step":12,'
    b'"evaluation":{"metrics":{"accuracy":0.925}},"checkpoint":"last"}',
)
