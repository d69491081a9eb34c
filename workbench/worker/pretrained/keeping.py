"""Keeps what an imported network needs beside its layers, in files named after their content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from workbench.document.experiment import Asset, StartingWeights
from workbench.files import unwritable, write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def keep_weights(
    name: str, weights: Mapping[str, NDArray[np.float32]], folder: Path
) -> StartingWeights:
    """Write weights where runs find them."""
    # safetensors writes wrong data for arrays that are not contiguous.
    arrays = {key: np.ascontiguousarray(array) for key, array in weights.items()}
    path, digest = keep(save(arrays, {"format": "neural-workbench"}), folder, ".safetensors")
    return StartingWeights(name=name, file=str(path), sha256=digest)


def keep_assets(assets: Mapping[str, bytes], folder: Path) -> tuple[Asset, ...]:
    """Write the files that layers read."""
    return tuple(
        Asset(name=name, file=str(path), sha256=digest)
        for name, content in assets.items()
        for path, digest in [keep(content, folder, Path(name).suffix)]
    )


def keep(content: bytes, folder: Path, suffix: str) -> tuple[Path, str]:
    """Write a file, named after its content; return where it is and its sum."""
    digest = hashlib.sha256(content).hexdigest()
    target = folder / f"{digest}{suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    if not target.is_file():
        write_atomically(target, content)
    return target.resolve(), digest
