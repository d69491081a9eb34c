"""What a run needs besides its data: weights to start from, files; where they are, its copies."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from safetensors import SafetensorError, safe_open

from workbench import preferences
from workbench.errors import UserError
from workbench.files import unwritable
from workbench.plugin_api.adapters import factor_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.document.experiment import Asset, StartingWeights
    from workbench.plugin_api.network import Network


class Fit(msgspec.Struct, frozen=True):
    """How starting weights fit a network that may have been edited since they were loaded.

    Attributes:
        used: weights of the network that start from the file.
        drawn: those that start from the seed: the file lacks them, or has them in another shape.
            Adapters that it lacks do not count: they are new, and change nothing at first.
        spare: weights of the file that the network has no place for.
        names: what the file calls those that are used, by our names.
    """

    used: tuple[str, ...]
    drawn: tuple[str, ...]
    spare: tuple[str, ...]
    names: dict[str, str] = {}


def find(start: StartingWeights) -> Path:
    """Return the file of starting weights, or the copy that was kept when they were loaded.

    Raises:
        UserError: neither is there any more.
    """
    for path in (Path(start.file), preferences.weights_folder() / f"{start.sha256}.safetensors"):
        if path.is_file():
            return path
    raise UserError(
        f"The weights to start from, “{start.name}”, are gone: there is no {start.file}.",
        "Load them again, or remove them to start from the seed.",
    )


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight, reading only the head of the file; raises UserError."""
    try:
        with safe_open(path, "np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"The weights to start from cannot be read: {error}.",
            "Load them again, or remove them to start from the seed.",
        ) from error


def fit(
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    renamed: Mapping[str, str] | None = None,
) -> Fit:
    """Tell which weights of a network are used from a file: those of equal name and shape.

    Args:
        renamed: `StartingWeights.names`, what the file calls layers of other names.
    """
    specs, new = network.weight_specs(), factor_names(network)
    theirs = _names_there(specs, shapes, renamed or {})
    used = {
        name: theirs[name] for name, spec in specs.items() if shapes.get(theirs[name]) == spec.shape
    }
    drawn = tuple(name for name in specs if name not in used and name not in new)
    return Fit(tuple(used), drawn, tuple(sorted(set(shapes).difference(used.values()))), used)


def _names_there(
    ours: Iterable[str], stored: Iterable[str], renamed: Mapping[str, str]
) -> dict[str, str]:
    """Return what a file calls each weight; empty where another layer has that name's weights."""
    ours = list(ours)
    nodes = {name.partition("/")[0] for name in ours}
    there = {name.partition("/")[0] for name in stored}
    taken = {old for node, old in renamed.items() if node in nodes and old in there}
    found: dict[str, str] = {}
    for name in ours:
        node, _, weight = name.partition("/")
        old = renamed.get(node, node)
        if old and old not in there:
            old = node  # it was renamed to what the file has
        free = old and (node in renamed or old not in taken)
        found[name] = f"{old}/{weight}" if free else ""
    return found


def find_asset(asset: Asset) -> Path:
    """Return the file of an asset, or the copy that was kept when its network was imported.

    Raises:
        UserError: neither is there any more, or it is another file now.
    """
    for path in (Path(asset.file), preferences.weights_folder() / Path(asset.file).name):
        if path.is_file():
            if hashlib.sha256(path.read_bytes()).hexdigest() == asset.sha256:
                return path
            raise UserError(
                f"{path} is not the file that the network was imported with.",
                "Import the network again.",
            )
    raise UserError(
        f"“{asset.name}”, which the network needs, is gone: there is no {asset.file}.",
        "Import the network again.",
    )


def copy_into(target: Path, source: Path) -> None:
    """Give a run its own copy; on one disk a second name for the same content, made at once.

    Such files are replaced and never changed in place, and the worker checks the weights' sum.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    try:
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    except OSError as error:
        raise unwritable(target, error) from error
