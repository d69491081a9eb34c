"""Feature-map snapshots: what the pinned sample looks like inside the network at one step."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from workbench.errors import UserError
from workbench.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerMaps:
    """One layer's output for the pinned sample, each channel quantised over its own range.

    value = low + maps / 255 · (high − low), channel by channel.

    Attributes:
        maps: channels × height × width for pictures, channels × time × 1 for sequences,
            channels × 1 × 1 for vectors; uint8, native size.
        low, high: per channel, float32.
        channels: how many the layer has; `maps` may hold fewer.
    """

    maps: NDArray[np.uint8]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    channels: int


@dataclass(frozen=True)
class Histogram:
    """Distribution of one weight: equal bins from low to high."""

    counts: NDArray[np.int64]
    low: float
    high: float


@dataclass(frozen=True)
class Snapshot:
    """Everything probed at one step.

    Attributes:
        sample: index of the pinned sample; title: what a person knows it by.
        picture: the prepared sample for the eye, height × width × 3, uint8; None if it is none.
        layers: by node.
        thumbnails: by node, height × width, uint8.
        histograms: by "node/weight".
    """

    step: int
    sample: int = 0
    title: str = ""
    picture: NDArray[np.uint8] | None = None
    layers: Mapping[str, LayerMaps] = field(default_factory=dict)
    thumbnails: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)


def quantise(values: NDArray[np.float32]) -> LayerMaps:
    """Quantise channels-last values (… × channels) to one byte each; NaN becomes the lowest."""
    flat = np.moveaxis(values, -1, 0)
    channels = len(flat)
    maps = flat.reshape(channels, flat.shape[1] if flat.ndim > 1 else 1, -1)
    finite = np.nan_to_num(maps, posinf=0.0, neginf=0.0)
    low = finite.min(axis=(1, 2))
    high = finite.max(axis=(1, 2))
    span = np.where(high > low, high - low, 1).astype(np.float32)
    scaled = (finite - low[:, None, None]) * (255 / span)[:, None, None]
    return LayerMaps(np.rint(scaled).astype(np.uint8), low, high, channels)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write one snapshot, atomically."""
    tensors: dict[str, NDArray[np.generic]] = {}
    if snapshot.picture is not None:
        tensors["picture"] = snapshot.picture
    for node, maps in snapshot.layers.items():
        tensors |= {f"maps/{node}": maps.maps, f"low/{node}": maps.low, f"high/{node}": maps.high}
    for node, thumbnail in snapshot.thumbnails.items():
        tensors[f"thumbnail/{node}"] = thumbnail
    for name, histogram in snapshot.histograms.items():
        tensors[f"histogram/{name}"] = histogram.counts
    described = {
        "step": snapshot.step,
        "sample": snapshot.sample,
        "title": snapshot.title,
        "channels": {node: maps.channels for node, maps in snapshot.layers.items()},
        "ranges": {name: (h.low, h.high) for name, h in snapshot.histograms.items()},
    }
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, {"snapshot": json.dumps(described)}), durable=False)


def read_snapshot(path: Path) -> Snapshot:
    """Read one snapshot; raises UserError when it is gone or damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            described = json.loads(file.metadata()["snapshot"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _snapshot(described, tensors)
    except Exception as error:
        raise UserError(f"The feature maps in {path.name} cannot be read: {error}.") from error


def _snapshot(described: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Snapshot:
    def under(kind: str) -> dict[str, NDArray[Any]]:
        prefix = f"{kind}/"
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

    low, high, channels = under("low"), under("high"), described["channels"]
    layers = {
        node: LayerMaps(maps, low[node], high[node], channels[node])
        for node, maps in under("maps").items()
    }
    ranges = described["ranges"]
    return Snapshot(
        step=described["step"],
        sample=described["sample"],
        title=described["title"],
        picture=tensors.get("picture"),
        layers=layers,
        thumbnails=under("thumbnail"),
        histograms={n: Histogram(c, *ranges[n]) for n, c in under("histogram").items()},
    )
