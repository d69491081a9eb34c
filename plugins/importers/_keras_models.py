"""What Keras' own networks and Keras' files have in common: load Keras, run, expand."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.keras.loading import load_keras
from workbench.errors import UserError
from workbench.plugin_api.backend import Availability

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

INSTALL = 'pip install "neural-workbench[keras-torch]"'


def availability() -> Availability:
    """Look for Keras without importing it; PyTorch, one of its frameworks, is always here."""
    if importlib.util.find_spec("keras") is None:
        return Availability(False, "Keras is not installed.", INSTALL)
    return Availability(True)


def keras_here(*, has_uneven_pools: bool = False) -> Any:
    """Return keras, on the framework that this process has already, or on PyTorch.

    PyTorch is here anyway, to compare with; TensorFlow ends a process that has both.

    Args:
        has_uneven_pools: whether a model has “same” average pools with a stride, which Keras gets
            wrong on PyTorch where the pads are uneven; JAX is taken for it if it is installed.
    """
    if "keras" in sys.modules:
        return load_keras(sys.modules["keras"].backend.backend())
    has_jax = importlib.util.find_spec("jax") is not None
    return load_keras("jax" if has_uneven_pools and has_jax else "torch")


def runner(model: Any) -> Callable[[NDArray[Any]], list[NDArray[np.float32]]]:
    """Return what runs a model in evaluation mode, and gives each of its outputs."""

    def run(inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        from keras import ops, tree

        answer = tree.flatten(model(ops.convert_to_tensor(inputs), training=False))
        return [np.asarray(ops.convert_to_numpy(each), np.float32) for each in answer]

    return run


def input_shape_of(model: Any) -> tuple[int | None, ...]:
    """Return the shape of one sample; lengths of series and texts may be free.

    Raises:
        UserError: the model takes several inputs, or has free sizes that layers cannot have.
    """
    shape = model.input_shape
    if isinstance(shape, list | dict):
        raise UserError(
            f"The model has {len(shape)} inputs; a document here has one.",
            "Save the part of it that has one, as a model of its own.",
        )
    if None in shape[2:] and not (len(shape) == 4 and shape[3]):
        raise UserError(
            "The model takes inputs of any size, so that its layers cannot be checked.",
            "Save it with the size that it was trained with.",
        )
    return tuple(shape[1:])
