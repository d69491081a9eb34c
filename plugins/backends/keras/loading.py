"""Imports Keras with one of its frameworks; a process has only one."""

from __future__ import annotations

import os
import sys
from typing import Any

from workbench.errors import UserError


def load_keras(framework: str) -> Any:
    """Return the keras module, running on a framework: "tensorflow", "jax" or "torch".

    Raises:
        UserError: this process runs Keras on another one already, or the import fails.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = framework
        if framework == "tensorflow":
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except Exception as error:
        raise UserError(
            f"Keras cannot be imported with {framework}: {error}.",
            f"Install them anew: pip install --force-reinstall keras {framework}",
        ) from error
    found = keras.backend.backend()
    if found != framework:
        raise UserError(
            f"This process runs Keras on {found}, and cannot change to {framework}.",
            "Start another process for it.",
        )
    return keras
