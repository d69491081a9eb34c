"""Makes batches from samples, here or in processes that work ahead."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import IGNORED, raw_target
from workbench.worker.ragged import padded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples, SplitName
    from workbench.plugin_api.preprocessing import Augmentation, Preprocessing
    from workbench.plugin_api.tensors import TensorType

Rows: TypeAlias = "NDArray[Any] | Sequence[NDArray[Any]]"
"""Samples in one array, or each in its own."""
MOST_BAD = 100
"""So many unreadable samples in a row mean that the data are gone."""
PREFETCH = 2
"""Batches that each loading process works ahead."""


class Task(NamedTuple):
    """One batch to make; an epoch means training: augmented, and always full.

    `draws` are the numbers that augmentation is drawn by: a sample that comes twice in an epoch
    has two. None: the samples' own.
    """

    split: SplitName
    indices: NDArray[np.intp]
    epoch: int | None = None
    draws: NDArray[np.intp] | None = None


class BadSample(NamedTuple):
    """A sample that could not be read."""

    name: str
    reason: str


class Made(NamedTuple):
    """A batch that was made, or why it could not be."""

    inputs: Any
    targets: Any
    indices: Any
    lengths: Any = None
    bad: tuple[BadSample, ...] = ()
    error: UserError | None = None

    def converted(self, change: Callable[[Any], Any]) -> Made:
        """Return the same with other arrays."""
        inputs, targets, indices, lengths = (
            None if array is None else change(array)
            for array in (self.inputs, self.targets, self.indices, self.lengths)
        )
        return Made(inputs, targets, indices, lengths, self.bad)


class Gathered(NamedTuple):
    """Shaped samples, in one array where they make one, and their numbers in the split."""

    shaped: Rows
    indices: NDArray[np.int64]
    bad: tuple[BadSample, ...] = ()

    def taken(self, rows: NDArray[np.intp]) -> Gathered:
        """Return some of them."""
        if isinstance(self.shaped, np.ndarray):
            return Gathered(self.shaped[rows], self.indices[rows])
        return Gathered([self.shaped[row] for row in rows.tolist()], self.indices[rows])


@dataclass
class Maker:
    """Reads, shapes, augments and scales samples; picklable, and the same in every process.

    Attributes:
        kind: type of one prepared sample; what comes out otherwise counts as bad.
        target: type of one prepared target; None: a class number.
        kept: the training split, already gathered in memory.
        share: hand arrays over in shared memory.
    """

    splits: Mapping[SplitName, Samples]
    preprocessing: Preprocessing
    augmentation: Augmentation | None
    fitted: dict[str, Any]
    kind: TensorType
    target: TensorType | None
    seed: int
    kept: Gathered | None = None
    share: bool = False

    def __getitem__(self, task: Task) -> Made:
        """Make a batch; what a DataLoader calls in its processes."""
        try:
            made = self.make(task)
        except UserError as error:
            return Made(None, None, None, error=error)
        if not self.share:
            return made
        import torch

        return made.converted(torch.from_numpy)

    def make(self, task: Task) -> Made:
        """Make a batch; raises UserError when the data are gone."""
        if task.epoch is not None and self.kept is not None:
            found = self.kept.taken(task.indices)
        else:
            found = self.gather(task.split, task.indices, fill=task.epoch is not None)
        shaped = found.shaped
        if task.epoch is not None and self.augmentation is not None:
            draws = task.indices if task.draws is None else task.draws
            seeds = [(self.seed, task.epoch, draw) for draw in draws.tolist()]
            shaped = self._augmented(self.augmentation, shaped, seeds)
        inputs, lengths = self.collated(self.scaled(shaped))
        targets = self.targets(task.split, found.indices)
        if not isinstance(targets, np.ndarray):
            targets = self.collated_targets(targets, inputs)
        return Made(inputs, targets, found.indices, lengths, found.bad)

    def targets(self, split: SplitName, indices: NDArray[np.int64]) -> Rows:
        """Return prepared targets: in one array, or each in its own where they vary."""
        samples, kind = self.splits[split], self.target
        if kind is None:
            numbers: NDArray[np.int64] = samples.targets[indices]
            return numbers
        prepare, fitted = self.preprocessing.target, self.fitted
        rows = [prepare(raw_target(samples, index), fitted) for index in indices.tolist()]
        if kind.varies and rows:
            return rows
        shape = (len(rows), *(size or 0 for size in kind.shape))
        return np.asarray(rows, kind.dtype).reshape(shape)

    def collated_targets(self, rows: Sequence[NDArray[Any]], inputs: NDArray[Any]) -> NDArray[Any]:
        """Return targets of different lengths in one array, as long as that of the inputs."""
        return padded(rows, inputs.shape[1], IGNORED)[0]

    @property
    def singly(self) -> bool:
        """Whether samples are prepared one by one: they differ in length, or are texts."""
        return self.kind.varies or self.kind.dtype != "float32"

    def scaled(self, shaped: Rows) -> Rows:
        """Return prepared samples, in one array unless they are prepared singly."""
        if not self.singly:
            stack: NDArray[Any] = self.preprocessing.scale(np.asarray(shaped), self.fitted)
            return stack
        return [self.preprocessing.scale(one, self.fitted) for one in shaped]

    def collated(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Return prepared samples as one array, and their lengths where they differ."""
        if not len(rows):
            shape = (0, *(size or 0 for size in self.kind.shape))
            return np.empty(shape, self.kind.dtype), np.empty(0, np.int64)
        if self.kind.varies:
            return padded(list(rows))
        return np.asarray(rows), None

    def _augmented(
        self,
        augmentation: Augmentation,
        shaped: Rows,
        seeds: Sequence[Sequence[int]],
    ) -> Rows:
        if not self.singly:
            return augmentation.apply_batch(np.asarray(shaped), seeds)
        return [augmentation.apply(*pair) for pair in zip(shaped, seeds, strict=True)]

    def gather(self, split: SplitName, indices: NDArray[np.intp], *, fill: bool) -> Gathered:
        """Read and shape samples.

        Args:
            fill: take the next readable sample of the split for one that cannot be read, so that
                training batches keep their size and their number; else it is left out.
        """
        count = len(self.splits[split])
        tries = min(count, MOST_BAD) if fill else 1
        rows, kept, bad = [], [], []
        for wanted in indices.tolist():
            for index in ((wanted + offset) % count for offset in range(tries)):
                try:
                    rows.append(self.read(split, index))
                except UserError as error:
                    bad.append(BadSample(self.splits[split].name(index), error.message))
                else:
                    kept.append(index)
                    break
            else:
                if fill:
                    raise _gone(tries, bad[-1])
        shaped: Rows = rows
        if not self.singly:
            nothing = np.empty((0, *(size or 0 for size in self.kind.shape)), np.uint8)
            shaped = np.stack(rows) if rows else nothing
        return Gathered(shaped, np.array(kept, np.int64), tuple(bad))

    def read(self, split: SplitName, index: int) -> NDArray[Any]:
        """Return one shaped sample; raises UserError when it cannot be read or has another size."""
        samples = self.splits[split]
        shaped = self.preprocessing.shape(samples.read(index))
        wanted = self.preprocessing.shaped(self.kind).shape
        if self.kind.dtype == "float32" and not _fits(shaped.shape, wanted):
            raise UserError(f"{samples.name(index)} cannot be used: its size has changed.")
        return shaped


