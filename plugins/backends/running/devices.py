"""Picks one of a framework's devices, and describes the processor."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import psutil

from workbench.errors import UserError
from workbench.plugin_api.backend import Device

if TYPE_CHECKING:
    from collections.abc import Sequence


def pick(devices: Sequence[Device], wanted: str, framework: str) -> Device:
    """Return a device by id; "auto" is the best one, "cuda" the first of its kind.

    Args:
        devices: what the framework finds, best first.
        framework: its name, as people read it.

    Raises:
        UserError: it is not there.
    """
    if wanted == "auto":
        return devices[0]
    for device in devices:
        if wanted in (device.id, device.id.partition(":")[0]):
            return device
    known = ", ".join(device.id for device in devices)
    raise UserError(
        f"There is no device “{wanted}” on this machine.",
        f"{framework} finds {known}. Choose one of them, or “auto”.",
    )


def processor() -> Device:
    """Return the processor with the computer's memory."""
    name = platform.processor() or platform.machine()
    title = f"Processor ({name}, {psutil.cpu_count() or 1} threads)"
    return Device("cpu", title, psutil.virtual_memory().total)
