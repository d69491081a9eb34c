"""Finds out which picture files can be used, quickly the second time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import msgspec
import PIL
from PIL import Image

from workbench import preferences
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.plugin_api import pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

DECODE_BYTES = 64 * 2**20
"""Up to this size of all files together every one is decoded; beyond, headers and ends are read."""

Kind = Literal["grey", "grey16", "colour"]


class PictureFile(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one file.

    Attributes:
        path: relative to the folder, with forward slashes.
        height, width: as `pictures.decode` gives them, in pixels.
        reason: why it cannot be used; empty: it can.
        decoded: looked at to the last pixel.
    """

    path: str
    size: int
    modified: int
    height: int = 0
    width: int = 0
    kind: Kind = "colour"
    reason: str = ""
    decoded: bool = False


def look_at(folder: Path, paths: Sequence[str]) -> list[PictureFile]:
    """Return what is known of each file, from the cache where size and time are the same.

    How thoroughly files are checked depends on the files alone, never on the cache, so that a
    resumed run finds what the first one found. Nothing is written to `folder`.
    """
    stats = [_stat(folder, path) for path in paths]
    thorough = sum(file.size for file in stats) <= DECODE_BYTES
    known = _load(folder)
    result = [_cached(known.get(file.path), file, thorough) for file in stats]
    missing = [index for index, file in enumerate(result) if file is None]
    # One filter around the whole pool: catch_warnings inside a thread would undo another's.
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        found = pool.map(
            lambda index: _inspect(folder, stats[index], thorough), missing, chunksize=64
        )
        for index, file in zip(missing, found, strict=True):
            result[index] = file
    files = [file for file in result if file is not None]
    if missing or len(known) != len(files):
        _save(folder, files)
    return files


def _stat(folder: Path, path: str) -> PictureFile:
    try:
        status = (folder / path).stat()
    except OSError as error:
        return PictureFile(path, 0, 0, reason=pictures.reason(error))
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        return PictureFile(path, 0, 0, reason="it is not a regular file")
    if not os.access(folder / path, os.R_OK):  # rights change without the file's time changing
        return PictureFile(path, 0, 0, reason=pictures.reason(PermissionError()))
    return PictureFile(path, status.st_size, status.st_mtime_ns)


def _cached(known: PictureFile | None, now: PictureFile, thorough: bool) -> PictureFile | None:
    if now.reason:
        return now
    same = known is not None and (known.size, known.modified) == (now.size, now.modified)
    # What was wrong may have been outside the file: too little memory, a decoder not installed.
    return known if same and known and not known.reason and known.decoded >= thorough else None


def _inspect(folder: Path, file: PictureFile, thorough: bool) -> PictureFile:
    path = str(folder / file.path)
    if not file.size:
        return msgspec.structs.replace(file, reason="the file is empty")
    try:
        header = None if thorough else _header(path, file)
        if header is not None:
            return header
        array = pictures.decode(path)
    except Exception as error:  # decoders fail on damaged files with every sort of exception
        return msgspec.structs.replace(file, reason=pictures.reason(error))
    height, width, channels = array.shape
    grey: Kind = "grey16" if array.dtype.itemsize == 2 else "grey"
    return msgspec.structs.replace(
        file,
        height=height,
        width=width,
        kind=grey if channels == 1 else "colour",
        decoded=True,
    )


def _header(path: str, file: PictureFile) -> PictureFile | None:
    """Judge a file by its header and its end; None when only decoding can tell."""
    with Image.open(path) as image:
        if image.format not in _ENDS or not _is_whole(path, image.format, file.size):
            return None
        width, height = image.size
        # PNG's getexif decodes the picture; what stands before the pixels is already in info.
        if "exif" in image.info and image.getexif().get(0x0112, 1) >= 5:
            width, height = height, width
        grey = image.mode in ("1", "L", "LA")
        wide = image.mode in ("I", "F") or image.mode.startswith("I;16")
    kind: Kind = "grey16" if wide else "grey" if grey else "colour"
    return msgspec.structs.replace(file, height=height, width=width, kind=kind)


_ENDS = {
    "JPEG": b"\xff\xd9",
    "MPO": b"\xff\xd9",
    "PNG": b"IEND\xaeB`\x82",
    "GIF": b";",
    "WEBP": b"",
}
"""Formats whose truncation shows without decoding, and how a whole file ends."""


def _is_whole(path: str, picture_format: str, size: int) -> bool:
    with open(path, "rb") as file:
        if picture_format == "WEBP":
            return int.from_bytes(file.read(8)[4:], "little") + 8 <= size
        ending = _ENDS[picture_format]
        file.seek(size - len(ending))
        return file.read() == ending


class _Cache(msgspec.Struct):
    version: str
    files: list[PictureFile]


def _version() -> str:
    return f"1 {PIL.__version__}"


def _cache_path(folder: Path) -> Path:
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    return preferences.config_folder() / "cache" / f"pictures-{key}.msgpack"


def _load(folder: Path) -> dict[str, PictureFile]:
    try:
        cache = msgspec.msgpack.decode(_cache_path(folder).read_bytes(), type=_Cache)
    except (OSError, msgspec.DecodeError):
        return {}
    return {file.path: file for file in cache.files} if cache.version == _version() else {}


def _save(folder: Path, files: Iterable[PictureFile]) -> None:
    """Keep what was found; without a place to keep it, the next look takes longer."""
    path = _cache_path(folder)
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        content = msgspec.msgpack.encode(_Cache(_version(), list(files)))
        write_atomically(path, content, durable=False)
