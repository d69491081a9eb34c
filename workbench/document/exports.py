"""Finds the experiment that an exported file carries, without a framework.

| file | where the experiment lies |
|---|---|
| safetensors | metadata "experiment" |
| .pt, .pt2, .keras, .tflite | a member of the zip, at its end for .tflite, called experiment.json |
| .weights.h5 | attribute "experiment" of the file |
| SavedModel folder | assets.extra/experiment.json |
| .onnx | property "experiment" of the model |
| .py | one of these beside the script, of the same name |
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import IO, TYPE_CHECKING

import msgspec
from safetensors import SafetensorError, safe_open

from workbench.document.files import FORMAT, LARGEST, load, loads
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workbench.document.experiment import Experiment

MEMBER = "experiment.json"
SUFFIXES = (
    ".safetensors",
    ".pt",
    ".pt2",
    ".keras",
    ".h5",
    ".onnx",
    ".tflite",
    ".pb",
    ".py",
)
"""Of exports; what exactly a file is, its content tells."""
_BESIDE = (".safetensors", ".weights.h5", ".keras", ".pt")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_SECONDS = 60
_HDF5_SCRIPT = """
import sys
import h5py
with h5py.File(sys.argv[1], "r") as file:
    text = file.attrs.get("experiment", b"")
sys.stdout.buffer.write(text if isinstance(text, bytes) else str(text).encode())
"""
_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
"""Fields of ONNX' ModelProto and StringStringEntryProto."""


def open_experiment(path: Path) -> Experiment:
    """Read an experiment file, or the experiment out of an export.

    Raises:
        UserError: it cannot be read, or carries no experiment.
    """
    return experiment_in(path) if is_export(path) else load(path)


def is_export(path: Path) -> bool:
    """Whether this is an export, by its ending, to be looked into; experiments end in .json."""
    try:
        return (path / "saved_model.pb").is_file() or (
            path.suffix.lower() in SUFFIXES and path.is_file()
        )
    except (OSError, ValueError):
        return False


def experiment_in(path: Path) -> Experiment:
    """Return the experiment that an export carries; one without a name is called as the file.

    Raises:
        UserError: the file cannot be read, or carries none.
    """
    try:
        found = _found(path)
    except (OSError, SafetensorError, zipfile.BadZipFile, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{path.name} cannot be read: {str(reason).rstrip('.')}.",
            "Copy or export it again.",
        ) from error
    if not found or FORMAT.encode() not in found:
        raise UserError(
            f"{path.name} carries no experiment.",
            "Files that were exported from here carry one; of others, load the weights.",
        )
    experiment = loads(found, f"The experiment in {path.name}")
    if experiment.name in ("", "Untitled"):
        return msgspec.structs.replace(experiment, name=path.name.split(".")[0])
    return experiment


def _found(path: Path) -> bytes:
    """Return the bytes of the experiment; none if the file has no place for one, or it is empty."""
    if path.is_dir():
        carried = path / "assets.extra" / MEMBER
        return _bounded(carried.open("rb")) if carried.is_file() else b""
    with path.open("rb") as stream:
        head = stream.read(16)
    if not head and path.suffix.lower() != ".py":
        raise ValueError("it is empty")
    if head.startswith(_HDF5):
        return _in_hdf5(path)
    if zipfile.is_zipfile(path):
        return _in_zip(path)
    if head.startswith(b"PK"):
        raise ValueError("it is cut off")
    if head[8:9] == b"{":
        with safe_open(path, "np") as file:
            text: str = (file.metadata() or {}).get("experiment", "")
            return text.encode()
    if path.suffix.lower() == ".pb":
        return _found(path.parent)
    if path.suffix.lower() == ".py":
        return _beside(path)
    if path.suffix.lower() != ".onnx":
        return b""
    with path.open("rb") as stream:
        return _in_onnx(stream, path.stat().st_size)


def _bounded(stream: IO[bytes]) -> bytes:
    with stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError("its experiment is too large")
    return content


def _in_zip(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.split("/")[-1] == MEMBER:
                    return _bounded(archive.open(name))
    except Exception as error:  # decompressors raise their own kinds on damaged files
        raise ValueError(str(error) or type(error).__name__) from error
    return b""


def _in_hdf5(path: Path) -> bytes:
    """Ask a process of its own: HDF5 is read by a library that the window does without."""
    command = [sys.executable, "-I", "-c", _HDF5_SCRIPT, str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_HDF5_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"it took longer than {_HDF5_SECONDS} s") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError(
            (lines or ["its reader ended without a word"])[-1].removeprefix("OSError: ")
        )
    return done.stdout


def _beside(script: Path) -> bytes:
    for suffix in _BESIDE:
        path = script.with_suffix(suffix)
        if path.is_file() and (found := _found(path)):
            return found
    return b""


def _in_onnx(stream: IO[bytes], size: int) -> bytes:
    """Walk the fields of a ModelProto, leaping over the graph; a protocol buffer has no index."""
    for field, length in _fields(stream, size):
        if field == _METADATA_PROPS and length <= LARGEST:
            end = stream.tell() + length
            parts = {number: stream.read(count) for number, count in _fields(stream, end)}
            if parts.get(_KEY) == b"experiment":
                return parts.get(_VALUE, b"")
            stream.seek(end)
        else:
            stream.seek(length, 1)
    return b""


def _fields(stream: IO[bytes], end: int) -> Iterator[tuple[int, int]]:
    """Yield number and length of each field of bytes; the caller moves past its content."""
    while stream.tell() < end:
        tag = _varint(stream)
        kind = tag & 7
        if kind == 2:
            length = _varint(stream)
            if stream.tell() + length > end:
                return
            yield tag >> 3, length
        elif kind == 0:
            _varint(stream)
        elif kind in (1, 5):
            stream.seek(8 if kind == 1 else 4, 1)
        else:
            return  # no protocol buffer


def _varint(stream: IO[bytes]) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise EOFError("it ends in the middle")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("it is no protocol buffer")
