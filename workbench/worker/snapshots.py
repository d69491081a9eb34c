"""What goes into a snapshot: the pinned sample, channel maps, thumbnails, histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.adapters import merged_node
from workbench.runs.probes import (
    AttentionMaps,
    Histogram,
    LayerMaps,
    Snapshot,
    quantise,
    quantise_shares,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Model
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.network import Network, ResolvedNode
    from workbench.runs.commands import Watch
    from workbench.worker.batches import Feed

MOST_CHANNELS = 64
MOST_STEPS = 256
"""Of queries and of keys of attention."""
LONGEST_SIGNAL, SIGNAL_CHANNELS = 1024, 24
LARGEST_THUMBNAIL = 64
BINS = 64


@dataclass(frozen=True)
class Sample:
    """The pinned sample: as the network gets it, and for the eye, see Snapshot."""

    index: int
    title: str
    inputs: NDArray[np.float32]
    picture: NDArray[np.uint8] | None
    names: tuple[str, ...] = ()
    signal: NDArray[np.float32] | None = None


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
            prepared = self._feed.prepared
            words = prepared.preprocessing.words(shaped, prepared.fitted)
            names = tuple(word.text.strip() for word in words)
            eye = _for_the_eye(shaped)
            self._sample = Sample(index, title, inputs, eye, names, _signal(shaped))
        return self._sample


def snapshot_of(
    model: Model, network: Network, sample: Sample, watch: Watch, step: int
) -> Snapshot:
    """Return what is watched of a sample inside a network; raises what `probe` does."""
    nodes = {node.id: node for node in network.nodes}
    known = nodes.keys() | network.inner.keys()
    layers = [node for node in watch.layers if node in known]
    thumbnails = [node for node in watch.thumbnails if node in known]
    attending = [n for n in network.nodes if n.id in watch.attention and n.layer.attends]
    looked_at = [source for node in attending for source in node.inputs]
    wanted = tuple(dict.fromkeys([*layers, *thumbnails, *looked_at]))
    lengths = {"lengths": np.array([len(sample.inputs)])} if network.varying else {}
    outputs = model.probe(sample.inputs[None], wanted, **lengths)
    read = {layer.partition(".")[0] for layer in layers}.union(node.id for node in attending)
    weights = model.weights({node for node in read if nodes[node].weights})
    shown = {k: v for k, v in weights.items() if any(_is_of(k, layer) for layer in layers)}
    heads: dict[str, AttentionMaps] = {}
    for node in attending:
        if outputs.keys() >= set(node.inputs):
            heads |= attended(node, outputs, weights, len(sample.inputs))
    return Snapshot(
        step=step,
        sample=sample.index,
        title=sample.title,
        picture=sample.picture,
        names=sample.names,
        signal=sample.signal,
        layers={node: layer_maps(outputs[node][0]) for node in layers if node in outputs},
        attention=heads,
        thumbnails={node: thumbnail(outputs[node][0]) for node in thumbnails if node in outputs},
        histograms=histograms(shown),
    )


def _is_of(weight: str, layer: str) -> bool:
    """Whether a weight "node/name" belongs to a node, or to a module "node.path" inside it."""
    node, inside, path = layer.partition(".")
    return weight.startswith(f"{node}/{path}{inside}")


def layer_maps(values: NDArray[np.float32]) -> LayerMaps:
    """Quantise one sample's output (… × channels), 64 channels at most."""
    channels = values.shape[-1]
    quantised = quantise(values[..., :MOST_CHANNELS])
    return LayerMaps(quantised.maps, quantised.low, quantised.high, channels)


def attended(
    node: ResolvedNode,
    outputs: Mapping[str, NDArray[np.float32]],
    weights: Mapping[str, NDArray[np.float32]],
    real: int,
) -> dict[str, AttentionMaps]:
    """Return what a layer's heads attend to, by "node" or "node/part", 256 steps at most.

    Args:
        outputs: of the layer's inputs for the pinned sample, 1 × canonical shape.
        weights: of the network, by "node/name".
        real: steps of the sample, as it came in.
    """
    inputs = [outputs[source][0] for source in node.inputs]
    own = merged_node(node, {name: weights[f"{node.id}/{name}"] for name in node.weights})
    lengths = [
        real if kind.varies and len(rows) > real else None
        for kind, rows in zip(node.input_types, inputs, strict=True)
    ]
    found = node.layer.attention(inputs, own, lengths, MOST_STEPS)
    return {
        f"{node.id}/{part}" if part else node.id: quantise_shares(
            shares[:, :, :MOST_STEPS], (len(inputs[0]), shares.shape[2])
        )
        for part, shares in found.items()
    }


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
        # In single precision neighbouring numbers have no room for bins between them.
        finite = values[np.isfinite(values)].astype(np.float64)
        if finite.size:
            counts, edges = np.histogram(finite, BINS)
            found[name] = Histogram(counts, float(edges[0]), float(edges[-1]))
    return found


def _signal(shaped: NDArray[Any]) -> NDArray[np.float32] | None:
    if shaped.ndim != 2:
        return None
    every = -(-len(shaped) // LONGEST_SIGNAL)
    return np.ascontiguousarray(shaped[::every, :SIGNAL_CHANNELS], np.float32)


def _for_the_eye(shaped: NDArray[Any]) -> NDArray[np.uint8] | None:
    if shaped.ndim != 3 or shaped.dtype != np.uint8 or shaped.shape[2] not in (1, 3, 4):
        return None
    colours = shaped[..., :3] if shaped.shape[2] > 1 else np.repeat(shaped, 3, axis=2)
    return np.ascontiguousarray(colours)
