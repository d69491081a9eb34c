"""What a frozen body gives for each sample: computed once, kept in files, found by content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from workbench.files import sync_folder
from workbench.plugin_api.data import SplitName
from workbench.worker.environment import versions
from workbench.worker.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.analysis.body import Parting
    from workbench.plugin_api.backend import Batch, Model
    from workbench.worker.assembly import Assembly
    from workbench.worker.batches import Feed

BATCH = 32
"""Samples that the body takes at once, whatever training does: its numbers may depend on it."""
MOST_BYTES = 8 * 2**30
"""Of all features that are kept; those not used for longest make room."""
SPARE_BYTES = 512 * 2**20
"""That are left free on the disk."""
UNFINISHED_SECONDS = 24 * 3600
"""After which a folder that nobody finished is thrown away."""


class Kept(NamedTuple):
    """The features of a split: one array, or samples of different lengths; and their numbers."""

    inputs: NDArray[np.float32] | Ragged
    numbers: NDArray[np.int64]
    longest: int
    size: int


class _Index(msgspec.Struct):
    """The content of index.json: shape of one sample, and the splits there are."""

    shape: tuple[int | None, ...]
    splits: list[SplitName]


class Stopped(Exception):
    """Somebody asked for a stop while the body ran."""


@dataclass(frozen=True)
class FeatureFolder:
    """A folder with a subfolder for each key; entries are complete, or not there."""

    path: Path

    def read(self, key: str) -> dict[SplitName, Kept] | None:
        """Return what is kept, mapped from the disk; None if it is not there or damaged."""
        folder = self.path / key
        try:
            index = msgspec.json.decode((folder / "index.json").read_bytes(), type=_Index)
            found = {split: _read(folder, split, index.shape) for split in index.splits}
            os.utime(folder)
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        return found

    def write(
        self, key: str, shape: tuple[int | None, ...], parts: Mapping[SplitName, Iterator[_Part]]
    ) -> None:
        """Keep features; whoever reads sees all of them or none.

        Raises:
            OSError: there is no room, or no right to write.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        partial = self.path / f".{key}.{secrets.token_hex(4)}.part"
        partial.mkdir()
        try:
            for split, rows in parts.items():
                _write(partial, split, rows, varies=shape[:1] == (None,))
            index = _Index(shape, list(parts))
            (partial / "index.json").write_bytes(msgspec.json.encode(index))
            if not (self.path / key / "index.json").exists():
                shutil.rmtree(self.path / key, ignore_errors=True)  # damaged
                partial.rename(self.path / key)
                sync_folder(self.path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def make_room(self, needed: int) -> bool:
        """Throw away what was not used for longest until there is room; False: there is none."""
        if needed > MOST_BYTES:
            return False
        entries = []
        for folder in self.path.iterdir() if self.path.is_dir() else ():
            with contextlib.suppress(OSError):
                used = folder.stat().st_mtime
                if folder.name.endswith(".part") and time.time() - used > UNFINISHED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
                elif folder.is_dir() and not folder.name.startswith("."):
                    size = sum(file.stat().st_size for file in folder.iterdir())
                    entries.append((used, size, folder))
        entries.sort(key=lambda entry: entry[0])
        total = sum(size for _, size, _ in entries)
        while entries and (total + needed > MOST_BYTES or not self._fits(needed)):
            _, size, folder = entries.pop(0)
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
        return self._fits(needed)

    def _fits(self, needed: int) -> bool:
        place = self.path
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free >= needed + SPARE_BYTES


class _Part(NamedTuple):
    """Features of some samples: one array, or one each; and the samples' numbers."""

    rows: NDArray[np.float32] | list[NDArray[np.float32]]
    numbers: NDArray[np.int64]


def key_of(assembly: Assembly, parting: Parting, weights: Mapping[str, NDArray[Any]]) -> str:
    """Return a name for all that decides what the body gives: code, weights, data, computer."""
    experiment, prepared = assembly.experiment, assembly.prepared
    training, data = experiment.training, experiment.data
    total = hashlib.sha256()
    described = (
        assembly.backend.generate(parting.body).source,
        [asset.sha256 for asset in experiment.assets],
        (assembly.backend.id, training.precision, training.device, training.channels_last),
        (training.threads, os.environ.get("OMP_NUM_THREADS", ""), versions()),
        (data.source, data.split, data.preprocessing, data.corrections),
        (prepared.fitted, prepared.info.fingerprint, prepared.info.input, prepared.info.counts),
    )
    total.update(msgspec.json.encode(described, order="deterministic"))
    for node in parting.body.nodes:
        for name in node.weights:
            total.update(f"{node.id}/{name}".encode())
            total.update(np.ascontiguousarray(weights[f"{node.id}/{name}"]).tobytes())
    return total.hexdigest()[:32]


def run_body(
    feed: Feed,
    split: SplitName,
    body: Model,
    between: Callable[[int], None],
    *,
    varies: bool,
) -> Iterator[_Part]:
    """Yield the features of a split in order.

    Args:
        between: called with the number of samples done; may raise to give up.
        varies: whether features differ in length. Samples of one length then go together, so
            that none is filled up and the features are as long as they really are.
    """
    for batch in feed.in_order(split, BATCH):
        assert batch.indices is not None
        rows = _by_length(body, batch) if varies else body.predict(batch.inputs, batch.lengths)
        yield _Part(rows, batch.indices)
        between(len(batch))


def _by_length(body: Model, batch: Batch) -> list[NDArray[np.float32]]:
    lengths = batch.lengths
    assert lengths is not None
    found: dict[int, NDArray[np.float32]] = {}
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        inputs = np.ascontiguousarray(batch.inputs[places, :length])
        found |= zip(places.tolist(), body.predict(inputs, lengths[places]), strict=True)
    return [found[place] for place in range(len(batch))]


def _write(folder: Path, split: SplitName, parts: Iterator[_Part], *, varies: bool) -> None:
    numbers: list[NDArray[np.int64]] = []
    lengths: list[int] = []
    with (folder / f"{split}.values").open("wb") as file:
        for rows, each in parts:
            for row in rows if varies else [rows]:
                file.write(np.ascontiguousarray(row, np.float32).data)
            if varies:
                lengths += [len(row) for row in rows]
            numbers.append(each)
        file.flush()
        os.fsync(file.fileno())
    np.save(folder / f"{split}.numbers.npy", np.concatenate(numbers))
    if varies:
        np.save(folder / f"{split}.lengths.npy", np.array(lengths, np.int64))


def _read(folder: Path, split: SplitName, shape: tuple[int | None, ...]) -> Kept:
    numbers = np.load(folder / f"{split}.numbers.npy")
    sizes = tuple(size or 1 for size in shape)
    path = folder / f"{split}.values"
    size = path.stat().st_size
    if shape[:1] != (None,):
        values = np.memmap(path, np.float32, "r", shape=(len(numbers), *sizes))
        return Kept(values, numbers, 0, size)
    lengths = np.load(folder / f"{split}.lengths.npy")
    values = np.memmap(path, np.float32, "r", shape=(int(lengths.sum()), *sizes[1:]))
    return Kept(Ragged(values, lengths), numbers, int(lengths.max()), size)
