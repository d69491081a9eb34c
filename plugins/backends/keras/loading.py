"""Imports Keras with one of its frameworks; a process has only one."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator


def load_keras(framework: str) -> Any:
    """Return the keras module, running on a framework: "tensorflow", "jax" or "torch".

    Raises:
        UserError: this process runs Keras on another one already, or the import fails.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = framework
        os.environ.update(_settings(framework) | os.environ)
    try:
        with _silence() if framework == "tensorflow" else contextlib.nullcontext():
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
    if framework == "tensorflow":
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
    # Filtered tracebacks lack the frames that tell which layer failed.
    keras.config.disable_traceback_filtering()
    return keras


def _settings(framework: str) -> dict[str, str]:
    """Return what a framework reads from the environment, unless it says otherwise already.

    Quiet logs, and GPU memory as it is needed; both frameworks would take all of it.
    """
    if framework == "tensorflow":
        return {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    if framework == "jax":
        return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep out of standard error what TensorFlow logs before it can be told not to."""
    sys.stderr.flush()
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)
