"""Training samples that are most alike to a sample in what a layer makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.inspecting.network import DataSample, GivenFile, TypedText
from workbench.worker import asking
from workbench.worker.batches import Feed, prepare
from workbench.worker.projecting import means
from workbench.worker.trained import open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.inspecting.network import Sample
    from workbench.plugin_api.data import Samples
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Trained, Which

    Progress = Callable[[float, str], object]
    Block = tuple[NDArray[np.float32], NDArray[np.int64]]

BATCH = 64
MEMORY_BYTES = 512 * 2**20
"""Vectors that take no more than this are kept for the next question."""


@dataclass(frozen=True)
class Alike:
    """The samples found, the nearest first: numbers in the training split, and distances."""

    indices: tuple[int, ...]
    distances: tuple[float, ...]
    total: int


class SimilarSamples:
    """Compares samples with the training split of a run, block by block.

    Args:
        which: checkpoint of the run.

    Raises:
        UserError: the run has no checkpoint, or its data are gone.
    """

    def __init__(self, folder: RunFolder, catalog: Catalog, which: Which) -> None:
        self._trained = open_trained(folder, catalog, which)
        prepared = prepare(self._trained.experiment, catalog, self._trained.fitted)
        self._prepared = prepared
        self._feed = Feed(prepared, seed=self._trained.experiment.seed, batch_size=BATCH)
        self._known: tuple[str, list[Block]] = "", []

    @property
    def training(self) -> Samples:
        """Samples of the training split."""
        return self._prepared.opened.splits["train"]

    @property
    def has_classes(self) -> bool:
        """Whether each sample has a class number."""
        info = self._prepared.info
        return info.target is None and bool(info.classes)

    def find(self, sample: Sample, node: str, count: int, progress: Progress) -> Alike:
        """Return the `count` training samples with the highest cosine; itself left out.

        Raises:
            UserError: the sample cannot be used, or the layer leads to no Output.
        """
        wanted = self._vector(sample, node)
        own = isinstance(sample, DataSample) and sample.split == "train"
        itself = sample.index if own and isinstance(sample, DataSample) else -1
        best = np.empty(0, np.float64), np.empty(0, np.int64)
        total = 0
        for values, numbers in self._blocks(node, progress):
            total += len(numbers)
            cosines = _cosines(values, wanted)
            kept = numbers != itself
            joined = np.concatenate([best[0], cosines[kept]])
            places = np.concatenate([best[1], numbers[kept]])
            order = np.argsort(-joined, kind="stable")[:count]
            best = joined[order], places[order]
        distances = np.clip(1 - best[0], 0, 2)
        return Alike(tuple(best[1].tolist()), tuple(distances.tolist()), total)

    def _vector(self, sample: Sample, node: str) -> NDArray[np.float32]:
        trained = self._trained
        asked = _asked(trained, sample, self._feed)
        lengths = np.array([len(asked.inputs)]) if trained.info.input.varies else None
        given = {} if lengths is None else {"lengths": lengths}
        found = trained.model.probe(asked.inputs[None], (node,), **given)
        if node not in found:
            raise UserError(f"{node} leads to no Output.", "Choose another layer.")
        return means(found[node], asked.inputs.shape[0], lengths)[0]

    def _blocks(self, node: str, progress: Progress) -> Iterator[Block]:
        """Yield vectors of the training split and its numbers; kept where memory holds them."""
        if self._known[0] == node:
            yield from self._known[1]
            return
        kept: list[Block] | None = []
        size, done = 0, 0
        for batch in self._feed.batches("train"):
            given = {} if batch.lengths is None else {"lengths": batch.lengths}
            found = self._trained.model.probe(batch.inputs, (node,), **given)[node]
            steps = batch.inputs.shape[1]
            values = np.stack(means(found, steps, batch.lengths)).astype(np.float32)
            in_order = np.arange(done, done + len(batch))
            numbers = in_order if batch.indices is None else batch.indices
            size += values.nbytes
            done += len(batch)
            if kept is not None:
                kept.append((values, numbers))
                kept = kept if size <= MEMORY_BYTES else None
            progress(min(done / self._feed.counts["train"], 1.0), f"Asking {node}")
            yield values, numbers
        if kept is not None:
            self._known = node, kept


def _asked(trained: Trained, sample: Sample, feed: Feed) -> asking.Question:
    match sample:
        case TypedText():
            return asking.typed(trained, sample.text)
        case GivenFile():
            return asking.given(trained, sample.path)[0]
        case DataSample():
            return asking.stored(trained, feed.prepared, sample)


def _cosines(values: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = np.nan_to_num(values.astype(np.float64))
    one = np.nan_to_num(wanted.astype(np.float64))
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
    found: NDArray[np.float64] = rows @ one / np.maximum(norms, 1e-12)
    return found
