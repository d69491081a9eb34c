"""Tells what sort of weights file something is, by its content, and opens it."""

from __future__ import annotations

import contextlib
import zipfile
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.worker.weights.file import MOST_ARRAYS, damaged, no_weights, too_many
from workbench.worker.weights.keras_file import MEMBER, open_h5, open_keras
from workbench.worker.weights.probing import probe
from workbench.worker.weights.safetensors_file import open_safetensors
from workbench.worker.weights.sharded import index_of, open_sharded
from workbench.worker.weights.torch_file import open_torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from workbench.worker.weights.file import WeightsFile

    Opener = Callable[[Path], AbstractContextManager[WeightsFile]]

HDF5 = b"\x89HDF\r\n\x1a\n"
_PICKLE = b"\x80"
_SUFFIXES: dict[str, Opener] = {
    ".safetensors": open_safetensors,
    ".pt": open_torch,
    ".pth": open_torch,
    ".ckpt": open_torch,
    ".keras": open_keras,
    ".h5": open_h5,
    ".hdf5": open_h5,
}


@contextlib.contextmanager
def open_weights(path: Path) -> Iterator[WeightsFile]:
    """Open a weights file of any format that is known here.

    Raises:
        UserError: it is not there, empty, damaged, not a weights file, or holds code.
    """
    path = _weights_in(path)
    index = index_of(path)
    with _opened(path) if index is None else open_sharded(index, _opened) as file:
        yield file


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[WeightsFile]:
    """Open one file."""
    opener = _opener(path)
    if opener in (open_h5, open_keras):
        probe(path)
    with opener(path) as file:
        if len(file.stored) > MOST_ARRAYS:
            raise too_many(path.name)
        if not file.stored:
            raise UserError(f"{path.name} holds no weights.", "Choose another file.")
        yield file


def refuse_stand_in(path: Path) -> None:
    """Raise a UserError for a small text that lies where a file of weights should be."""
    try:
        with path.open("rb") as stream:
            head = stream.read(512).lstrip().lower()
    except OSError:
        return
    if head.startswith(b"version https://git-lfs"):
        raise UserError(
            f"{path.name} is a pointer of Git LFS, not the file itself.",
            "Fetch it where it is from (git lfs pull), or download it there.",
        )
    if head.startswith((b"<!doctype html", b"<html")):
        raise UserError(
            f"{path.name} is a web page, not the file itself.",
            "Download it again by the link to the file.",
        )


def _weights_in(path: Path) -> Path:
    """Return the weights in a folder, where it holds one set of them; a file is itself."""
    if not path.is_dir() or (path / "saved_model.pb").is_file():
        return path
    found = (
        sorted(path.glob("*.index.json"))
        or sorted(path.glob("*.safetensors"))
        or sorted(each for each in path.iterdir() if each.suffix.lower() in (*_SUFFIXES, ".bin"))
    )
    if not found:
        raise UserError(
            f"{path} is a folder without weights or a network.",
            "Choose a file, or a folder that holds one.",
        )
    if len(found) > 1:
        names = ", ".join(each.name for each in found[:4])
        raise UserError(f"{path} holds several files of weights: {names}.", "Choose one of them.")
    return found[0]


def _opener(path: Path) -> Opener:
    refuse_stand_in(path)
    head, size = _head(path)
    if head.startswith(HDF5):
        return open_h5
    if head.startswith(b"PK"):
        return _zip_opener(path)
    if head.startswith(_PICKLE):
        return open_torch
    length = int.from_bytes(head[:8], "little")
    if len(head) > 8 and head[8:9] == b"{" and (8 + length <= size or _is_named(path)):
        return open_safetensors
    if path.suffix.lower() in _SUFFIXES and not _is_text(head):
        raise damaged(path.name, "its beginning is not that of such a file")
    raise no_weights(path.name)


def _is_named(path: Path) -> bool:
    return path.suffix.lower() == ".safetensors"


def _is_text(head: bytes) -> bool:
    return b"\0" not in head and head.isascii()


def _head(path: Path) -> tuple[bytes, int]:
    if (path / "saved_model.pb").is_file():
        raise UserError(
            f"{path.name} is a TensorFlow SavedModel, whose weights cannot be loaded here.",
            "Save them as .keras, .weights.h5 or safetensors, and load that file.",
        )
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is not an ordinary file.", "Choose another one.")
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
        size = path.stat().st_size
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.", "It may have been moved or renamed.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not size:
        raise UserError(f"{path.name} is empty.", "Copy or download it again.")
    return head, size


def _zip_opener(path: Path) -> Opener:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise damaged(path.name, error) from error
    if MEMBER in names:
        return open_keras
    if any(name.endswith("data.pkl") for name in names):
        return open_torch
    if path.suffix.lower() == ".pt2":
        raise UserError(
            f"{path.name} is a program, not a weights file.",
            "Export the weights as safetensors or as a PyTorch state dict.",
        )
    raise no_weights(path.name)
