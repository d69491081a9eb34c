"""Losses of numbers that tasks share: squared, absolute and Huber's, by PyTorch and by Keras."""

from __future__ import annotations

from typing import Any, Literal

Point = Literal["mse", "mae", "huber"]


def torch_error(kind: Point, delta: float, apart: Any) -> Any:
    """Return the loss of each difference; `delta` is Huber's."""
    import torch

    if kind == "huber":
        size = apart.abs()
        return torch.where(size <= delta, 0.5 * apart.square(), delta * (size - 0.5 * delta))
    return apart.abs() if kind == "mae" else apart.square()


def keras_error(kind: Point, delta: float, apart: Any) -> Any:
    """Return what `torch_error` does, by keras.ops."""
    from keras import ops

    if kind == "huber":
        size = ops.abs(apart)
        return ops.where(size <= delta, 0.5 * ops.square(apart), delta * (size - 0.5 * delta))
    return ops.abs(apart) if kind == "mae" else ops.square(apart)
