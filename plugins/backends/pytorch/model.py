"""A generated module on a device with its optimizer: trained a step at a time, looked inside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from plugins.backends.pytorch.averaging import Averages
from plugins.backends.pytorch.code import PYTORCH
from plugins.backends.pytorch.compile import Compiled
from plugins.backends.pytorch.devices import choose
from plugins.backends.pytorch.errors import explained
from plugins.backends.pytorch.logs import StepLogs
from plugins.backends.pytorch.modules import LoadedModule
from plugins.backends.pytorch.optimizers import make_optimizer, parameter_groups, set_learning_rate
from plugins.backends.pytorch.penalties import penalty
from plugins.backends.pytorch.precision import Precision
from plugins.backends.pytorch.state import StateKeeper
from plugins.backends.pytorch.transfer import Transfer, canonical
from plugins.backends.pytorch.weights import WeightTable
from plugins.backends.running.accumulation import shares
from plugins.backends.running.averaging import raw_of, share_of_new, with_raw
from plugins.backends.running.steps import OutputSteps
from plugins.backends.source.plan import ends
from workbench.plugin_api.backend import Model

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Batch, BuildPlan, ModelState
    from workbench.plugin_api.network import Network


class TorchModel(Model):
    """Trains in float32 or mixed precision; frozen nodes keep weights and statistics."""

    def __init__(self, plan: BuildPlan) -> None:
        import torch

        self.device = choose(plan.device)
        training = plan.training
        if training.threads:
            # More threads than cores wait for each other; 500 on two cores take 20 times as long.
            torch.set_num_threads(min(training.threads, os.cpu_count() or 1))
        torch.manual_seed(plan.seed)
        self._device = torch.device(self.device.id)
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)
        self._precision = Precision(training.precision, self.device)
        # On processors it is as fast or faster for every network tried (a small CNN: 1.5 times),
        # and it is how the batches lie in memory already.
        channels_last = training.channels_last or self._device.type == "cpu"
        self._loaded = LoadedModule(plan, self._device, channels_last=channels_last)
        self._module = self._loaded.module
        self._table = WeightTable(self._module, plan.network, self._loaded.names)
        self._training = training
        self._averages: Averages | None = None
        self._train(plan.network)
        self._end = ends(plan.network)[0].id
        self._steps = 0
        self._notes: list[str] = []
        self._clip_norm = training.clip_norm
        self._varies = bool(plan.network.varying)
        self._output_steps = OutputSteps(plan.network, PYTORCH)
        self._transfer = Transfer(self._device, channels_last=channels_last)
        self._task = plan.task
        self._loss = plan.task.torch_loss(plan.network, plan.info, plan.train_counts)
        self._logs = StepLogs(plan.task.torch_metrics)
        self._forward = Compiled(self._module, wanted=training.compile)

    def _train(self, network: Network) -> None:
        """Make what depends on which weights are trained."""
        groups = parameter_groups(network, self._table.tensors)
        self._parameters = [tensor for group in groups for tensor in group["params"]]
        self._optimizer = make_optimizer(self._training.optimizer, groups, self._device.type)
        self._penalty = penalty(network, self._table.tensors)
        averaging = self._training.averaging
        if averaging is not None:
            self._decay = averaging.decay
            tensors = {name: self._table.tensors[name] for name in network.changing}
            self._averages = Averages(tensors)
        self._keeper = StateKeeper(
            self._training.optimizer,
            self._optimizer,
            [name for group in groups for name in group["names"]],
            self._table,
            scaler=self._precision.scaler,
            device_type=self._device.type,
        )

    def set_trainable(self, network: Network) -> None:
        """Train what `network` trains; see Model."""
        weights, state, notes = self.weights(), self.state(), self._notes
        self._loaded.freeze(network)
        self._train(network)
        self.load_weights(weights)
        self.load_state(state)
        self._notes = notes

    def train_step(self, batches: Sequence[Batch], learning_rate: float) -> None:
        """Do one optimizer step; see Model. Each target of all `batches` weighs the same."""
        try:
            self._to_training()
            set_learning_rate(self._optimizer, learning_rate)
            for tensor in self._parameters:
                tensor.grad = None
            if len(batches) == 1:
                loss, outputs, targets = self._backward(batches[0], 1.0)
                parts = [(outputs, targets)]
            else:
                loss, parts = 0.0, []
                for batch, share in shares(self._task, batches):
                    part, outputs, targets = self._backward(batch, share)
                    loss = loss + part * share
                    parts.append((outputs, targets))
            if self._penalty is not None:
                self._scaled(self._penalty()).backward()
            self._update()
            self._steps += 1
            if self._averages is not None:
                self._averages.update(share_of_new(self._decay, self._steps))
            self._logs.add(loss, parts)
        except Exception as error:
            raise explained(error, self._loaded) from error

    def drain_logs(self, *, wait: bool = True) -> dict[str, list[float]]:
        """Return "loss" and the task's metrics of the steps since the last call."""
        try:
            return self._logs.drain(wait=wait)
        except Exception as error:
            raise explained(error, self._loaded) from error

    def predict(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return raw outputs in evaluation mode, canonical."""
        return self._output_steps.cut(canonical(self._evaluated(inputs, lengths)), inputs)

    def evaluate_step(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return raw outputs and the mean loss, without penalties."""
        import torch

        outputs = self._evaluated(batch.inputs, batch.lengths)
        with torch.no_grad():
            loss = self._loss(outputs, self._transfer.targets(batch.targets))
        return self._output_steps.cut(canonical(outputs), batch.inputs), float(loss)

    def probe(
        self,
        inputs: NDArray[Any],
        nodes: Sequence[str],
        lengths: NDArray[np.int64] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Return the outputs of nodes in evaluation mode; the random state stays as it was."""
        import torch

        try:
            self._to_evaluation()
            with torch.no_grad(), self._precision.context():
                found = self._loaded.probe(self._arguments(inputs, lengths), nodes)
            return {
                node: self._output_steps.cut(value.float().cpu().numpy(), inputs, node)
                for node, value in found.items()
            }
        except Exception as error:
            raise explained(error, self._loaded) from error

    def gradients(
        self,
        inputs: NDArray[Any],
        values: Mapping[str, NDArray[np.float32]],
        factors: NDArray[np.float32],
        lengths: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Return raw outputs and gradients with respect to nodes' outputs; see Model."""
        import torch

        try:
            self._to_evaluation()
            given = {
                node: self._transfer.moved(value).requires_grad_() for node, value in values.items()
            }
            with self._precision.context():
                arguments = self._arguments(inputs, lengths)
                outputs = self._loaded.probe(arguments, (self._end,), given)[self._end].float()
            weighted = (outputs * self._transfer.moved(factors)).sum()
            found = torch.autograd.grad(weighted, list(given.values()), materialize_grads=True)
            gradients = {
                node: gradient.float().cpu().numpy()
                for node, gradient in zip(given, found, strict=True)
            }
            return outputs.detach().cpu().numpy(), gradients
        except Exception as error:
            raise explained(error, self._loaded) from error

    def weights(self, nodes: Collection[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return copies of the canonical weights; of some nodes, or of all."""
        if self._averages is not None:
            self._averages.show(averaged=True)
        return self._table.read(nodes)

    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace all weights; raises UserError when they belong to another network."""
        self._table.write(weights)
        if self._averages is not None:
            self._averages.begin()

    def state(self) -> ModelState:
        """Return optimizer state by canonical name, loose buffers, random states, the scaler."""
        found = self._keeper.capture(self._steps)
        if self._averages is None:
            return found
        self._averages.show(averaged=False)
        raw = self._table.read_some(self._averages.tensors)
        return with_raw(found, raw)

    def load_state(self, state: ModelState) -> None:
        """Go on from `state`, of whichever backend; queued logs are forgotten."""
        self._logs.clear()
        found = self._keeper.restore(state)
        if self._averages is not None:
            self._averages.show(averaged=False)
            self._table.write_some(raw_of(state, self._averages.tensors))
        self._steps = found.step
        self._notes = [*self._notes, *found.notes]

    def warnings(self) -> list[str]:
        """Return, once, that compiling failed, and what of a loaded state began anew."""
        notes, self._notes = self._notes, []
        return [*self._forward.warnings(), *notes]

    def first_non_finite(self, batch: Batch) -> str:
        """Return the first node with a weight, or an output in training, that is not finite."""
        import torch

        self._to_training()
        with torch.no_grad(), self._precision.context():
            inputs = self._arguments(batch.inputs, batch.lengths)
            return self._loaded.first_non_finite(inputs, self._table.tensors)

    def _to_training(self) -> None:
        self._loaded.train()
        if self._averages is not None:
            self._averages.show(averaged=False)

    def _to_evaluation(self) -> None:
        self._loaded.evaluate()
        if self._averages is not None:
            self._averages.show(averaged=True)

    def _backward(self, batch: Batch, share: float) -> tuple[Any, Any, Any]:
        inputs = self._arguments(batch.inputs, batch.lengths)
        targets = self._transfer.targets(batch.targets)
        with self._precision.context():
            outputs = self._forward(*inputs)
            loss = self._loss(outputs, targets)
            if batch.others is not None:
                others = self._loss(outputs, self._transfer.targets(batch.others))
                loss = batch.share * loss + (1 - batch.share) * others
        self._scaled(loss if share == 1.0 else loss * share).backward()
        return loss.detach(), outputs.detach(), targets

    def _scaled(self, loss: Any) -> Any:
        scaler = self._precision.scaler
        return loss if scaler is None else scaler.scale(loss)

    def _update(self) -> None:
        scaler = self._precision.scaler
        if self._clip_norm is not None:
            from torch.nn.utils import clip_grad_norm_

            if scaler is not None:
                scaler.unscale_(self._optimizer)
            clip_grad_norm_(self._parameters, self._clip_norm)
        if scaler is None:
            self._optimizer.step()
        else:
            scaler.step(self._optimizer)
            scaler.update()

    def _arguments(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None
    ) -> tuple[Any, ...]:
        """Return what the module takes; without lengths, all steps are real."""
        import numpy as np

        found = self._transfer.inputs(inputs)
        if not self._varies:
            return (found,)
        if lengths is None:
            lengths = np.full(len(inputs), inputs.shape[1], np.int64)
        return found, self._transfer.targets(lengths)

    def _evaluated(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> Any:
        import torch

        try:
            self._to_evaluation()
            with torch.no_grad(), self._precision.context():
                return self._module(*self._arguments(inputs, lengths)).float()
        except Exception as error:
            raise explained(error, self._loaded) from error
