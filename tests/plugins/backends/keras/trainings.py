"""What tests let a backend do, in this process (PyTorch) or in one that runs Keras."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from plugins.backends.running.averaging import raw_of
from tests.plugins.backends.trained import batch, build, chain, cnn
from workbench.analysis.shapes import resolve
from workbench.analysis.unfreezing import thawed
from workbench.catalog import Catalog
from workbench.document.graph import Graph, LoRA, Node
from workbench.document.training import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Averaging,
    Mixup,
    RMSprop,
    Unfreezing,
)
from workbench.errors import UserError
from workbench.plugin_api.backend import Batch, ModelState, NodeError
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from workbench.plugin_api.backend import Model

Arrays = dict[str, Any]

SIZE, SHORT = 8, 3
MLP = chain(
    ("flat1", "Flatten", {}),
    ("dense1", "Dense", {"units": 16, "activation": "tanh"}),
    ("dense2", "Dense", {"units": 3}),
)
DROPOUT = chain(
    ("conv1", "Conv2D", {"filters": 4, "padding": "same"}),
    ("norm1", "BatchNorm", {}),
    ("relu1", "ReLU", {}),
    ("flat1", "Flatten", {}),
    ("drop1", "Dropout", {"rate": 0.3}),
    ("dense1", "Dense", {"units": 3}),
)
EXACT = {
    "sgd": SGD(momentum=0.0),
    "momentum": SGD(momentum=0.9, weight_decay=0.01),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "adagrad": Adagrad(weight_decay=0.01),
}
CLOSE = {"adam": Adam(weight_decay=0.01), "adamw": AdamW(weight_decay=0.1)}


def model(backend: str, graph: Graph, **settings: Any) -> Model:
    """Return a model of a backend with its initial weights."""
    folder = tempfile.mkdtemp()
    shape = settings.pop("shape", (4, 4, 2))
    return build(Catalog.load(), Path(folder), graph, shape, backend=backend, **settings)


def rate(step: int) -> float:
    """Return a learning rate that rises and falls."""
    return 0.05 * (1 + np.sin(step / 3)) / 2 + 0.001


def steps(trained: Model, first: int, last: int, factor: float = 1.0) -> list[float]:
    """Train on batches of which every fourth is short; return the losses."""
    for step in range(first, last):
        size = SHORT if step % 4 == 3 else SIZE
        trained.train_step((batch(size, seed=step),), factor * rate(step))
    return trained.drain_logs()["loss"]


def curves(backend: str) -> dict[str, tuple[list[float], Arrays]]:
    """Return losses of 30 steps and the last weights, by network and optimizer."""
    found = {}
    for name, graph in (("cnn", cnn()), ("mlp", MLP)):
        for kind, optimizer in (EXACT | CLOSE).items():
            settings = {"optimizer": optimizer, "batch_size": SIZE, "samples": 3 * SIZE + SHORT}
            trained = model(backend, graph, **settings)
            factor = 0.2 if kind in CLOSE else 1.0
            found[f"{name}/{kind}"] = (steps(trained, 0, 30, factor), trained.weights())
    return found


def settings(backend: str) -> dict[str, Arrays]:
    """Return the weights after some steps under each setting that changes an update."""
    penalties = {"kernel_l1": 0.01, "kernel_l2": 0.02, "bias_l2": 0.1}
    slow = tuple(
        msgspec.structs.replace(node, learning_rate_scale=0.25) if node.id == "dense1" else node
        for node in MLP.nodes
    )
    frozen = chain(
        ("norm1", "BatchNorm", {}),
        ("flat1", "Flatten", {}),
        ("dense1", "Dense", {"units": 5, **penalties}),
        ("dense2", "Dense", {"units": 3}),
        frozen=("norm1", "dense1"),
    )
    adapted = tuple(
        msgspec.structs.replace(node, lora=LoRA(rank=2)) if node.id == "dense1" else node
        for node in MLP.nodes
    )
    cases: dict[str, tuple[Graph, dict[str, Any]]] = {
        "clip": (cnn(), {"clip_norm": 0.05}),
        "penalties": (cnn(**penalties), {"clip_norm": 0.5}),
        "scale": (Graph(slow), {"optimizer": AdamW(weight_decay=0.5)}),
        "frozen": (frozen, {}),
        "adapted": (Graph(adapted), {"averaging": Averaging(decay=0.5)}),
    }
    found = {}
    for name, (graph, given) in cases.items():
        trained = model(backend, graph, **{"optimizer": SGD(), "batch_size": SIZE, **given})
        before = trained.weights()
        losses = steps(trained, 0, 4, 0.1 if name == "scale" else 1.0)
        found[name] = {**trained.weights(), "losses": np.array(losses)}
        found[f"{name} before"] = before
    return found


def accumulated(backend: str) -> tuple[Arrays, Arrays, list[float], list[float]]:
    """Return weights and losses of one large batch, and of the same in parts."""
    whole = batch(10)
    parts = [type(whole)(whole.inputs[s], whole.targets[s]) for s in (slice(7), slice(7, 10))]
    models = [
        model(backend, MLP, optimizer=SGD(), batch_size=size, accumulate=count)
        for size, count in ((10, 1), (7, 2))
    ]
    for _ in range(3):
        models[0].train_step((whole,), 0.5)
        models[1].train_step(parts, 0.5)
    losses = [trained.drain_logs() for trained in models]
    np.testing.assert_allclose(losses[0]["accuracy"], losses[1]["accuracy"], atol=1e-6)
    first, second = (trained.weights() for trained in models)
    return first, second, losses[0]["loss"], losses[1]["loss"]


def compilations(backend: str, accumulate: int) -> dict[str, int]:
    """Return what was compiled by two epochs with a short last batch, evaluated and probed."""
    trained = model(
        backend, cnn(), batch_size=SIZE, samples=3 * SIZE + SHORT, accumulate=accumulate
    )
    for _ in range(2):
        sizes = [SIZE, SIZE, SIZE, SHORT]
        for start in range(0, 4, accumulate):
            group = [batch(size) for size in sizes[start : start + accumulate]]
            trained.train_step(group[: 1 + start], 0.01)  # one, then all of a group
        for size in (SIZE, SIZE, SHORT):
            trained.evaluate_step(batch(size))
            trained.predict(batch(size).inputs)
        trained.probe(batch(1).inputs, ("conv1",))
        trained.probe(batch(1).inputs, ("conv1", "flat1"))
    return trained.compilations


def first_half(backend: str) -> tuple[Arrays, Arrays, dict[str, Any], Arrays]:
    """Train; return weights and state at half time, and the last weights."""
    trained = model(backend, DROPOUT, optimizer=Adam(), batch_size=SIZE, clip_norm=1.0)
    losses = steps(trained, 0, 6)
    assert np.isfinite(losses).all()
    weights, state = trained.weights(), trained.state()
    steps(trained, 6, 12)
    return weights, dict(state.arrays), dict(state.values), trained.weights()


def second_half(backend: str, weights: Arrays, arrays: Arrays, values: Any) -> Arrays:
    """Go on from half time in another process; return the last weights."""
    trained = model(backend, DROPOUT, optimizer=Adam(), batch_size=SIZE, clip_norm=1.0)
    trained.load_weights(weights)
    trained.load_state(ModelState(arrays, values))
    assert trained.warnings() == []
    steps(trained, 6, 12)
    return trained.weights()


def checkpoint(backend: str, kind: str) -> tuple[Arrays, Arrays, Any]:
    """Train some steps; return weights and state."""
    trained = model(backend, cnn(), optimizer=(EXACT | CLOSE)[kind], batch_size=SIZE)
    steps(trained, 0, 5)
    state = trained.state()
    return trained.weights(), dict(state.arrays), dict(state.values)


def continued(
    backend: str, kind: str, weights: Arrays, arrays: Arrays, values: Any
) -> tuple[list[float], list[str]]:
    """Return the losses of going on from a checkpoint, and what was said about it."""
    trained = model(backend, cnn(), optimizer=(EXACT | CLOSE)[kind], batch_size=SIZE)
    trained.load_weights(weights)
    trained.load_state(ModelState(arrays, values))
    for name, value in trained.weights().items():
        assert value.tobytes() == weights[name].tobytes()
    return steps(trained, 5, 10), trained.warnings()


TUNED = chain(
    ("conv1", "Conv2D", {"filters": 4, "padding": "same", "use_bias": False}),
    ("norm1", "BatchNorm", {}),
    ("tanh1", "Tanh", {}),
    ("flat1", "Flatten", {}),
    ("dense1", "Dense", {"units": 6, "activation": "tanh"}),
    ("dense2", "Dense", {"units": 3}),
    frozen=("conv1", "norm1", "dense1"),
)
THAWING = Unfreezing(stages=2)


def tuned(backend: str, optimizer: Any) -> dict[str, Any]:
    """Train with averaged weights while layers thaw; go on from the middle in another model."""
    given = {
        "optimizer": optimizer,
        "averaging": Averaging(decay=0.9),
        "unfreezing": THAWING,
        "batch_size": SIZE,
        "samples": 3 * SIZE + SHORT,
    }
    network = resolve(TUNED, Catalog.load(), TensorType((4, 4, 2))).network
    trained = model(backend, TUNED, **given)
    factor = 1.0 if isinstance(optimizer, SGD) else 0.2
    found: dict[str, Any] = {"losses": []}
    for epoch in range(3):
        if epoch:
            trained.set_trainable(thawed(network, THAWING, epoch))
        found[f"before {epoch}"] = trained.weights()
        found["losses"] += steps(trained, 4 * epoch, 4 * epoch + 2, factor)
        trained.evaluate_step(batch(SHORT))
        found["losses"] += steps(trained, 4 * epoch + 2, 4 * epoch + 4, factor)
    weights, state = trained.weights(), trained.state()
    found["weights"], found["raw"] = weights, raw_of(state, trained.weights())
    found["predicted"] = trained.predict(batch(5).inputs)
    plain = model(backend, TUNED, optimizer=optimizer, batch_size=SIZE)
    plain.load_weights(weights)
    found["plainly"] = plain.predict(batch(5).inputs)
    found["last"] = (steps(trained, 12, 18, factor), trained.weights())
    other = model(backend, TUNED, **given)
    other.set_trainable(thawed(network, THAWING, 2))
    other.load_weights(weights)
    other.load_state(state)
    assert other.warnings() == []
    found["elsewhere"] = (steps(other, 12, 18, factor), other.weights())
    return found


def mixtures(backend: str) -> dict[str, Any]:
    """Return losses and weights of training on mixed batches, short and accumulated ones too."""
    task = Catalog.load().tasks["classification"](label_smoothing=0.1, class_weights="balanced")
    found = {}
    for accumulate in (1, 2):
        trained = model(
            backend,
            MLP,
            optimizer=SGD(),
            batch_size=SIZE,
            accumulate=accumulate,
            mixing=Mixup(),
            task=task,
        )
        for step in range(6):
            group = [batch(SHORT if step == 3 else SIZE, seed=step + n) for n in range(accumulate)]
            group = [
                replace(one, others=one.targets[::-1].copy(), share=0.6 + step / 20)
                for one in group
            ]
            trained.train_step(group, 0.1)
        found[f"losses {accumulate}"] = np.array(trained.drain_logs()["loss"])
        found |= {f"{name} {accumulate}": value for name, value in trained.weights().items()}
    return found


def random_trainings(backend: str) -> list[list[float]]:
    """Return the losses of a network with dropout: twice from one seed."""
    same = []
    for _ in range(2):
        trained = model(backend, DROPOUT, optimizer=Adam(), batch_size=SIZE)
        for _ in range(30):
            trained.train_step((batch(SIZE),), 0.02)
        same.append(trained.drain_logs()["loss"])
    return same


def looked_inside(backend: str) -> dict[str, Any]:
    """Return what probing, predicting and evaluating give, for a network with a loose end."""
    nodes = (*cnn().nodes, Node("side1", "Conv2D", {"filters": 2}, ("relu1",)))
    models = [model(backend, Graph(nodes), optimizer=SGD(), batch_size=SIZE) for _ in range(2)]
    given = batch(5)
    found: dict[str, Any] = {}
    for number, trained in enumerate(models):
        trained.train_step((given,), 0.01)
        if number == 0:
            found = trained.probe(given.inputs, ("input1", "conv1", "side1", "flat1", "output1"))
            found["predicted"] = trained.predict(batch(2 * SIZE + 1).inputs)
            found["evaluated"] = trained.evaluate_step(batch(SHORT))
        trained.train_step((given,), 0.01)
    first, second = (trained.weights() for trained in models)
    assert all(second[name].tobytes() == value.tobytes() for name, value in first.items())
    assert set(trained.weights(["side1"])) == {"side1/kernel", "side1/bias"}
    changed = {**first, "side1/bias": np.array([1.0, 2.0], np.float32)}
    trained.load_weights(changed)
    assert trained.weights()["side1/bias"].tolist() == [1.0, 2.0]
    found["side kernel"] = first["side1/kernel"]
    return found


def non_finite(backend: str) -> tuple[str, str, str]:
    """Return the first node that is not finite: none, a weight's, the input."""
    trained = model(backend, cnn(), batch_size=SIZE)
    found = [trained.first_non_finite(batch(SIZE))]
    weights = trained.weights()
    weights["dense1/kernel"][0, 0] = np.nan
    trained.load_weights(weights)
    found.append(trained.first_non_finite(batch(SIZE)))
    spoilt = batch(SIZE)
    spoilt.inputs[0, 0, 0, 0] = np.inf
    found.append(trained.first_non_finite(spoilt))
    return found[0], found[1], found[2]


