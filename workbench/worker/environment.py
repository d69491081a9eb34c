"""What a run ran on: versions, device, seeds, data."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import workbench

if TYPE_CHECKING:
    from workbench.plugin_api.backend import Model
    from workbench.worker.assembly import Assembly

PACKAGES = (
    "torch",
    "torchvision",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "jaxlib",
    "numpy",
    "scikit-learn",
    "safetensors",
    "pillow",
)


def environment(assembly: Assembly, model: Model) -> dict[str, Any]:
    """Return what one must know to repeat the run, JSON-able."""
    return {
        "workbench": workbench.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": versions(),
        "backend": assembly.backend.id,
        "device": {"id": model.device.id, "title": model.device.title},
        "cores": os.cpu_count() or 1,
        "threads": os.environ.get("OMP_NUM_THREADS", ""),
        "seed": assembly.experiment.seed,
        "command": sys.argv,
        "data_fingerprint": assembly.info.fingerprint,
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that numbers depend on."""
    return {name: found for name in PACKAGES if (found := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
