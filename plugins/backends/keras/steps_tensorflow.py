"""Steps of training in TensorFlow: graphs for batches of any size and length, traced once a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.keras.steps import RowLogs, Steps
from plugins.backends.running.accumulation import shares

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from plugins.backends.keras.modules import LoadedModel
    from plugins.backends.keras.updates import Updates
    from workbench.plugin_api.backend import Batch, BuildPlan


class TensorFlowSteps(Steps):
    """Runs graphs without XLA: on processors it takes 2.5 times as long for a small CNN."""

    def __init__(self, plan: BuildPlan, loaded: LoadedModel, updates: Updates) -> None:
        import tensorflow as tf

        super().__init__(plan, loaded, updates)
        self._slots = self.first_slots(lambda shape, value: tf.Variable(tf.fill(shape, value)))
        self._sums = [tf.Variable(tf.zeros(w.variable.shape)) for w in loaded.trained]
        self._functions: dict[str, Any] = {}
        self._logs = RowLogs()
        self._averaged = [variable.value for variable in loaded.changing.values()]
        self._others: list[Any] = []
        self._average_is_shown = False

    def train(self, batches: Sequence[Batch], rate: float, correction: float) -> None:
        """Do one optimizer step; see Steps."""
        if len(batches) == 1 and not self._accumulates:
            step = self._function("train", self._traced_train, batches[0].targets, scalars=2)
            batch = batches[0]
            self._logs.add(step(self._given(batch), *self._targets(batch), rate, correction))
            return
        add = self._function("train", self._traced_add, batches[0].targets, scalars=1)
        apply = self._function("apply", self._traced_apply, None, scalars=2)
        rows = [
            add(self._given(batch), *self._targets(batch), share)
            for batch, share in shares(self._task, batches)
        ]
        apply(rate, correction)
        self._logs.add(*rows)

    def drain(self, *, wait: bool) -> dict[str, list[float]]:
        """Return the logs of all steps; on processors they are done, on GPUs nearly so."""
        return self._logs.drain(lambda row: True)

    def clear(self) -> None:
        """Forget the logs of all steps."""
        self._logs.clear()

    def outputs(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Return outputs in evaluation mode."""
        given = self._arguments(inputs, lengths)
        outputs = self._function("outputs", self._traced_outputs)(given)
        return np.array(outputs)

    def evaluate(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return outputs and the mean loss in evaluation mode."""
        function = self._function("evaluate", self._traced_evaluate, batch.targets)
        outputs, loss = function(self._given(batch), batch.targets)
        return np.array(outputs), float(loss)

    def taps(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> Sequence[Any]:
        """Return every tapped node's output in evaluation mode."""
        given = self._arguments(inputs, lengths)
        found: Sequence[Any] = self._function("taps", self._traced_taps)(given)
        return found

    def taps_in_training(self, batch: Batch) -> Sequence[Any]:
        """Return every tapped node's output in training mode; statistics change."""
        import tensorflow as tf

        given = tf.nest.map_structure(tf.constant, self._given(batch))
        found: Sequence[Any] = self._loaded.taps(given, training=True)
        return found

    def read(self, variable: Any) -> NDArray[Any]:
        """Return a copy of a variable's present value."""
        return np.array(variable.numpy())

    def write(self, variable: Any, value: NDArray[Any]) -> None:
        """Give a variable another value."""
        variable.assign(np.reshape(value, variable.shape))

    def read_slot(self, index: int, slot: int) -> NDArray[Any]:
        """Return a copy of what the optimizer keeps of a trained weight."""
        return np.array(self._slots[index][slot].numpy())

    def write_slot(self, index: int, slot: int, value: NDArray[Any]) -> None:
        """Replace what the optimizer keeps of a trained weight."""
        kept = self._slots[index][slot]
        kept.assign(np.reshape(value, kept.shape))

    def average(self, share: float) -> None:
        """Take the present weights into the running average, by a share."""
        self._function("average", self._traced_average, None, scalars=1)(share)

    def show(self, *, averaged: bool) -> None:
        """Let the model have the average of its weights, or what training has."""
        if averaged == self._average_is_shown:
            return
        for variable, other in zip(self._averaged, self._others, strict=True):
            kept = variable.read_value()
            variable.assign(other)
            other.assign(kept)
        self._average_is_shown = averaged

    def begin_average(self) -> None:
        """Let the average begin with the present weights."""
        import tensorflow as tf

        if not self._others:
            self._others = [tf.Variable(variable.read_value()) for variable in self._averaged]
        for variable, other in zip(self._averaged, self._others, strict=True):
            other.assign(variable.read_value())
        self._average_is_shown = False

    def _function(
        self, name: str, traced: Callable[..., Any], targets: Any = False, scalars: int = 0
    ) -> Any:
        """Return a compiled function; its signature leaves open how many samples, and how long.

        Args:
            targets: an example of the second argument; False: there is none; None: nor a first.
            scalars: how many float arguments follow.
        """
        if name not in self._functions:
            import tensorflow as tf

            specs: list[Any] = [tf.TensorSpec((), tf.float32)] * scalars
            if scalars == 2 and self._updates.by_weight:  # the last is the correction
                specs[-1] = tf.TensorSpec((len(self._slots),), tf.float32)
            if targets is not None and targets is not False:
                shape = [None, *targets.shape[1:]]
                if self._arguments.target_varies:
                    shape[1] = None
                spec = tf.TensorSpec(shape, targets.dtype)
                is_mixed = name == "train" and self._mixes
                specs[:0] = [spec, spec, tf.TensorSpec((), tf.float32)] if is_mixed else [spec]
            if targets is not None:
                specs.insert(0, self._inputs_spec())
            self._functions[name] = tf.function(traced, input_signature=specs, autograph=False)
        return self._functions[name]

    def _inputs_spec(self) -> Any:
        import tensorflow as tf

        taken = self._arguments
        spec = tf.TensorSpec((None, *taken.shape), taken.dtype)
        return [spec, tf.TensorSpec((None,), tf.int32)] if taken.varies else spec

    def _given(self, batch: Batch) -> Any:
        return self._arguments(batch.inputs, batch.lengths)

    def _targets(self, batch: Batch) -> tuple[Any, ...]:
        """Return the targets; in runs that mix, the other ones and the share, too."""
        if not self._mixes:
            return (batch.targets,)
        others = batch.targets if batch.others is None else batch.others
        return batch.targets, others, batch.share

    def _traced_train(self, x: Any, y: Any, *rest: Any) -> Any:
        self.compilations["train"] += 1
        *mix, rate, correction = rest
        gradients, row = self._gradients(x, y, mix)
        self._update(gradients, rate, correction)
        return row

    def _traced_add(self, x: Any, y: Any, *rest: Any) -> Any:
        self.compilations["train"] += 1
        *mix, share = rest
        gradients, row = self._gradients(x, y, mix)
        for total, gradient in zip(self._sums, gradients, strict=True):
            total.assign_add(share * gradient)
        return share * row

    def _traced_apply(self, rate: Any, correction: Any) -> None:
        import tensorflow as tf

        self.compilations["apply"] += 1
        self._update([tf.identity(total) for total in self._sums], rate, correction)
        for total in self._sums:
            total.assign(tf.zeros_like(total))

    def _traced_average(self, share: Any) -> None:
        self.compilations["average"] += 1
        for variable, other in zip(self._averaged, self._others, strict=True):
            other.assign_add(share * (variable - other))

    def _gradients(self, x: Any, y: Any, mix: Sequence[Any]) -> tuple[list[Any], Any]:
        import tensorflow as tf

        present = tf.ones(tf.shape(y)[:1])
        variables = [weight.variable.value for weight in self._loaded.trained]
        with tf.GradientTape() as tape:
            outputs = self._model(x, training=True)
            loss = self.mixed_loss(outputs, y, present, mix)
        found = tape.gradient(loss, variables, unconnected_gradients="zero")
        metrics = self._metrics(outputs, y)
        self._logs.names = ("loss", *metrics)
        means = [tf.reduce_mean(each) for each in metrics.values()]
        return [tf.convert_to_tensor(gradient) for gradient in found], tf.stack([loss, *means])

    def _update(self, gradients: list[Any], rate: Any, correction: Any) -> None:
        variables = [weight.variable.value for weight in self._loaded.trained]
        values, slots = self._updates.apply(variables, gradients, self._slots, rate, correction)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        for kept, new in zip(self._slots, slots, strict=True):
            for slot, value in zip(kept, new, strict=True):
                slot.assign(value)

    def _traced_outputs(self, x: Any) -> Any:
        import tensorflow as tf

        self.compilations["outputs"] += 1
        return tf.cast(self._model(x, training=False), tf.float32)

    def _traced_evaluate(self, x: Any, y: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        self.compilations["evaluate"] += 1
        outputs = self._model(x, training=False)
        present = tf.ones(tf.shape(y)[:1])
        return tf.cast(outputs, tf.float32), self._loss(outputs, y, present)

    def _traced_taps(self, x: Any) -> Any:
        self.compilations["taps"] += 1
        return self._loaded.taps(x, training=False)
