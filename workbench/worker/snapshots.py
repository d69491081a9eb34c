"""What goes into a snapshot: the pinned sample, channel maps, thumbnails, histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.runs.probes import Histogram, LayerMaps, quantise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.data import SplitName
    from workbench.worker.batches import Feed

MOST_CHANNELS = 64
LARGEST_THUMBNAIL = 64
BINS = 64


@dataclass(frozen=True)
class Sample:
    """The pinned sample: as the network gets it, and for the eye (height × width × 3 or None)."""

    index: int
    title: str
    inputs: NDArray[np.float32]
    picture: NDArray[np.uint8] | None


class SampleCache:
    """Reads the pinned sample once, from the validation split, else from training."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._split: SplitName = "validation" if feed.counts.get("validation") else "train"
        self._sample: Sample | None = None

    def get(self, index: int) -> Sample:
        """Return a sample; an index beyond the last one means the last one. Raises UserError."""
        index = min(max(index, 0), self._feed.counts[self._split] - 1)
        if self._sample is None or self._sample.index != index:
            inputs, shaped, title, _ = self._feed.sample(self._split, index)
            self._sample = Sample(index, title, inputs, _for_the_eye(shaped))
        return self._sample


def layer_maps(values: NDArray[np.float32]) -> LayerMaps:
    """Quantise one sample's output (… × channels), 64 channels at most."""
    channels = values.shape[-1]
    quantised = quantise(values[..., :MOST_CHANNELS])
    return LayerMaps(quantised.maps, quantised.low, quantised.high, channels)


def thumbnail(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return one small picture of an output, height × width.

    Channels of a picture are averaged; a sequence is features × time; a vector is one row.
    """
    finite = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    if finite.ndim == 1:
        flat = finite[None, :]
    elif finite.ndim == 2:
        flat = finite.T
    else:
        flat = finite.mean(axis=-1)
        while flat.ndim > 2:
            flat = flat[len(flat) // 2]
    steps = [max(1, -(-size // LARGEST_THUMBNAIL)) for size in flat.shape]
    small = flat[:: steps[0], :: steps[1]]
    low, high = float(small.min()), float(small.max())
    scaled = (small - low) * (255 / (high - low if high > low else 1.0))
    quantised: NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
    return quantised


def histograms(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, Histogram]:
    """Count each weight's values in equal bins; values that are not finite are left out."""
    found = {}
    for name, values in weights.items():
        finite = values[np.isfinite(values)]
        if finite.size:
            counts, edges = np.histogram(finite, BINS)
            found[name] = Histogram(counts, float(edges[0]), float(edges[-1]))
    return found


def _for_the_eye(shaped: NDArray[Any]) -> NDArray[np.uint8] | None:
    if shaped.ndim != 3 or shaped.dtype != np.uint8 or shaped.shape[2] not in (1, 3, 4):
        return None
    colours = shaped[..., :3] if shaped.shape[2] > 1 else np.repeat(shaped, 3, axis=2)
    return np.ascontiguousarray(colours)
