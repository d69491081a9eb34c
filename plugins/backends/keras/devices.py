"""Devices that Keras' frameworks can compute on, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.backends.running.devices import pick, processor
from workbench.plugin_api.backend import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def available(framework: str) -> Sequence[Device]:
    """Return GPUs first, the processor last; imports the framework."""
    if framework == "torch":
        from plugins.backends.pytorch.devices import available as of_torch

        return of_torch()
    gpus = _tensorflow_gpus() if framework == "tensorflow" else _jax_gpus()
    return (*gpus, processor())


def choose(framework: str, wanted: str) -> Device:
    """Return a device by id, or the best one for "auto"; raises UserError if it is not there."""
    return pick(available(framework), wanted, TITLES[framework])


def keras_name(framework: str, device: Device) -> str:
    """Return what `keras.device` calls a device: "cpu:0", "gpu:1".

    To PyTorch "cpu:0" is another device than "cpu", and every tensor would be copied.
    """
    if framework == "torch":
        return device.id
    kind, _, number = device.id.partition(":")
    return f"{'gpu' if kind == 'cuda' else kind}:{number or 0}"


def _tensorflow_gpus() -> list[Device]:
    import tensorflow as tf

    found = []
    for index, gpu in enumerate(tf.config.list_physical_devices("GPU")):
        details = tf.config.experimental.get_device_details(gpu)
        found.append(Device(f"cuda:{index}", details.get("device_name", f"GPU {index}")))
    return found


def _jax_gpus() -> list[Device]:
    import jax

    try:
        gpus = jax.devices("gpu")
    except RuntimeError:  # JAX was installed without them
        return []
    limits = [(gpu.memory_stats() or {}).get("bytes_limit", 0) for gpu in gpus]
    return [
        Device(f"cuda:{index}", gpu.device_kind, limit)
        for index, (gpu, limit) in enumerate(zip(gpus, limits, strict=True))
    ]
