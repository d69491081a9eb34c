"""Devices that PyTorch can compute on, best first."""

from __future__ import annotations

from plugins.backends.running.devices import pick, processor
from workbench.plugin_api.backend import Device


def available() -> tuple[Device, ...]:
    """Return GPUs first, then Apple's, then the processor."""
    import torch

    found = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(Device(f"cuda:{index}", properties.name, properties.total_memory))
    cpu = processor()
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", cpu.memory_bytes))
    return (*found, cpu)


def choose(wanted: str) -> Device:
    """Return a device by id, or the best one for "auto"; raises UserError if it is not there."""
    return pick(available(), wanted, "PyTorch")
