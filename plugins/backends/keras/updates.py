"""The update rules of all optimizers, as functions of tensors: the same in every framework.

SGD and Adagrad are PyTorch's, so that curves agree under any schedule: Keras' own SGD folds the
learning rate into its momentum, which is another number once the rate changes. Adam, AdamW and
RMSprop are Keras' own (keras.io/api/optimizers): their epsilon stands where Keras has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.running.optimizer_state import slots_of
from workbench.document.training import SGD, Adagrad, Adam, AdamW, RMSprop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workbench.document.training import Optimizer, Training

    Slots = tuple[Any, ...]
    Rule = Callable[[Any, Slots, float], tuple[Any, Slots]]

CLIP_EPSILON = 1e-6
"""Keeps a gradient of zero from being divided by (torch.nn.utils.clip_grad_norm_)."""


@dataclass(frozen=True)
class Trained:
    """A weight that training changes.

    Attributes:
        name: canonical "node/weight".
        variable: its keras.Variable.
        scale: factor on the learning rate.
        l1, l2: penalty factors.
    """

    name: str
    variable: Any
    scale: float
    l1: float
    l2: float


class Updates:
    """One optimizer step on all weights, from their gradients to their new values.

    Attributes:
        slots: what is kept of each weight; see `slots_of`.
        by_weight: each weight has a correction of its own, for some begin later than others.
    """

    def __init__(self, training: Training, weights: Sequence[Trained]) -> None:
        self.slots = slots_of(training.optimizer)
        self._optimizer = training.optimizer
        self._clip_norm = training.clip_norm
        self._weights = weights
        self._rule = _rule(training.optimizer)
        self.by_weight = training.unfreezing is not None

    def start(self, slot: str) -> float:
        """Return the value that fills a slot before the first step."""
        optimizer = self._optimizer
        return optimizer.initial_accumulator if isinstance(optimizer, Adagrad) else 0.0

    def correction(self, step: int, since: Mapping[str, int]) -> Any:
        """Return Adam's correction for moments that start at zero, at a step (from 1); else 1.

        Args:
            since: weights that began to be trained later, and after which step.

        Returns:
            One number; where they are `by_weight`, an array of one a weight.
        """
        if not self.by_weight:
            return self._correction(step)
        found = [self._correction(step - since.get(weight.name, 0)) for weight in self._weights]
        return np.array(found, np.float32)

    def _correction(self, step: int) -> float:
        optimizer = self._optimizer
        if not isinstance(optimizer, Adam | AdamW):
            return 1.0
        return math.sqrt(1 - optimizer.beta_2**step) / (1 - optimizer.beta_1**step)

    def apply(
        self,
        values: Sequence[Any],
        gradients: Sequence[Any],
        slots: Sequence[Slots],
        rate: Any,
        correction: Any,
    ) -> tuple[list[Any], list[Slots]]:
        """Return new values and slots; takes tensors in the order of the trained weights."""
        penalised = [
            _penalised(weight, value, gradient)
            for weight, value, gradient in zip(self._weights, values, gradients, strict=True)
        ]
        if self._clip_norm is not None:
            penalised = _clipped(penalised, self._clip_norm)
        new_values, new_slots = [], []
        for index, (weight, value, gradient, kept) in enumerate(
            zip(self._weights, values, penalised, slots, strict=True)
        ):
            own = correction[index] if self.by_weight else correction
            own_rate = rate * weight.scale if weight.scale != 1 else rate
            decayed, gradient = self._decayed(value, gradient, own_rate)
            change, kept = self._rule(gradient, kept, own)
            new_values.append(decayed - own_rate * change)
            new_slots.append(kept)
        return new_values, new_slots

    def _decayed(self, value: Any, gradient: Any, rate: Any) -> tuple[Any, Any]:
        decay = self._optimizer.weight_decay
        if not decay:
            return value, gradient
        if isinstance(self._optimizer, AdamW):
            return value - value * (rate * decay), gradient
        return value, gradient + decay * value


def _penalised(weight: Trained, value: Any, gradient: Any) -> Any:
    """Add the gradient of l1·Σ|w| + l2·Σw²."""
    from keras import ops

    if weight.l1:
        gradient = gradient + weight.l1 * ops.sign(value)
    if weight.l2:
        gradient = gradient + 2 * weight.l2 * value
    return gradient


def _clipped(gradients: Sequence[Any], largest: float) -> list[Any]:
    """Scale all gradients so that their norm together is at most `largest`."""
    from keras import ops

    norm = ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
    factor = ops.minimum(1.0, largest / (norm + CLIP_EPSILON))
    return [gradient * factor for gradient in gradients]


def _rule(optimizer: Optimizer) -> Rule:
    """Return rule(gradient, slots, correction) -> what the rate is multiplied with, new slots."""
    match optimizer:
        case SGD():
            return _sgd(optimizer.momentum, nesterov=optimizer.nesterov)
        case Adam() | AdamW():
            return _adam(optimizer.beta_1, optimizer.beta_2, optimizer.epsilon)
        case RMSprop():
            return _rmsprop(optimizer.rho, optimizer.momentum, optimizer.epsilon)
        case Adagrad():
            return _adagrad(optimizer.epsilon)


def _sgd(momentum: float, *, nesterov: bool) -> Rule:
    def rule(gradient: Any, slots: Slots, correction: Any) -> tuple[Any, Slots]:
        if not slots:
            return gradient, ()
        buffer = momentum * slots[0] + gradient
        return (gradient + momentum * buffer if nesterov else buffer), (buffer,)

    return rule


def _adam(beta_1: float, beta_2: float, epsilon: float) -> Rule:
    def rule(gradient: Any, slots: Slots, correction: Any) -> tuple[Any, Slots]:
        from keras import ops

        mean, variance = slots
        mean = mean + (1 - beta_1) * (gradient - mean)
        variance = variance + (1 - beta_2) * (gradient * gradient - variance)
        return correction * mean / (ops.sqrt(variance) + epsilon), (mean, variance)

    return rule


def _rmsprop(rho: float, momentum: float, epsilon: float) -> Rule:
    def rule(gradient: Any, slots: Slots, correction: Any) -> tuple[Any, Slots]:
        from keras import ops

        square = rho * slots[0] + (1 - rho) * gradient * gradient
        change = gradient / ops.sqrt(square + epsilon)
        if not momentum:
            return change, (square,)
        buffer = momentum * slots[1] + change
        return buffer, (square, buffer)

    return rule


def _adagrad(epsilon: float) -> Rule:
    def rule(gradient: Any, slots: Slots, correction: Any) -> tuple[Any, Slots]:
        from keras import ops

        accumulator = slots[0] + gradient * gradient
        return gradient / (ops.sqrt(accumulator) + epsilon), (accumulator,)

    return rule
