"""Steps of training in PyTorch, through Keras' layers: no graph is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.keras.steps import Steps
from plugins.backends.pytorch.averaging import Averages
from plugins.backends.pytorch.logs import StepLogs
from plugins.backends.pytorch.state import random_states, set_random_states
from plugins.backends.pytorch.transfer import Transfer
from plugins.backends.running.accumulation import shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.backends.keras.modules import LoadedModel
    from plugins.backends.keras.updates import Updates
    from workbench.plugin_api.backend import Batch, BuildPlan


class TorchSteps(Steps):
    """Trains in place: variables and slots keep their memory."""

    def __init__(self, plan: BuildPlan, loaded: LoadedModel, updates: Updates, device: Any) -> None:
        import torch

        super().__init__(plan, loaded, updates)
        torch.manual_seed(plan.seed)
        self._device = torch.device(device)
        self._transfer = Transfer(self._device, channels_last=True)
        self._parameters = [weight.variable.value for weight in loaded.trained]
        self._slots = self.first_slots(
            lambda shape, value: torch.full(shape, value, device=self._device)
        )
        self._logs = StepLogs(self._metrics)
        self._averages: Averages | None = None

    def train(self, batches: Sequence[Batch], rate: float, correction: float) -> None:
        """Do one optimizer step; see Steps."""
        import torch

        gradients: Sequence[Any] = ()
        loss: Any = 0.0
        parts = []
        for batch, share in shares(self._task, batches):
            outputs, targets, part = self._forward(batch)
            found = torch.autograd.grad(
                part if share == 1 else part * share, self._parameters, materialize_grads=True
            )
            gradients = torch._foreach_add(gradients, found) if gradients else found
            loss = loss + part.detach() * share
            parts.append((outputs.detach(), targets))
        with torch.no_grad():
            values, slots = self._updates.apply(
                self._parameters, gradients, self._slots, rate, correction
            )
            torch._foreach_copy_(self._parameters, values)
        self._slots = slots
        self._logs.add(loss, parts)

    def drain(self, *, wait: bool) -> dict[str, list[float]]:
        """Return the logs of finished steps; `wait`: of all steps."""
        return self._logs.drain(wait=wait)

    def clear(self) -> None:
        """Forget the logs of all steps."""
        self._logs.clear()

    def outputs(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Return outputs in evaluation mode."""
        import torch

        with torch.no_grad():
            return self._array(self._model(self._given(inputs, lengths), training=False))

    def evaluate(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return outputs and the mean loss in evaluation mode."""
        import torch

        with torch.no_grad():
            outputs = self._model(self._given(batch.inputs, batch.lengths), training=False)
            present = torch.ones(len(batch), device=self._device)
            loss = self._loss(outputs, self._transfer.moved(batch.targets), present)
        return self._array(outputs), float(loss)

    def taps(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> Sequence[Any]:
        """Return every tapped node's output in evaluation mode."""
        return self._tapped(self._given(inputs, lengths), training=False)

    def taps_in_training(self, batch: Batch) -> Sequence[Any]:
        """Return every tapped node's output in training mode; statistics change."""
        return self._tapped(self._given(batch.inputs, batch.lengths), training=True)

    def read(self, variable: Any) -> NDArray[Any]:
        """Return a copy of a variable's present value."""
        return np.array(variable.value.detach().cpu().numpy())

    def write(self, variable: Any, value: NDArray[Any]) -> None:
        """Give a variable another value."""
        variable.assign(np.reshape(value, variable.shape))

    def read_slot(self, index: int, slot: int) -> NDArray[Any]:
        """Return a copy of what the optimizer keeps of a trained weight."""
        return np.array(self._slots[index][slot].cpu().numpy())

    def write_slot(self, index: int, slot: int, value: NDArray[Any]) -> None:
        """Replace what the optimizer keeps of a trained weight."""
        kept = list(self._slots[index])
        kept[slot] = self._transfer.moved(np.array(value, np.float32)).reshape(kept[slot].shape)
        self._slots[index] = tuple(kept)

    def average(self, share: float) -> None:
        """Take the present weights into the running average, by a share."""
        assert self._averages is not None
        self._averages.update(share)

    def show(self, *, averaged: bool) -> None:
        """Let the model have the average of its weights, or what training has."""
        if self._averages is not None:
            self._averages.show(averaged=averaged)

    def begin_average(self) -> None:
        """Let the average begin with the present weights."""
        changing = self._loaded.changing
        self._averages = Averages({name: changing[name].value for name in changing})

    def generators(self) -> dict[str, NDArray[Any]]:
        """Return the states of PyTorch's generators, which Keras' dropout draws from here."""
        return {name: np.array(state) for name, state in random_states(self._device.type).items()}

    def set_generators(self, states: Mapping[str, NDArray[Any]]) -> None:
        """Put back what `generators` returned."""
        import torch

        set_random_states({name: torch.from_numpy(np.array(s)) for name, s in states.items()})

    def _forward(self, batch: Batch) -> tuple[Any, Any, Any]:
        import torch

        targets = self._transfer.moved(batch.targets)
        outputs = self._model(self._given(batch.inputs, batch.lengths), training=True)
        present = torch.ones(len(batch), device=self._device)
        mix: tuple[Any, ...] = ()
        if batch.others is not None:
            mix = (self._transfer.moved(batch.others), batch.share)
        return outputs, targets, self.mixed_loss(outputs, targets, present, mix)

    def _given(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> Any:
        given = self._arguments(inputs, lengths)
        if isinstance(given, list):
            return [self._transfer.moved(array) for array in given]
        return self._transfer.moved(given)

    def _tapped(self, given: Any, *, training: bool) -> Sequence[Any]:
        import torch

        with torch.no_grad():
            found: Sequence[Any] = self._loaded.taps(given, training=training)
        return [value.float().cpu() for value in found]

    def _array(self, tensor: Any) -> NDArray[np.float32]:
        array: NDArray[np.float32] = tensor.float().cpu().numpy()
        return array
