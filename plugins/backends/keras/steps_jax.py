"""Steps of training in JAX: pure functions of all values, compiled once a run."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plugins.backends.keras.steps import RowLogs, Steps
from plugins.backends.running.accumulation import shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from plugins.backends.keras.modules import LoadedModel
    from plugins.backends.keras.updates import Updates
    from workbench.plugin_api.backend import Batch, BuildPlan


class JaxSteps(Steps):
    """Holds all values as arrays on the device; a step donates the old ones to the new.

    A short batch is filled up to the batch size, so that nothing is compiled for it: the samples
    that fill it weigh nothing in the loss, and batch normalisation does not see them. It is masked
    only in runs that have a short batch. Samples that differ in length are filled up to one of a
    few numbers of steps, for each of which is compiled once.
    """

    compiles_shapes: ClassVar[bool] = True

    def __init__(self, plan: BuildPlan, loaded: LoadedModel, updates: Updates, device: Any) -> None:
        import jax
        import jax.numpy as jnp

        super().__init__(plan, loaded, updates)
        self._device = device
        model = self._model
        # Copies: a step gives its arguments' memory away, and Keras would hold on to it.
        self._values = [self._put(variable.value) for variable in model.trainable_variables]
        self._rest = [self._put(variable.value) for variable in model.non_trainable_variables]
        self._slots = self.first_slots(
            lambda shape, value: self._put(jnp.full(shape, value, jnp.float32))
        )
        self._places = {
            id(variable): (values, index)
            for values, variables in (
                ("_values", model.trainable_variables),
                ("_rest", model.non_trainable_variables),
            )
            for index, variable in enumerate(variables)
        }
        count = plan.info.counts.get("train", 0)
        self._has_statistics = loaded.has_statistics()
        self._has_short_batch = bool(count % self._batch_size)
        if loaded.present is None:
            loaded.present = _Present(loaded)
        self._present = loaded.present
        self._logs = RowLogs()
        self._sums = [self._put(jnp.zeros_like(value)) for value in self._values]
        jit = partial(jax.jit, static_argnames=("masked",))
        self._train = jit(self._traced_train, donate_argnums=(0, 1, 2))
        self._add = jit(self._traced_add, donate_argnums=(1, 2))
        self._averaged = [self._places[id(variable)] for variable in loaded.changing.values()]
        self._others: list[Any] = []
        self._average_is_shown = False
        self._average = jax.jit(self._traced_average, donate_argnums=(0,))
        self._apply = jax.jit(self._traced_apply, donate_argnums=(0, 1, 2))
        self._outputs = jax.jit(self._traced_outputs)
        self._evaluate = jax.jit(self._traced_evaluate)
        self._taps = jax.jit(self._traced_taps, static_argnames=("training",))

    def train(self, batches: Sequence[Batch], rate: float, correction: float) -> None:
        """Do one optimizer step; see Steps."""
        scalars = np.float32(rate), np.asarray(correction, np.float32)
        if len(batches) == 1 and not self._accumulates:
            given, masked = self._filled(batches[0], mixed=self._mixes)
            self._values, self._rest, self._slots, row = self._train(
                self._values, self._rest, self._slots, given, scalars, masked=masked
            )
            self._logs.add(row)
            return
        rows = []
        for batch, share in shares(self._task, batches):
            given, masked = self._filled(batch, mixed=self._mixes)
            self._rest, self._sums, row = self._add(
                self._values, self._rest, self._sums, given, np.float32(share), masked=masked
            )
            rows.append(row)
        self._values, self._slots, self._sums = self._apply(
            self._values, self._slots, self._sums, scalars
        )
        self._logs.add(*rows)

    def drain(self, *, wait: bool) -> dict[str, list[float]]:
        """Return the logs of finished steps; `wait`: of all steps."""
        return self._logs.drain(lambda row: wait or row.is_ready())

    def clear(self) -> None:
        """Forget the logs of all steps."""
        self._logs.clear()

    def outputs(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Return outputs, computed a batch at a time; a single sample is a batch of its own."""
        size = 1 if len(inputs) == 1 else self._batch_size
        found = []
        for start in range(0, len(inputs), size):
            rows = slice(start, start + size)
            part = inputs[rows]
            given = self._arguments(part, None if lengths is None else lengths[rows])
            outputs = self._outputs(self._values, self._rest, _repeated(given, size))
            found.append(np.array(outputs)[: len(part)])
        return np.concatenate(found)

    def evaluate(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return outputs and the mean loss in evaluation mode."""
        given, _ = self._filled(batch)
        outputs, loss = self._evaluate(self._values, self._rest, given)
        return np.array(outputs)[: len(batch)], float(loss)

    def taps(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> Sequence[Any]:
        """Return every tapped node's output in evaluation mode."""
        given = self._arguments(inputs, lengths)
        found: Sequence[Any] = self._taps(self._values, self._rest, given, training=False)
        return found

    def taps_in_training(self, batch: Batch) -> Sequence[Any]:
        """Return every tapped node's output in training mode; nothing changes."""
        given = self._arguments(batch.inputs, batch.lengths)
        found: Sequence[Any] = self._taps(self._values, self._rest, given, training=True)
        return found

    def read(self, variable: Any) -> NDArray[Any]:
        """Return a copy of a variable's present value."""
        values, index = self._places[id(variable)]
        return np.array(getattr(self, values)[index])

    def write(self, variable: Any, value: NDArray[Any]) -> None:
        """Give a variable another value."""
        values, index = self._places[id(variable)]
        old = getattr(self, values)[index]
        getattr(self, values)[index] = self._put(np.asarray(value, old.dtype).reshape(old.shape))

    def read_slot(self, index: int, slot: int) -> NDArray[Any]:
        """Return a copy of what the optimizer keeps of a trained weight."""
        return np.array(self._slots[index][slot])

    def write_slot(self, index: int, slot: int, value: NDArray[Any]) -> None:
        """Replace what the optimizer keeps of a trained weight."""
        kept = list(self._slots[index])
        kept[slot] = self._put(np.asarray(value, np.float32).reshape(kept[slot].shape))
        self._slots[index] = tuple(kept)

    def average(self, share: float) -> None:
        """Take the present weights into the running average, by a share."""
        present = [getattr(self, values)[index] for values, index in self._averaged]
        self._others = self._average(self._others, present, np.float32(share))

    def show(self, *, averaged: bool) -> None:
        """Let the model have the average of its weights, or what training has."""
        if averaged == self._average_is_shown:
            return
        for number, (values, index) in enumerate(self._averaged):
            held = getattr(self, values)
            held[index], self._others[number] = self._others[number], held[index]
        self._average_is_shown = averaged

    def begin_average(self) -> None:
        """Let the average begin with the present weights."""
        self._others = [self._put(getattr(self, values)[index]) for values, index in self._averaged]
        self._average_is_shown = False

    def _put(self, value: Any) -> Any:
        import jax
        import jax.numpy as jnp

        return jax.device_put(jnp.array(value, copy=True), self._device)

    def _filled(self, batch: Batch, *, mixed: bool = False) -> tuple[tuple[Any, ...], bool]:
        """Return inputs, targets and presence of a full batch, and whether it was a short one.

        Args:
            mixed: the other targets and the share follow, whether it is mixed or not.
        """
        count, size = len(batch), max(len(batch), self._batch_size)
        present = np.ones(size, np.float32)
        present[count:] = 0
        masked = self._has_statistics and (self._has_short_batch or count < size)
        x = _repeated(self._arguments(batch.inputs, batch.lengths), size)
        y = _repeated(self._arguments.targets(batch.targets), size)
        if not mixed:
            return (x, y, present), masked
        others = batch.targets if batch.others is None else batch.others
        others = _repeated(self._arguments.targets(others), size)
        return (x, y, present, others, np.float32(batch.share)), masked

    def _traced_train(
        self, values: Any, rest: Any, slots: Any, given: Any, scalars: Any, *, masked: bool
    ) -> tuple[Any, Any, Any, Any]:
        self.compilations["train"] += 1
        gradients, rest, row = self._gradients(values, rest, given, masked=masked)
        values, slots = self._updates.apply(values, gradients, slots, *scalars)
        return values, rest, slots, row

    def _traced_add(
        self, values: Any, rest: Any, sums: Any, given: Any, share: Any, *, masked: bool
    ) -> tuple[Any, Any, Any]:
        self.compilations["train"] += 1
        gradients, rest, row = self._gradients(values, rest, given, masked=masked)
        sums = [total + share * gradient for total, gradient in zip(sums, gradients, strict=True)]
        return rest, sums, share * row

    def _traced_apply(
        self, values: Any, slots: Any, sums: Any, scalars: Any
    ) -> tuple[Any, Any, Any]:
        import jax.numpy as jnp

        self.compilations["apply"] += 1
        values, slots = self._updates.apply(values, sums, slots, *scalars)
        return values, slots, [jnp.zeros_like(total) for total in sums]

    def _traced_average(self, others: Any, present: Any, share: Any) -> Any:
        self.compilations["average"] += 1
        return [old + share * (new - old) for old, new in zip(others, present, strict=True)]

    def _gradients(
        self, values: Any, rest: Any, given: Any, *, masked: bool
    ) -> tuple[Any, Any, Any]:
        import jax
        import jax.numpy as jnp

        x, y, present, *mix = given

        def loss_of(values: Any) -> tuple[Any, tuple[Any, Any]]:
            with self._present.during(present if masked else None):
                outputs, new = self._model.stateless_call(values, rest, x, training=True)
            return self.mixed_loss(outputs, y, present, mix), (outputs, new)

        (loss, (outputs, new)), gradients = jax.value_and_grad(loss_of, has_aux=True)(values)
        metrics = self._metrics(outputs, y)
        self._logs.names = ("loss", *metrics)
        means = [jnp.sum(each * present) / jnp.sum(present) for each in metrics.values()]
        return gradients, new, jnp.stack([loss, *means])

    def _traced_outputs(self, values: Any, rest: Any, x: Any) -> Any:
        self.compilations["outputs"] += 1
        outputs, _ = self._model.stateless_call(values, rest, x, training=False)
        return outputs.astype("float32")

    def _traced_evaluate(self, values: Any, rest: Any, given: Any) -> tuple[Any, Any]:
        self.compilations["evaluate"] += 1
        x, y, present = given
        outputs, _ = self._model.stateless_call(values, rest, x, training=False)
        return outputs.astype("float32"), self._loss(outputs, y, present)

    def _traced_taps(self, values: Any, rest: Any, x: Any, *, training: bool) -> Any:
        self.compilations["taps"] += 1
        model, taps = self._model, self._loaded.taps
        by_variable = dict(zip(map(id, model.trainable_variables), values, strict=True))
        by_variable |= dict(zip(map(id, model.non_trainable_variables), rest, strict=True))
        trained = [by_variable[id(variable)] for variable in taps.trainable_variables]
        others = [by_variable[id(variable)] for variable in taps.non_trainable_variables]
        outputs, _ = taps.stateless_call(trained, others, x, training=training)
        return outputs


class _Present:
    """Tells batch normalisation, while a step is traced, which samples of the batch are real."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._samples: Any = None
        for layer in loaded.batch_normalisations():
            layer.call = partial(self._call, layer.call)

    @contextlib.contextmanager
    def during(self, present: Any) -> Iterator[None]:
        """Let only samples whose `present` is 1 count; None: all count."""
        self._samples = present
        try:
            yield
        finally:
            self._samples = None

    def _call(self, call: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        from keras import ops

        if self._samples is None or not training:
            return call(inputs, training=training, mask=mask)
        shape = tuple(inputs.shape[:-1])
        samples = ops.reshape(self._samples, (shape[0], *(1 for _ in shape[1:])))
        present = ops.broadcast_to(samples > 0, shape)
        return call(inputs, training=training, mask=present if mask is None else mask & present)


def _repeated(array: Any, size: int) -> Any:
    """Return `size` rows; those of a short batch follow again, for they are sure to be valid.

    Args:
        array: or a list of arrays.
    """
    if isinstance(array, list):
        return [_repeated(each, size) for each in array]
    return array if len(array) == size else array[np.arange(size) % len(array)]
