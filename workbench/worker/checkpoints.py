"""Checkpoints: written beside and renamed into place, verified when read, pruned."""

from __future__ import annotations

import os
import shutil
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from safetensors.numpy import load, save

from workbench.errors import UserError
from workbench.files import sync_folder, unwritable, write_atomically
from workbench.plugin_api.backend import ModelState
from workbench.worker.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

WEIGHTS, OPTIMIZER, STATE = "weights.safetensors", "optimizer.safetensors", "state.json"
KEPT = 2
"""Newest checkpoints that are kept, besides the best."""


def checkpoint_name(step: int) -> str:
    """Return the name of the folder of a checkpoint."""
    return f"step-{step:06d}"


class _State(msgspec.Struct, kw_only=True):
    """The content of state.json; `sums` are CRC-32 of the other files."""

    version: int = 1
    progress: Progress
    model: dict[str, Any]
    sums: dict[str, int]


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on exactly.

    Attributes:
        weights: canonical, by "node/name".
        progress: of the training loop.
    """

    name: str
    weights: dict[str, NDArray[np.float32]]
    model: ModelState
    progress: Progress


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: the run's checkpoints folder; made when it is first needed.
        metadata: strings that go into the weights file ("experiment": its JSON).
    """

    def __init__(self, folder: Path, metadata: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._metadata = metadata or {}

    def names(self) -> list[str]:
        """Return the complete checkpoints, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.glob("step-*") if path.is_dir())

    def save(
        self,
        weights: dict[str, NDArray[np.float32]],
        model: ModelState,
        progress: Progress,
    ) -> str:
        """Write a checkpoint, remove those no longer needed, and return its name.

        Raises:
            UserError: the disk is full or the folder cannot be written to; what was there stays.
        """
        name = checkpoint_name(progress.step)
        content = {
            WEIGHTS: save(weights, self._metadata),
            OPTIMIZER: save(dict(model.arrays)),
        }
        sums = {file: zlib.crc32(data) for file, data in content.items()}
        state = _State(progress=progress, model=dict(model.values), sums=sums)
        try:
            self._folder.mkdir(exist_ok=True)
            if self._has(name, sums):
                # The same step again, after its evaluation or with another rate.
                write_atomically(self._folder / name / STATE, msgspec.json.encode(state))
            else:
                self._write(name, {**content, STATE: msgspec.json.encode(state)})
        except OSError as error:
            raise unwritable(self._folder / name, error) from error
        self._prune(name, progress.best_name)
        return name

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint that is not damaged."""
        for name in reversed(self.names()):
            try:
                return self.load(name)
            except UserError:
                continue
        return None

    def find(self, which: Literal["last", "best"]) -> Checkpoint:
        """Return the newest checkpoint, or the one with the best metric (the newest if none was).

        Raises:
            UserError: nothing was saved yet, or nothing of it can be read.
        """
        newest = self.newest()
        if newest is None and self.names():
            raise UserError(
                "No checkpoint of this run can be read.",
                "Restore its folder from a copy, or resume the run: it begins anew.",
            )
        if newest is None:
            raise UserError(
                "This run has no checkpoint yet.", "Let it train until it has saved one."
            )
        best = newest.progress.best_name
        return self.load(best) if which == "best" and best else newest

    def load(self, name: str) -> Checkpoint:
        """Read one checkpoint; raises UserError when it is gone or damaged."""
        folder = self._folder / name
        try:
            state = msgspec.json.decode((folder / STATE).read_bytes(), type=_State)
            content = {file: (folder / file).read_bytes() for file in (WEIGHTS, OPTIMIZER)}
            for file, data in content.items():
                if zlib.crc32(data) != state.sums[file]:
                    raise ValueError(f"{file} is not what was written")
            arrays = load(content[OPTIMIZER])
            weights = load(content[WEIGHTS])
        except Exception as error:
            raise UserError(
                f"The checkpoint {name} cannot be read: {error}.",
                "Resume the run: it goes on from the one before.",
            ) from error
        return Checkpoint(name, weights, ModelState(arrays, state.model), state.progress)

    def remove_after(self, step: int) -> None:
        """Remove what lies beyond a step: it could not be read, and its future is void."""
        for name in self.names():
            if int(name.removeprefix("step-")) > step:
                shutil.rmtree(self._folder / name, ignore_errors=True)

    def remove_leftovers(self) -> None:
        """Remove what a killed worker left half written."""
        if self._folder.is_dir():
            for partial in self._folder.glob(".step-*"):
                shutil.rmtree(partial, ignore_errors=True)

    def _has(self, name: str, sums: dict[str, int]) -> bool:
        try:
            state = msgspec.json.decode((self._folder / name / STATE).read_bytes(), type=_State)
        except (OSError, msgspec.DecodeError):
            return False
        return state.sums == sums

    def _write(self, name: str, content: dict[str, bytes]) -> None:
        partial, final = self._folder / f".{name}.part", self._folder / name
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            for file, data in content.items():
                with (partial / file).open("wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
            sync_folder(partial)
            if final.exists():
                old = self._folder / f".{name}.old"
                final.replace(old)
                partial.replace(final)
                shutil.rmtree(old, ignore_errors=True)
            else:
                partial.replace(final)
            sync_folder(self._folder)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def _prune(self, newest: str, best: str) -> None:
        older = [name for name in self.names() if name not in (newest, best)]
        for name in older[: len(older) - KEPT + 1]:
            shutil.rmtree(self._folder / name, ignore_errors=True)
