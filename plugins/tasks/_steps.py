"""What tasks with one class a step share: losses that pass over `IGNORED` steps, accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.data import IGNORED

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def torch_step_loss(
    smoothing: float = 0.0, weights: NDArray[np.float32] | None = None
) -> Callable[[Any, Any], Any]:
    """Return the mean cross-entropy of logits (batch × time × classes) over steps with a target."""
    import torch
    from torch.nn.functional import cross_entropy

    by_device: dict[Any, Any] = {None: None}

    def loss(outputs: Any, targets: Any) -> Any:
        logits = outputs.float().flatten(0, -2)
        device = None if weights is None else logits.device
        if device not in by_device:
            by_device[device] = torch.from_numpy(weights).to(device)
        total = cross_entropy(
            logits,
            targets.flatten(),
            by_device[device],
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=smoothing,
        )
        known = targets[targets != IGNORED]
        counted = known.numel() if weights is None else by_device[device][known].sum()
        return total / max(counted, 1) if weights is None else total / counted.clamp_min(1e-9)

    return loss


def keras_step_loss(
    smoothing: float = 0.0, weights: NDArray[np.float32] | None = None
) -> Callable[[Any, Any, Any], Any]:
    """Return what `torch_step_loss` does, of the samples that are present."""
    from keras import ops

    def loss(outputs: Any, targets: Any, present: Any) -> Any:
        logs = ops.log_softmax(ops.cast(outputs, "float32"), axis=-1)
        classes = logs.shape[-1]
        targets = ops.cast(targets, "int32")
        counts = ops.cast(targets != IGNORED, "float32") * ops.expand_dims(present, -1)
        numbers = ops.maximum(targets, 0)
        each = -ops.squeeze(ops.take_along_axis(logs, ops.expand_dims(numbers, -1), -1), -1)
        if weights is None:
            if smoothing:
                each = (1 - smoothing) * each - smoothing / classes * ops.sum(logs, axis=-1)
            return ops.sum(each * counts) / ops.maximum(ops.sum(counts), 1.0)
        table = ops.convert_to_tensor(weights)
        weight = ops.take(table, numbers, axis=0)
        each = each * weight
        if smoothing:
            spread = -ops.sum(logs * table, axis=-1) / classes
            each = (1 - smoothing) * each + smoothing * spread
        return ops.sum(each * counts) / ops.maximum(ops.sum(weight * counts), 1e-9)

    return loss


def torch_step_accuracy(outputs: Any, targets: Any) -> Any:
    """Return the share of steps that are right, of each sample."""
    known = targets != IGNORED
    right = (outputs.argmax(-1) == targets) & known
    return right.sum(-1) / known.sum(-1).clamp_min(1)


def keras_step_accuracy(outputs: Any, targets: Any) -> Any:
    """Return what `torch_step_accuracy` does."""
    from keras import ops

    targets = ops.cast(targets, "int32")
    known = targets != IGNORED
    right = ops.logical_and(ops.cast(ops.argmax(outputs, axis=-1), "int32") == targets, known)
    count = ops.sum(ops.cast(known, "float32"), axis=-1)
    return ops.sum(ops.cast(right, "float32"), axis=-1) / ops.maximum(count, 1.0)


def log_softmax(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return logarithms of probabilities over the last axis."""
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
