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

FRAMEWORKS = ("jax", "tensorflow", "torch")
"""In the order of the time that their import takes. Keras on PyTorch comes last: its “same”
average pools are wrong where pads are uneven."""
INSTALL = 'pip install "neural-workbench[keras-torch]"'


def availability() -> Availability:
    """Look for Keras without importing it; one of its frameworks is always here."""
    if importlib.util.find_spec("keras") is None:
        return Availability(False, "Keras is not installed.", INSTALL)
    return Availability(True)


def keras_here() -> Any:
    """Return keras, on the framework that this process has already or on the quickest."""
    if "keras" in sys.modules:
        return load_keras(sys.modules["keras"].backend.backend())
    found = next(name for name in FRAMEWORKS if importlib.util.find_spec(name) is not None)
    return load_keras(found)


def runner(model: Any) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return what runs a model in evaluation mode."""

    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        from keras import ops

        answer = model(ops.convert_to_tensor(inputs), training=False)
        return np.asarray(ops.convert_to_numpy(answer), np.float32)

    return run


def input_shape_of(model: Any) -> tuple[int, ...]:
    """Return the shape of one sample.

    Raises:
        UserError: the model takes several inputs, or any size.
    """
    shape = model.input_shape
    if isinstance(shape, list):
        raise UserError("The model has several inputs; a document here has one.")
    if None in shape[1:]:
        raise UserError(
            "The model takes inputs of any size, so that its layers cannot be checked.",
            "Save it with the size that it was trained with.",
        )
    return tuple(shape[1:])