def refused(backend: str) -> dict[str, tuple[str, str]]:
    """Return how bad input is answered: the error's class or node, and its message."""
    found = {}

    def ask(name: str, action: Any) -> None:
        try:
            action()
        except NodeError as error:
            found[name] = (error.node, str(error))
        except UserError as error:
            found[name] = ("UserError", f"{error.message} {error.hint}")

    trained = model(backend, cnn(), batch_size=SIZE)
    weights = trained.weights()
    ask("shape", lambda: trained.train_step((batch(shape=(4, 4, 3)),), 0.1))
    ask("missing", lambda: trained.load_weights({"conv1/kernel": weights["conv1/kernel"]}))
    ask("float16", lambda: model(backend, cnn(), precision="float16"))
    framework = Catalog.load().backend(backend)
    other = "keras-jax" if backend != "keras-jax" else "keras-torch"
    ask("other", Catalog.load().backend(other).warm_up)
    from plugins.backends.keras.devices import choose

    ask("device", lambda: choose(framework.framework, "cuda:7"))
    assert framework.devices()[-1].id == "cpu"
    return found


def without_memory(backend: str) -> str:
    """Return the message for a network that no memory holds."""
    huge = {"units": 1_000_000}
    graph = chain(("flat1", "Flatten", {}), ("dense1", "Dense", huge), ("dense2", "Dense", huge))
    try:
        model(backend, graph)
    except UserError as error:
        return error.message
    return ""


