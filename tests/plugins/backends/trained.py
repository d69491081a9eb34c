"""Models of small networks, built as a worker builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.shapes import resolve
from workbench.document.graph import Graph, Node
from workbench.document.training import Training
from workbench.plugin_api.backend import Batch, BuildPlan
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.worker.initial import initial_weights

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.plugin_api.backend import Model

CLASSES = ("a", "b", "c")


def chain(*layers: tuple[str, str, dict[str, Any]], frozen: tuple[str, ...] = ()) -> Graph:
    """Return Input, the layers (id, type, params) one after another, Output."""
    nodes = [Node("input1", "Input")]
    for node_id, kind, params in layers:
        nodes.append(Node(node_id, kind, params, (nodes[-1].id,), trainable=node_id not in frozen))
    return Graph((*nodes, Node("output1", "Output", {}, (nodes[-1].id,))))


def cnn(**dense: Any) -> Graph:
    """Return a small CNN with statistics."""
    return chain(
        ("conv1", "Conv2D", {"filters": 4, "padding": "same"}),
        ("norm1", "BatchNorm", {}),
        ("relu1", "ReLU", {}),
        ("flat1", "Flatten", {}),
        ("dense1", "Dense", {"units": 3, **dense}),
    )


def build(
    catalog: Catalog,
    folder: Path,
    graph: Graph,
    shape: tuple[int, ...] | TensorType = (4, 4, 2),
    *,
    task: Any = None,
    backend: str = "torch",
    samples: int = 0,
    target: TensorType | None = None,
    longest: int = 0,
    **training: Any,
) -> Model:
    """Return a model with its initial weights.

    Args:
        shape: of a sample, or its type.
        samples: of the training split.
        target: type of a target; None: the number of a class.
        longest: steps of the longest of them.
    """
    kind = shape if isinstance(shape, TensorType) else TensorType(shape)
    network = resolve(graph, catalog, kind).network
    framework = catalog.backend(backend)
    code = framework.generate(network)
    path = folder / "model.py"
    path.write_text(code.source)
    plan = BuildPlan(
        network=network,
        task=task or catalog.tasks["classification"](),
        info=DataInfo(
            input=kind,
            classes=() if target else CLASSES,
            target=target,
            counts={"train": samples},
        ),
        training=Training(**{"device": "cpu", **training}),
        code=code,
        module_path=path,
        train_counts=(1, 2, 3),
        device="cpu",
        seed=5,
        longest=longest,
    )
    model = framework.build(plan)
    model.load_weights(initial_weights(network, 5))
    return model


def batch(count: int = 6, shape: tuple[int, ...] = (4, 4, 2), seed: int = 0) -> Batch:
    """Return random samples."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(count, *shape)).astype(np.float32)
    return Batch(inputs, random.integers(0, 3, count))
