"""Feature-map snapshots: what the pinned sample looks like inside the network at one step."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load, save

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

    @property
    def is_sequence(self) -> bool:
        """Whether each channel is a line over time."""
        return bool(self.maps.shape[1] > 1 and self.maps.shape[2] == 1)

    def values(self) -> NDArray[np.float32]:
        """Return what was quantised, channels × height × width."""
        span = ((self.high - self.low) / np.float32(255))[:, None, None]
        found: NDArray[np.float32] = self.low[:, None, None] + self.maps * span
        return found


@dataclass(frozen=True)
class AttentionMaps:
    """What each step of the pinned sample attends to, head by head.

    share = (maps − 1) / 254 · high, head by head; 0 is what a step may not see.

    Attributes:
        maps: heads × queries × keys, uint8.
        high: per head, float32.
        steps: queries and keys there are; `maps` may hold fewer of them.
    """

    maps: NDArray[np.uint8]
    high: NDArray[np.float32]
    steps: tuple[int, int]

    def shares(self) -> NDArray[np.float32]:
        """Return heads × queries × keys; NaN is what a step may not see."""
        scale = (self.high / np.float32(254)).astype(np.float32)
        found: NDArray[np.float32] = (self.maps.astype(np.float32) - 1) * scale[:, None, None]
        found[self.maps == 0] = np.nan
        return found


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
        names: of the steps of a text; its words, one a token.
        signal: of a series, before scaling, time × channels; of a long one every so many steps.
        layers: by node.
        attention: by "node", or "node/part" of a layer with several.
        thumbnails: by node, height × width, uint8.
        histograms: by "node/weight".
    """

    step: int
    sample: int = 0
    title: str = ""
    picture: NDArray[np.uint8] | None = None
    names: tuple[str, ...] = ()
    signal: NDArray[np.float32] | None = None
    layers: Mapping[str, LayerMaps] = field(default_factory=dict)
    attention: Mapping[str, AttentionMaps] = field(default_factory=dict)
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


def quantise_shares(shares: NDArray[np.floating], steps: tuple[int, int]) -> AttentionMaps:
    """Quantise heads × queries × keys, the first of `steps`, to one byte each; NaN becomes 0."""
    high = np.nan_to_num(shares).max(axis=(1, 2)).astype(np.float32)
    span = np.where(high > 0, high, 1)[:, None, None]
    levels = 1 + np.rint(np.nan_to_num(shares) / span * 254)
    maps = np.where(np.isnan(shares), 0, levels).astype(np.uint8)
    return AttentionMaps(maps, high, steps)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write one snapshot, atomically."""
    write_atomically(path, encode_snapshot(snapshot), durable=False)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return the content of a snapshot's file."""
    tensors: dict[str, NDArray[np.generic]] = {}
    if snapshot.picture is not None:
        tensors["picture"] = snapshot.picture
    for node, maps in snapshot.layers.items():
        tensors |= {f"maps/{node}": maps.maps, f"low/{node}": maps.low, f"high/{node}": maps.high}
    if snapshot.signal is not None:
        tensors["signal"] = snapshot.signal
    for node, heads in snapshot.attention.items():
        tensors |= {f"attention/{node}": heads.maps, f"strongest/{node}": heads.high}
    for node, thumbnail in snapshot.thumbnails.items():
        tensors[f"thumbnail/{node}"] = thumbnail
    for name, histogram in snapshot.histograms.items():
        tensors[f"histogram/{name}"] = histogram.counts
    described = {
        "step": snapshot.step,
        "sample": snapshot.sample,
        "title": snapshot.title,
        "names": snapshot.names,
        "steps": {node: heads.steps for node, heads in snapshot.attention.items()},
        "channels": {node: maps.channels for node, maps in snapshot.layers.items()},
        "ranges": {name: (h.low, h.high) for name, h in snapshot.histograms.items()},
    }
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    return save(contiguous, {"snapshot": json.dumps(described)})


def decode_snapshot(content: bytes) -> Snapshot:
    """Return the snapshot whose file has this content."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return _snapshot(json.loads(header["__metadata__"]["snapshot"]), load(content))


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
    strongest, steps = under("strongest"), described.get("steps", {})
    attention = {
        node: AttentionMaps(maps, strongest[node], tuple(steps[node]))
        for node, maps in under("attention").items()
    }
    ranges = described["ranges"]
    return Snapshot(
        step=described["step"],
        sample=described["sample"],
        title=described["title"],
        picture=tensors.get("picture"),
        names=tuple(described.get("names", ())),
        signal=tensors.get("signal"),
        layers=layers,
        attention=attention,
        thumbnails=under("thumbnail"),
        histograms={n: Histogram(c, *ranges[n]) for n, c in under("histogram").items()},
    )