def halves(backend: str) -> tuple[list[float], set[str]]:
    """Return the losses of training in bfloat16, and the types of the weights."""
    trained = model(backend, cnn(), precision="bfloat16", batch_size=SIZE)
    for _ in range(20):
        trained.train_step((batch(SIZE),), 0.01)
    losses = trained.drain_logs()["loss"]
    return losses, {value.dtype.name for value in trained.weights().values()}


def own_rules(backend: str) -> dict[str, float]:
    """Return how far our Adam, AdamW and RMSprop are from keras.optimizers', after ten steps."""
    import keras

    from plugins.backends.keras.updates import Trained, Updates
    from workbench.document.training import Training

    makers = keras.optimizers
    pairs = {
        "adam": (Adam(epsilon=1e-4), makers.Adam(0.01, epsilon=1e-4)),
        "adamw": (AdamW(weight_decay=0.1), makers.AdamW(0.01, 0.1, epsilon=1e-8)),
        "rmsprop": (
            RMSprop(momentum=0.5, epsilon=1e-4),
            makers.RMSprop(0.01, rho=0.9, momentum=0.5, epsilon=1e-4),
        ),
    }
    found = {}
    for name, (ours, theirs) in pairs.items():
        random = np.random.default_rng(3)
        variable = keras.Variable(random.normal(size=(4, 3)).astype(np.float32))
        trained = Trained("w", variable, 1.0, 0.0, 0.0)
        updates = Updates(Training(optimizer=ours), [trained])
        values = [keras.ops.convert_to_tensor(np.array(variable))]
        zeros = keras.ops.zeros((4, 3))
        slots = [tuple(zeros for _ in updates.slots)]
        for step in range(1, 11):
            gradient = keras.ops.convert_to_tensor(random.normal(size=(4, 3)).astype(np.float32))
            values, slots = updates.apply(
                values, [gradient], slots, 0.01, updates.correction(step, {})
            )
            theirs.apply([gradient], [variable])
        gap = keras.ops.convert_to_numpy(values[0]) - keras.ops.convert_to_numpy(variable)
        found[name] = float(np.abs(gap).max())
    return found


