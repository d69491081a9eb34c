"""What tests let a backend do with samples that differ in length."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.plugins.backends.trained import build, chain
from workbench.catalog import Catalog
from workbench.document.training import SGD
from workbench.plugin_api.backend import Batch, ModelState
from workbench.plugin_api.data import IGNORED
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from workbench.plugin_api.backend import Model

Arrays = dict[str, Any]

SIZE, SHORT, LONGEST = 6, 2, 24
VOCABULARY = 11
TEXTS = TensorType((None,), ("time",), "int64")
SERIES = TensorType((None, 4), ("time", "features"))
NETWORKS = {
    "convolutions": (
        TEXTS,
        chain(
            ("embed1", "Embedding", {"vocabulary": VOCABULARY, "features": 4}),
            ("conv1", "Conv1D", {"filters": 6, "padding": "valid", "kernel_size": 4, "stride": 2}),
            ("norm1", "BatchNorm", {}),
            ("relu1", "SiLU", {}),
            ("pool1", "AveragePool1D", {"padding": "same", "stride": 1}),
            ("last1", "GlobalAveragePool", {}),
            ("dense1", "Dense", {"units": 3}),
        ),
    ),
    "recurrent": (
        SERIES,
        chain(
            ("lstm1", "LSTM", {"units": 5, "direction": "both", "sequences": True}),
            ("norm1", "BatchNorm", {}),
            ("gru1", "GRU", {"units": 4, "direction": "backward", "layers": 2}),
            ("dense1", "Dense", {"units": 3}),
        ),
    ),
    "labels": (
        TEXTS,
        chain(
            ("embed1", "Embedding", {"vocabulary": VOCABULARY, "features": 4}),
            ("lstm1", "LSTM", {"units": 5, "sequences": True}),
            ("dense1", "Dense", {"units": 3}),
        ),
    ),
    "attention": (
        SERIES,
        chain(
            ("place1", "LearnedPositions", {"positions": LONGEST}),
            ("block1", "TransformerEncoder", {"heads": 2, "dropout": 0.0}),
            ("pick1", "PickToken", {"which": "mean"}),
            ("dense1", "Dense", {"units": 3}),
        ),
    ),
}


def model(backend: str, name: str, **settings: Any) -> Model:
    """Return a model of a backend with its initial weights."""
    kind, graph = NETWORKS[name]
    given = {"optimizer": SGD(momentum=0.9), "batch_size": SIZE, "longest": LONGEST, **settings}
    catalog, folder = Catalog.load(), Path(tempfile.mkdtemp())
    if name == "labels":
        given |= {"task": catalog.tasks["sequence_labelling"](), "target": TEXTS}
    return build(catalog, folder, graph, kind, backend=backend, **given)


def batch(name: str, count: int = SIZE, seed: int = 0, longest: int = 0, more: int = 0) -> Batch:
    """Return random samples of random lengths, filled up to a multiple of 8 and `more` steps."""
    random = np.random.default_rng(seed)
    longest = longest or int(random.integers(1, LONGEST + 1))
    lengths = random.integers(1, longest + 1, count)
    lengths[0] = longest
    steps = -(-longest // 8) * 8
    kind = NETWORKS[name][0]
    if kind.dtype == "int64":
        values: Any = random.integers(1, VOCABULARY, (count, steps))
    else:
        values = random.normal(size=(count, steps, *kind.shape[1:])).astype(np.float32)
    for row, length in enumerate(lengths):
        values[row, length:] = 0
    targets = random.integers(0, 3, (count, steps) if name == "labels" else count)
    pads = ((0, 0), (0, more), *((0, 0) for _ in kind.shape[1:]))
    if name == "labels":
        targets[np.arange(steps) >= lengths[:, None]] = IGNORED
        targets = np.pad(targets, pads, constant_values=IGNORED)
    return Batch(np.pad(values, pads), targets, None, lengths)


def real(outputs: Any, lengths: Any) -> Any:
    """Return outputs; where they have steps, the real ones of all samples."""
    if outputs.ndim < 3:
        return outputs
    return np.concatenate([row[:length] for row, length in zip(outputs, lengths, strict=True)])


def steps(trained: Model, name: str, first: int, last: int, more: int = 0) -> list[float]:
    """Train on batches of which every fourth is short; return the losses."""
    for step in range(first, last):
        size = SHORT if step % 4 == 3 else SIZE
        trained.train_step((batch(name, size, step, more=more),), 0.05)
    return trained.drain_logs()["loss"]


def curves(backend: str, count: int, more: int = 0) -> dict[str, tuple[list[float], Arrays]]:
    """Return the losses of some steps and the last weights, by network."""
    found = {}
    for name in NETWORKS:
        trained = model(backend, name, samples=3 * SIZE + SHORT)
        found[name] = (steps(trained, name, 0, count, more), trained.weights())
    return found


def looked_inside(backend: str) -> dict[str, Any]:
    """Return what probing, predicting and evaluating give."""
    found: dict[str, Any] = {}
    for name, (_, graph) in NETWORKS.items():
        trained = model(backend, name)
        given, longer = batch(name, 5, longest=13), batch(name, 5, longest=13, more=10)
        nodes = [node.id for node in graph.nodes]
        first = given.inputs[:1, : given.lengths[0]]
        for node, value in trained.probe(first, nodes, given.lengths[:1]).items():
            found[f"{name}/{node}"] = value
        alone = given.inputs[1:2, : given.lengths[1]]
        together = trained.predict(given.inputs, given.lengths)
        filled = trained.predict(longer.inputs, longer.lengths)
        evaluated, loss = trained.evaluate_step(given)
        found[f"{name} alone"] = real(trained.predict(alone), given.lengths[1:2])
        found[f"{name} second"] = real(together[1:2], given.lengths[1:2])
        found[f"{name} together"] = real(together, given.lengths)
        found[f"{name} longer"] = real(filled, given.lengths)
        found[f"{name} evaluated"] = real(evaluated, given.lengths)
        found[f"{name} loss"] = np.array([loss, trained.evaluate_step(longer)[1]])
        assert trained.first_non_finite(given) == ""
    return found


def accumulated(backend: str) -> tuple[Arrays, Arrays]:
    """Return weights of one large batch, and of the same in parts of other lengths."""
    whole = batch("recurrent", 6, longest=20)
    order = np.argsort(whole.lengths)
    parts = []
    for rows in (order[:4], order[4:]):
        longest = whole.lengths[rows].max()
        cut = whole.inputs[rows][:, : -(-longest // 8) * 8]
        parts.append(
            replace(whole, inputs=cut, targets=whole.targets[rows], lengths=whole.lengths[rows])
        )
    found = []
    # The statistics of batch normalisation are those of each part.
    kind, graph = NETWORKS["recurrent"]
    nodes = tuple(node for node in graph.nodes if node.id != "norm1")
    nodes = tuple(replace_input(node) for node in nodes)
    for batches, count in (([whole], 1), (parts, 2)):
        trained = build(
            Catalog.load(),
            Path(tempfile.mkdtemp()),
            type(graph)(nodes),
            kind,
            backend=backend,
            optimizer=SGD(),
            batch_size=6,
            accumulate=count,
            longest=LONGEST,
        )
        for _ in range(2):
            trained.train_step(batches, 0.1)
        found.append(trained.weights())
    return found[0], found[1]


def replace_input(node: Any) -> Any:
    """Let a node that follows the batch normalisation follow what is before it."""
    import msgspec

    return msgspec.structs.replace(
        node, inputs=tuple("lstm1" if source == "norm1" else source for source in node.inputs)
    )


def compilations(backend: str) -> tuple[dict[str, int], int]:
    """Return what epochs of all lengths compile, and how many numbers of steps there are."""
    from plugins.backends.keras.arguments import extents

    trained = model(backend, "convolutions", samples=3 * SIZE + SHORT)
    for number in range(2 * LONGEST):
        longest = number % LONGEST + 1
        given = batch("convolutions", SHORT if number % 4 else SIZE, longest=longest)
        trained.train_step((given,), 0.01)
        trained.evaluate_step(given)
        trained.predict(batch("convolutions", SIZE + 1, longest=longest).inputs)
        trained.probe(given.inputs[:1, :longest], ("conv1",))
    return trained.compilations, len(extents(LONGEST))


def first_half(backend: str) -> tuple[Arrays, ModelState, Arrays]:
    """Train; return weights and state at half time, and the last weights."""
    trained = model(backend, "recurrent")
    steps(trained, "recurrent", 0, 6)
    weights, state = trained.weights(), trained.state()
    steps(trained, "recurrent", 6, 12)
    return weights, state, trained.weights()


def second_half(backend: str, weights: Arrays, state: ModelState) -> Arrays:
    """Go on from half time, perhaps another backend's, in another process; return last weights."""
    trained = model(backend, "recurrent")
    trained.load_weights(weights)
    trained.load_state(state)
    steps(trained, "recurrent", 6, 12)
    return trained.weights()
