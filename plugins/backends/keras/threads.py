"""Limits the threads that a framework computes with."""

from __future__ import annotations

import os

TOO_LATE = "The number of threads was set when this process began, and stays as it is."


def limit(framework: str, threads: int) -> str:
    """Let a framework compute with so many threads, never more than there are cores.

    TensorFlow and JAX take the number only before they first compute.

    Args:
        threads: 0 leaves everything as it is.

    Returns:
        What a person should know if it was too late; else empty.
    """
    count = min(threads, os.cpu_count() or 1)
    if not count:
        return ""
    if framework == "torch":
        import torch

        torch.set_num_threads(count)
        return ""
    return _limit_tensorflow(count) if framework == "tensorflow" else _limit_jax(count)


def _limit_tensorflow(count: int) -> str:
    import tensorflow as tf

    if tf.config.threading.get_intra_op_parallelism_threads() == count:
        return ""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:
        return TOO_LATE
    return ""


def _limit_jax(count: int) -> str:
    import jax

    known = os.environ.setdefault("NPROC", str(count))  # read by XLA when it starts its threads
    try:
        jax.config.update("jax_num_cpu_devices", 1)  # as ever; refused once XLA has begun
    except RuntimeError:
        return TOO_LATE
    return "" if known == str(count) else TOO_LATE
