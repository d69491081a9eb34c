"""Reads safetensors files: ours, those of PyTorch modules, anyone's."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from workbench.analysis.weights import CANONICAL, Stored
from workbench.document.files import loads
from workbench.errors import UserError
from workbench.worker.weights.file import WeightsFile, damaged, with_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_COUNTERS = re.compile(r"(^|\.)num_batches_tracked$")


@contextlib.contextmanager
def open_safetensors(path: Path) -> Iterator[WeightsFile]:
    """Open a file; raises UserError when it is damaged.

    The format keeps no order: arrays come in that of the experiment in the metadata, else in that
    of their names, numbers by their value.
    """
    header, metadata = _header(path)
    names = [name for name in header if not _COUNTERS.search(name)]
    place = _places(metadata.get("experiment", ""))
    names.sort(key=lambda name: (place.get(re.split(r"[./]", name)[0], 0), natural(name)))
    stored = [
        Stored(
            name,
            tuple(header[name]["shape"]),
            numbers="" if header[name]["dtype"] in _DTYPES else header[name]["dtype"],
        )
        for name in names
    ]
    with path.open("rb") as stream:
        begin = 8 + int.from_bytes(stream.read(8), "little")

        def read(item: Stored) -> NDArray[Any]:
            entry = header[item.name]
            first, last = entry["data_offsets"]
            stream.seek(begin + first)
            array = np.frombuffer(stream.read(last - first), _DTYPES[entry["dtype"]])
            if entry["dtype"] == "BF16":  # the upper half of a float32
                array = (array.astype(np.uint32) << 16).view(np.float32)
            return array.reshape(entry["shape"])

        dotted = sum("." in name and "/" not in name for name in names)
        yield WeightsFile(
            "safetensors",
            with_keys(stored),
            read,
            "PyTorch" if dotted * 2 > len(names) else CANONICAL,
            order="graph" if place else "unsure",
        )


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which "layer10" comes after "layer9"."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _header(path: Path) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return the entries and the metadata of a file that the format's own reader has checked."""
    try:
        with safe_open(path, "np") as checked:
            metadata = checked.metadata() or {}
        with path.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    except (SafetensorError, ValueError, OSError, RecursionError) as error:
        raise damaged(path.name, error) from error
    header.pop("__metadata__", None)
    return header, metadata


def _places(experiment: str) -> dict[str, int]:
    """Return the place of each node in the graph of the experiment that a file of ours carries."""
    try:
        order = loads(experiment.encode()).graph.order()
    except UserError:
        return {}
    return {node.id: place for place, node in enumerate(order)}
