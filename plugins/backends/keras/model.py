"""A generated Keras model on a device with its optimizer: trained a step at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from plugins.backends.keras.code import KERAS
from plugins.backends.keras.devices import choose, keras_name
from plugins.backends.keras.errors import explained, is_out_of_memory
from plugins.backends.keras.loading import load_keras
from plugins.backends.keras.modules import LoadedModel
from plugins.backends.keras.state import StateKeeper
from plugins.backends.keras.threads import limit
from plugins.backends.keras.updates import Updates
from plugins.backends.running.averaging import raw_of, share_of_new, with_raw
from plugins.backends.running.errors import no_memory
from plugins.backends.running.steps import OutputSteps
from workbench.plugin_api.backend import Model, NodeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.backends.keras.steps import Steps
    from workbench.plugin_api.backend import Batch, BuildPlan, Device, ModelState
    from workbench.plugin_api.network import Network


def build(plan: BuildPlan, framework: str) -> KerasModel:
    """Make a model from the module on disk.

    Raises:
        UserError: the device is not there, float16 is asked for, or memory is short.
    """
    # JAX reserves memory that is not there, and the process would be killed once it is used.
    weights = sum(spec.size for spec in plan.network.weight_specs().values())
    if weights * np.float32().nbytes > psutil.virtual_memory().total:
        raise no_memory()
    keras = load_keras(framework)
    try:
        return KerasModel(plan, framework, keras)
    except Exception as error:
        if is_out_of_memory(error):
            raise no_memory() from error
        raise


class KerasModel(Model):
    """Trains in float32 or bfloat16 on TensorFlow, JAX or PyTorch.

    TensorFlow and JAX compile the step whatever `Training.compile` says, and Keras is channels
    last whatever `Training.channels_last` says. Layers that lead to no Output are not part of the
    model: their weights are kept as they were given.
    """

    def __init__(self, plan: BuildPlan, framework: str, keras: Any) -> None:
        warning = limit(framework, plan.training.threads)
        self._notes = [warning] if warning else []
        self.device = choose(framework, plan.device)
        self._keras = keras
        scope = keras_name(framework, self.device)
        # JAX keeps to the device of its arrays, and would trace anew in another scope.
        self._scope_name = "" if framework == "jax" else scope
        self._network = plan.network
        self._output_steps = OutputSteps(plan.network, KERAS)
        self._plan, self._framework = plan, framework
        with keras.device(scope):
            self._loaded = LoadedModel(plan, keras)
            self._train()
        self._count = 0
        self._since: dict[str, int] = {}
        self._aside = {
            name: np.zeros(shape, np.float32)
            for name, shape in self._loaded.canonical.shapes.items()
            if name not in self._loaded.variables
        }

    def _train(self) -> None:
        """Make what depends on which weights are trained."""
        plan, loaded = self._plan, self._loaded
        self._updates = Updates(plan.training, loaded.trained)
        self._steps = _steps(self._framework, plan, loaded, self._updates, self.device)
        self._keeper = StateKeeper(
            f"keras-{self._framework}",
            plan.training.optimizer,
            loaded,
            self._updates,
            self._steps,
        )
        averaging = plan.training.averaging
        self._decay = None if averaging is None else averaging.decay
        if self._decay is not None:
            self._steps.begin_average()

    def set_trainable(self, network: Network) -> None:
        """Train what `network` trains; see Model. TensorFlow and JAX compile the step anew."""
        weights, state, notes = self.weights(), self.state(), self._notes
        with self._scope():
            self._loaded.freeze(network)
            self._train()
        self.load_weights(weights)
        self.load_state(state)
        self._notes = notes

    @property
    def compilations(self) -> dict[str, int]:
        """How often each function was traced and compiled: "train", "evaluate", "taps"."""
        return dict(self._steps.compilations)

    def train_step(self, batches: Sequence[Batch], learning_rate: float) -> None:
        """Do one optimizer step; see Model. Each sample of all `batches` weighs the same."""
        for batch in batches:
            self._check(batch.inputs)
        with self._explaining():
            self._show(averaged=False)
            correction = self._updates.correction(self._count + 1, self._since)
            self._steps.train(batches, learning_rate, correction)
            self._count += 1
            if self._decay is not None:
                self._steps.average(share_of_new(self._decay, self._count))

    def drain_logs(self, *, wait: bool = True) -> dict[str, list[float]]:
        """Return "loss" and the task's metrics of the steps since the last call."""
        with self._explaining():
            return self._steps.drain(wait=wait)

    def predict(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return raw outputs in evaluation mode, canonical."""
        self._check(inputs)
        with self._explaining():
            self._show(averaged=True)
            outputs = self._steps.outputs(inputs, lengths)
        return self._output_steps.cut(outputs, inputs)

    def evaluate_step(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return raw outputs and the mean loss, without penalties."""
        self._check(batch.inputs)
        with self._explaining():
            self._show(averaged=True)
            outputs, loss = self._steps.evaluate(batch)
        return self._output_steps.cut(outputs, batch.inputs), loss

    def probe(
        self,
        inputs: NDArray[Any],
        nodes: Sequence[str],
        lengths: NDArray[np.int64] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Return the outputs of nodes in evaluation mode; those not in the model are left out."""
        self._check(inputs)
        with self._explaining():
            self._show(averaged=True)
            taps = self._steps.taps(inputs, lengths)
        found = dict(zip(self._loaded.tapped, taps, strict=True))
        return {
            node: self._output_steps.cut(np.array(found[node], np.float32), inputs, node)
            for node in nodes
            if node in found
        }

    def weights(self, nodes: Collection[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return copies of the canonical weights; of some nodes, or of all."""
        self._show(averaged=True)
        wanted = (
            f"{node.id}/{name}"
            for node in self._network.nodes
            if nodes is None or node.id in nodes
            for name in node.weights
        )
        return {name: self._weight(name) for name in wanted}

    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace all weights; raises UserError when they belong to another network."""
        canonical = self._loaded.canonical
        canonical.check(weights)
        with self._scope():
            self._write({name: weights[name] for name in self._loaded.variables})
            if self._decay is not None:
                self._steps.begin_average()
        self._aside = {name: np.array(weights[name], np.float32) for name in self._aside}

    def state(self) -> ModelState:
        """Return the optimizer's slots by canonical name, and random states."""
        found = self._keeper.capture(self._count, self._since)
        if self._decay is None:
            return found
        self._show(averaged=False)
        return with_raw(found, {name: self._weight(name) for name in self._loaded.changing})

    def load_state(self, state: ModelState) -> None:
        """Go on from `state`, of whichever backend; queued logs are forgotten."""
        self._steps.clear()
        with self._scope():
            found = self._keeper.restore(state)
            if self._decay is not None:
                self._show(averaged=False)
                self._write(raw_of(state, self._loaded.changing))
        self._count, self._since = found.step, found.since
        self._notes = [*self._notes, *found.notes]

    def warnings(self) -> list[str]:
        """Return, once, what of a loaded state began anew, or that threads stay as they are."""
        notes, self._notes = self._notes, []
        return notes

    def first_non_finite(self, batch: Batch) -> str:
        """Return the first node with a weight, or an output in training, that is not finite."""
        with self._scope():
            self._show(averaged=False)
            outputs = self._steps.taps_in_training(batch)
        found = dict(zip(self._loaded.tapped, outputs, strict=True))
        for node in self._network.nodes:
            values = [self._weight(f"{node.id}/{name}") for name in node.weights]
            if node.id in found:
                values.append(np.array(found[node.id], np.float32))
            if not all(np.isfinite(value).all() for value in values):
                return node.id
        return ""

    def _show(self, *, averaged: bool) -> None:
        if self._decay is not None:
            self._steps.show(averaged=averaged)

    def _write(self, weights: Mapping[str, NDArray[Any]]) -> None:
        for name, array in weights.items():
            value = self._loaded.canonical.to_framework(name, array)
            self._steps.write(self._loaded.variables[name], value)

    def _check(self, inputs: NDArray[Any]) -> None:
        """Raise NodeError for samples that the Input does not take."""
        node = self._network.inputs[0]
        wanted, given = node.output.shape, inputs.shape[1:]
        if len(wanted) != len(given) or any(
            size not in (None, found) for size, found in zip(wanted, given, strict=True)
        ):
            raise NodeError(node.id, f"The network takes samples of {wanted}, but got {given}.")

    def _weight(self, name: str) -> NDArray[np.float32]:
        if name in self._aside:
            return self._aside[name].copy()
        value = self._steps.read(self._loaded.variables[name])
        return self._loaded.canonical.to_canonical(name, value)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            with self._scope():
                yield
        except Exception as error:
            raise explained(error, self._loaded) from error

    def _scope(self) -> contextlib.AbstractContextManager[Any]:
        return self._keras.device(self._scope_name) if self._scope_name else _ANYWHERE


_ANYWHERE = contextlib.nullcontext()


def _steps(
    framework: str, plan: BuildPlan, loaded: LoadedModel, updates: Updates, device: Device
) -> Steps:
    if framework == "jax":
        import jax

        from plugins.backends.keras.steps_jax import JaxSteps

        kind, _, number = device.id.partition(":")
        place = jax.devices("gpu" if kind == "cuda" else kind)[int(number or 0)]
        return JaxSteps(plan, loaded, updates, place)
    if framework == "tensorflow":
        from plugins.backends.keras.steps_tensorflow import TensorFlowSteps

        return TensorFlowSteps(plan, loaded, updates)
    from plugins.backends.keras.steps_torch import TorchSteps

    return TorchSteps(plan, loaded, updates, device.id)
