"""Says what a file of adapters alone holds for a network: one of our own, or a folder of peft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from safetensors import SafetensorError, safe_open

from workbench.errors import UserError
from workbench.plugin_api.adapter_files import ENTRY, VERSION, AdaptedLayer, AdaptersHeader
from workbench.worker.weights.file import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workbench.analysis.weights import Stored
    from workbench.worker.weights.file import WeightsFile

CONFIG, WEIGHTS = "adapter_config.json", ("adapter_model.safetensors", "adapter_model.bin")
OTHERS = "Files of adapters that were exported from here, or written by peft, can be loaded."


@dataclass(frozen=True)
class Plan:
    """Where the arrays of a file belong, before any is read.

    Attributes:
        kind: what wrote the file.
        layers: those that get adapters.
        sources: by canonical name the array in the file, and whether its axes are exchanged.
        trained: canonical names of weights that are no factors.
        unused: arrays that have no place.
    """

    kind: str
    layers: tuple[AdaptedLayer, ...]
    sources: Mapping[str, tuple[Stored, bool]]
    trained: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def peft_folder(path: Path) -> Path | None:
    """Return the folder of peft that a path means: it, or a file in it; None for other files.

    Raises:
        UserError: it is such a folder, but not whole, or holds something else.
    """
    if not path.is_dir() and path.name not in (CONFIG, *WEIGHTS):
        return None
    folder = path if path.is_dir() else path.parent
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder} holds no {CONFIG}.", OTHERS)
    return folder


def own_plan(path: Path, file: WeightsFile, renamed: Mapping[str, str]) -> Plan:
    """Return where the arrays of a file of ours belong.

    Args:
        renamed: what layers are called now that had other names when the file was written.

    Raises:
        UserError: it is no file of adapters.
    """
    header = _header(path)

    def here(name: str) -> str:
        node, _, weight = name.partition("/")
        return f"{renamed.get(node, node)}/{weight}"

    layers = [
        msgspec.structs.replace(layer, id=renamed.get(layer.id, layer.id))
        for layer in header.layers
    ]
    return Plan(
        "Neural Workbench",
        tuple(layers),
        {here(stored.name): (stored, False) for stored in file.stored},
        tuple(map(here, header.trained)),
    )


def _header(path: Path) -> AdaptersHeader:
    try:
        with safe_open(path, "np") as file:
            text = (file.metadata() or {}).get(ENTRY, "")
    except (SafetensorError, OSError):
        text = ""  # weights in another format
    if not text:
        raise UserError(f"{path.name} is no file of adapters.", OTHERS)
    try:
        header = msgspec.json.decode(text.encode(), type=AdaptersHeader)
    except msgspec.DecodeError as error:
        raise damaged(path.name, error) from error
    if header.version > VERSION:
        raise UserError(f"{path.name} was written by a newer version.", "Update the workbench.")
    if not header.layers:
        raise UserError(f"{path.name} holds no adapters.", OTHERS)
    return header