def forecast_losses(backend: str) -> dict[str, float]:
    """Return each loss of forecasts, of five samples and three that fill a batch up."""
    random = np.random.default_rng(3)
    targets = random.normal(size=(5, 4, 2)).astype(np.float32)
    found = {}
    for kind, count in (("mse", 1), ("mae", 1), ("huber", 1), ("quantile", 3)):
        task = Catalog.load().tasks["forecasting"](loss=kind, delta=0.7)
        outputs = random.normal(size=(5, 4 * 2 * count)).astype(np.float32)
        if backend == "torch":
            import torch

            loss = task.torch_loss(None, None, ())
            found[kind] = float(loss(torch.from_numpy(outputs), torch.from_numpy(targets)))
            continue
        from keras import ops

        filled = [np.concatenate([array, array[:3] + 9]) for array in (outputs, targets)]
        present = np.array([1, 1, 1, 1, 1, 0, 0, 0], np.float32)
        given = (ops.convert_to_tensor(array) for array in (*filled, present))
        found[kind] = float(ops.convert_to_numpy(task.keras_loss(None, None, ())(*given)))
    return found


def forecaster(backend: str) -> tuple[list[float], Arrays]:
    """Return the losses of a small forecaster of quantiles, and its last weights."""
    graph = chain(("flat1", "Flatten", {}), ("dense1", "Dense", {"units": 2 * 3}))
    task = Catalog.load().tasks["forecasting"](loss="quantile")
    settings = {"batch_size": SIZE, "samples": 3 * SIZE + SHORT, "target": TensorType((2, 1))}
    trained = model(backend, graph, optimizer=SGD(), shape=(6, 1), task=task, **settings)
    random = np.random.default_rng(5)
    for step in range(12):
        size = SHORT if step % 4 == 3 else SIZE
        inputs = random.normal(size=(size, 6, 1)).astype(np.float32)
        trained.train_step((Batch(inputs, inputs[:, :2] * 0.5),), 0.1)
    return trained.drain_logs()["loss"], trained.weights()
