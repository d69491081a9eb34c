"""Devices that PyTorch can compute on, best first."""

from __future__ import annotations

import platform

import psutil

from workbench.errors import UserError
from workbench.plugin_api.backend import Device


def available() -> tuple[Device, ...]:
    """Return GPUs first, then Apple's, then the processor."""
    import torch

    found = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(Device(f"cuda:{index}", properties.name, properties.total_memory))
    memory = psutil.virtual_memory().total
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", memory))
    found.append(Device("cpu", _processor(), memory))
    return tuple(found)


def choose(wanted: str) -> Device:
    """Return a device by id; "auto" is the best one, "cuda" the first of its kind.

    Raises:
        UserError: it is not there.
    """
    devices = available()
    if wanted == "auto":
        return devices[0]
    for device in devices:
        if wanted in (device.id, device.id.partition(":")[0]):
            return device
    known = ", ".join(device.id for device in devices)
    raise UserError(
        f"There is no device “{wanted}” on this machine.",
        f"PyTorch finds {known}. Choose one of them, or “auto”.",
    )


def _processor() -> str:
    name = platform.processor() or platform.machine()
    return f"Processor ({name}, {psutil.cpu_count() or 1} threads)"