class Loader:
    """Processes that make batches ahead of time, in the order they are asked for."""

    def __init__(self, maker: Maker, processes: int, batch_bytes: int) -> None:
        import torch
        from torch.utils.data import DataLoader

        maker.share = _fits_shared_memory(batch_bytes * processes * (PREFETCH + 1))
        self._maker = maker
        self._tasks: list[Task] = []
        self._loader = DataLoader(
            maker,
            batch_size=None,
            sampler=_Order(self._tasks),
            num_workers=processes,
            prefetch_factor=PREFETCH,
            persistent_workers=True,
            collate_fn=_as_it_is,
            worker_init_fn=_start_process,
            multiprocessing_context="fork" if sys.platform == "linux" else None,
            # Without one of its own, every pass would draw from the generator of the training.
            generator=torch.Generator(),
        )

    def make(self, tasks: Sequence[Task]) -> Iterator[Made]:
        """Yield the batches of `tasks`; beginning anew drops what is left of the last call."""
        self._tasks[:] = tasks
        try:
            for made in self._begin():
                if made.error is not None:
                    raise made.error
                if self._maker.share:
                    made = made.converted(lambda tensor: tensor.numpy())
                yield made
        except (RuntimeError, OSError, EOFError) as error:  # the last two: its pipes are cut
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            raise UserError(
                "A process that loads samples ended unexpectedly, perhaps for lack of memory.",
                "Use a smaller batch or fewer loading processes, then resume.",
            ) from error

    def _begin(self) -> Iterator[Made]:
        # A DataLoader sets a handler that raises, wherever training happens to be, when a process
        # dies. Without it the next batch says so.
        has_signal = hasattr(signal, "SIGCHLD")
        handler = signal.getsignal(signal.SIGCHLD) if has_signal else None
        iterator: Iterator[Made] = iter(self._loader)
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCHLD, handler)
        return iterator

    def close(self) -> None:
        """End the processes."""
        iterator = self._loader._iterator
        if iterator is not None:
            iterator._shutdown_workers()
            self._loader._iterator = None


class _Order:
    """Lends a list that changes between passes to a DataLoader."""

    def __init__(self, tasks: list[Task]) -> None:
        self._tasks = tasks

    def __iter__(self) -> Iterator[Task]:
        return iter(tuple(self._tasks))

    def __len__(self) -> int:
        return len(self._tasks)


def process_count(wanted: int) -> int:
    """Return how many processes should load: as wanted, else all cores but one, 8 at most.

    On two cores a second process takes more from training than it adds.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(wanted or min(cores - 1, 8), cores) if cores > 1 else 0


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == found for found, size in zip(shape, wanted, strict=True)
    )


def _gone(tries: int, last: BadSample) -> UserError:
    return UserError(
        f"{tries} samples in a row can no longer be read; the last one: {last.reason}",
        "Make the data available again, then resume.",
    )


def _fits_shared_memory(needed: int) -> bool:
    """Containers often have 64 MB of it, and a process that takes more dies of a bus error."""
    if sys.platform != "linux":
        return True
    try:
        return shutil.disk_usage("/dev/shm").free > 2 * needed
    except OSError:
        return False


def _as_it_is(made: Made) -> Made:
    return made


def _start_process(_number: int) -> None:
    # A Ctrl-C or a cluster's SIGTERM goes to all processes; the worker decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
