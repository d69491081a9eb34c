"""Feeds training and evaluation with batches: from memory where they fit, else read ahead."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from workbench.plugin_api.backend import Batch
from workbench.worker.loading import Gathered, Loader, Maker, Task, process_count
from workbench.worker.mixing import mixed
from workbench.worker.preparation import PreparedData, prepare
from workbench.worker.ragged import Ragged, aligned
from workbench.worker.sampling import balanced_order, epoch_order, occurrences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.training import Mixing
    from workbench.plugin_api.data import SplitName
    from workbench.worker.loading import BadSample, Rows


__all__ = ["Feed", "PreparedData", "epoch_order", "prepare"]

MEMORY_BYTES = 512 * 2**20
"""A split that takes no more than this is kept in memory."""
CHUNK = 64
"""Samples that a thread reads in one go while a split is taken into memory."""


class _Remembered(NamedTuple):
    """A prepared split in memory: its samples, their targets, their numbers in the split."""

    inputs: NDArray[Any] | Ragged
    targets: NDArray[Any] | Ragged
    numbers: NDArray[np.int64]


class Feed:
    """Batches of prepared data, the same for the same seed, however they are loaded.

    Args:
        batch_size: of training; the last batch of an epoch may be shorter.
        sampling: "balanced" draws as many of each class.
        mixing: what training batches are mixed by.
        loaders: processes that read and augment when memory does not hold a split; 0 chooses.
        on_bad: called once with the name and the reason of a sample that cannot be read.
        on_progress: called with (done, all) while a split is taken into memory.
    """

    def __init__(
        self,
        prepared: PreparedData,
        *,
        seed: int,
        batch_size: int,
        sampling: Literal["shuffled", "balanced"] = "shuffled",
        mixing: Mixing | None = None,
        loaders: int = 0,
        on_bad: Callable[[str, str], Any] | None = None,
        on_progress: Callable[[int, int], Any] | None = None,
    ) -> None:
        self.prepared = prepared
        self.batch_size = batch_size
        self._seed = seed
        self._sampling = sampling
        self._mixing = mixing
        self._loaders = loaders
        self._on_bad = on_bad
        self._on_progress = on_progress
        self._known_bad: set[str] = set()
        self._memory: dict[SplitName, _Remembered] = {}
        self._replaced: set[SplitName] = set()
        self._processes: dict[bool, Loader] = {}
        self._splits = prepared.opened.splits
        self._maker = Maker(
            self._splits,
            prepared.preprocessing,
            prepared.augmentation,
            prepared.fitted,
            prepared.info.input,
            prepared.info.target,
            seed,
        )

    @property
    def counts(self) -> dict[str, int]:
        """Samples per split."""
        return self.prepared.info.counts

    @property
    def batches_per_epoch(self) -> int:
        """Number of training batches in an epoch, the short last one included."""
        return math.ceil(len(self._splits["train"]) / self.batch_size)

    def train_batches(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch in the order that (seed, epoch) gives.

        Args:
            start_batch: go on from here; what comes before is not read.

        Raises:
            UserError: nothing can be read any more.
        """
        batches = self._unmixed(epoch, start_batch)
        if self._mixing is None:
            return batches
        return (
            mixed(batch, self._mixing, (self._seed, epoch, number))
            for number, batch in enumerate(batches, start_batch)
        )

    def _unmixed(self, epoch: int, start_batch: int) -> Iterator[Batch]:
        order = self._order(epoch)
        draws = order + occurrences(order) * len(self._splits["train"])
        begin = start_batch * self.batch_size
        order, draws = order[begin:], draws[begin:]
        augmented = self.prepared.augmentation is not None
        if not augmented and self._fits("train", 4):
            return self._from_memory("train", order, self.batch_size)
        if augmented and self._maker.kept is None and self._fits("train", 1):
            self._maker.kept = self._gather("train")
        return self._made("train", order, self.batch_size, epoch, draws)

    def _order(self, epoch: int) -> NDArray[np.intp]:
        train = self._splits["train"]
        if self._sampling == "balanced":
            return balanced_order(self._seed, epoch, train.targets)
        return epoch_order(self._seed, epoch, len(train))

    def batches(self, split: SplitName, batch_size: int = 0) -> Iterator[Batch]:
        """Yield a split in order, not augmented; samples that cannot be read are left out."""
        size = batch_size or self.batch_size
        if self._fits(split, 4):
            return self._from_memory(split, np.arange(len(self._remembered(split).numbers)), size)
        return self._made(split, np.arange(len(self._splits[split])), size, None)

    def in_order(self, split: SplitName, size: int) -> Iterator[Batch]:
        """Yield a split in order, not augmented: each sample of training as training would see it.

        There, the next readable sample stands for one that cannot be read; elsewhere it is left
        out.
        """
        order = np.arange(len(self._splits[split]))
        if self._fits(split, 4):
            return self._from_memory(split, order[: len(self._remembered(split).numbers)], size)
        return self._made(split, order, size, 0 if split == "train" else None)

    def replace(
        self, split: SplitName, inputs: NDArray[Any] | Ragged, numbers: NDArray[np.int64]
    ) -> None:
        """Give other inputs in the batches of a split from now on, one for each of `in_order`.

        Args:
            numbers: of the samples that they were made of.
        """
        targets = _in_one(self._maker.targets(split, numbers))
        self._memory[split] = _Remembered(inputs, targets, numbers)
        self._replaced.add(split)

    def sample(self, split: SplitName, index: int) -> tuple[NDArray[Any], NDArray[Any], str, int]:
        """Return one sample: as the network gets it, as it was before scaling, name and class.

        Pictures of 16 bits come back with 8.

        Raises:
            UserError: it cannot be read.
        """
        samples = self._splits[split]
        shaped = self._maker.read(split, index)
        prepared = self.prepared.preprocessing.scale(shaped, self.prepared.fitted)
        picture = (shaped >> 8).astype(np.uint8) if shaped.dtype == np.uint16 else shaped
        return prepared, picture, samples.name(index), int(samples.targets[index])

    def close(self) -> None:
        """End the loading processes and let go of the memory."""
        for loader in self._processes.values():
            loader.close()
        self._processes.clear()
        self._memory.clear()
        self._replaced.clear()
        self._maker.kept = None

    def _fits(self, split: SplitName, item_bytes: int) -> bool:
        if split in self._replaced:
            return True
        values = self._sample_values
        return bool(values) and len(self._splits[split]) * values * item_bytes <= MEMORY_BYTES

    @property
    def _sample_values(self) -> float:
        """Values of a sample on average; 0 where that is not known."""
        kind = self.prepared.info.input
        tokens = 2 if kind.dtype == "int64" else 1  # twice the bytes
        if not kind.varies:
            return 0 if None in kind.shape else kind.size * tokens
        return float(self.prepared.fitted.get("mean_length", 0)) * kind.size * tokens

    def _from_memory(self, split: SplitName, order: NDArray[np.intp], size: int) -> Iterator[Batch]:
        memory = self._remembered(split)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            numbers, lengths = memory.numbers[rows], None
            if isinstance(memory.inputs, Ragged):
                inputs, lengths = self._maker.collated(memory.inputs.rows(rows))
            else:
                inputs = taken(memory.inputs, rows)
            if isinstance(memory.targets, Ragged):
                targets = self._maker.collated_targets(memory.targets.rows(rows), inputs)
            else:
                targets = taken(memory.targets, rows)
            yield Batch(inputs, targets, numbers, lengths)

    def _remembered(self, split: SplitName) -> _Remembered:
        if split not in self._memory:
            found = self._gather(split)
            targets = self._maker.targets(split, found.indices)
            inputs: NDArray[Any] | Ragged
            if self._maker.singly:
                rows = self._maker.scaled(found.shaped)
                inputs = (
                    Ragged.of(list(rows)) if self.prepared.info.input.varies else np.asarray(rows)
                )
            else:
                inputs = self._scaled_in_chunks(np.asarray(found.shaped))
            self._memory[split] = _Remembered(inputs, _in_one(targets), found.indices)
        return self._memory[split]

    def _scaled_in_chunks(self, shaped: NDArray[Any]) -> NDArray[np.float32]:
        sizes = (size or 0 for size in self.prepared.info.input.shape)
        inputs = np.empty((len(shaped), *sizes), np.float32)
        for start in range(0, len(inputs), CHUNK):
            part = slice(start, start + CHUNK)
            inputs[part] = self.prepared.preprocessing.scale(shaped[part], self.prepared.fitted)
        return inputs

    def _gather(self, split: SplitName) -> Gathered:
        """Read a whole split; decoding lets go of the interpreter, so threads share the work."""
        numbers = np.arange(len(self._splits[split]))
        chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
        parts: list[Gathered] = []
        with ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, 8))) as pool:
            gather = partial(self._maker.gather, split, fill=split == "train")
            for part in pool.map(gather, chunks):
                parts.append(part)
                self._note(part.bad)
                if self._on_progress is not None:
                    self._on_progress(min(len(parts) * CHUNK, len(numbers)), len(numbers))
        indices = np.concatenate([part.indices for part in parts])
        if self._maker.singly:
            return Gathered([row for part in parts for row in part.shaped], indices)
        return Gathered(np.concatenate([np.asarray(part.shaped) for part in parts]), indices)

    def _made(
        self,
        split: SplitName,
        order: NDArray[np.intp],
        size: int,
        epoch: int | None,
        draws: NDArray[np.intp] | None = None,
    ) -> Iterator[Batch]:
        parts = [slice(start, start + size) for start in range(0, len(order), size)]
        tasks = [
            Task(split, order[part], epoch, None if draws is None else draws[part])
            for part in parts
        ]
        loader = self._loader(epoch is not None)
        for made in loader.make(tasks) if loader else map(self._maker.make, tasks):
            self._note(made.bad)
            if len(made.inputs):
                yield Batch(made.inputs, made.targets, made.indices, made.lengths)

    def _loader(self, training: bool) -> Loader | None:
        """Training has processes of its own, for an evaluation may come in the midst of it."""
        processes = process_count(self._loaders)
        if processes and training not in self._processes:
            kind = self.prepared.info.input
            longest = self.prepared.fitted.get("longest", 1) if kind.varies else 1
            size = self.batch_size * kind.size * longest * np.dtype(kind.dtype).itemsize
            self._processes[training] = Loader(self._maker, processes, size)
        return self._processes.get(training)

    def _note(self, bad: Sequence[BadSample]) -> None:
        for sample in bad:
            if sample.name not in self._known_bad:
                self._known_bad.add(sample.name)
                if self._on_bad is not None:
                    self._on_bad(sample.name, sample.reason)


def _in_one(targets: Rows) -> NDArray[Any] | Ragged:
    return targets if isinstance(targets, np.ndarray) else Ragged.of(targets)


def taken(array: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
    """Return some rows, in memory aligned so that a framework takes it over without a copy."""
    found = aligned((len(rows), *array.shape[1:]), array.dtype)
    # Any mode but "raise" writes straight into `out`; the rows are known to be there.
    return np.take(array, rows, axis=0, out=found, mode="clip")
