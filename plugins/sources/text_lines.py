"""Texts one a line, in one file a class."""

from __future__ import annotations

import codecs
import os
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from plugins.sources._class_folders import SPLIT_FOLDERS, check_classes, divide, open_root
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.texts import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from workbench.document.experiment import Split

WHAT = "text files"


class TextLines(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of any size: only the places of their lines are kept in memory."""

    id: ClassVar[str] = "text_lines"
    title: ClassVar[str] = "Text files with one text a line"
    help: ClassVar[str] = (
        "One file for each class, named as the class; or train, validation and test subfolders "
        "that hold such files."
    )
    kind: ClassVar[Kind] = "texts"

    folder: Annotated[
        str, param("Folder", "Holds one file per class; it is only read", path="folder")
    ] = ""

    def open(self, split: Split) -> Opened:
        """Go through the files once and note where their lines are; empty lines are passed by."""
        root = open_root(self.folder, WHAT)
        bad: list[BadFile] = []
        files = list(_files(root, bad))
        found = [_lines(root, path, bad) for _, path in files]
        labels = [Path(path).stem for _, path in files]
        usable = [number for number, (starts, *_) in enumerate(found) if len(starts)]
        classes = tuple(sorted({labels[number] for number in usable}))
        check_classes(root, classes, len(bad), WHAT)
        places = [
            np.stack([np.full(len(starts), number), starts, sizes, lines])
            for number, (starts, sizes, lines) in enumerate(found)
        ]
        rows = np.concatenate(places, axis=1)
        numbers = np.array([classes.index(label) if label in classes else 0 for label in labels])
        targets = numbers[rows[0]]
        parts = divide([files[number][0] for number in rows[0].tolist()], targets, split)
        return Opened(
            splits={
                name: LineSamples(
                    str(root), [path for _, path in files], rows[:, part], targets[part]
                )
                for name, part in parts.items()
            },
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(*(_state(root, path) for _, path in files)),
        )


class LineSamples:
    """Texts of one split, read from their files when they are wanted.

    Args:
        rows: number of the file, start and size in bytes, and line number of each text.
    """

    def __init__(
        self, root: str, paths: list[str], rows: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> None:
        self._root = root
        self._paths = paths
        self._rows = rows
        self._targets = targets

    def __len__(self) -> int:
        return len(self._targets)

    def read(self, index: int) -> NDArray[Any]:
        """Return one text, a NumPy string without axes; raises UserError."""
        number, start, size, _ = self._rows[:, index].tolist()
        path = os.path.join(self._root, self._paths[number])
        try:
            with open(path, "rb") as file:
                file.seek(start)
                return np.array(decoded(file.read(size)).strip())
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(f"{path} cannot be used: {words}.") from error

    def name(self, index: int) -> str:
        """Return the file and the line."""
        number, *_, line = self._rows[:, index].tolist()
        return f"{self._paths[number]}, line {line}"

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all texts."""
        return self._targets


def _files(root: Path, bad: list[BadFile]) -> Iterator[tuple[str, str]]:
    """Yield the part of the data (empty: undivided) and the path of each file."""
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    parts = {path: SPLIT_FOLDERS.get(path.name.lower(), "") for path in folders}
    is_divided = "train" in parts.values()
    for path in sorted(root.iterdir()):
        if path.name.startswith("."):
            continue
        if is_divided and parts.get(path):
            for inner in sorted(path.iterdir()):
                if inner.is_file() and not inner.name.startswith("."):
                    yield parts[path], f"{path.name}/{inner.name}"
        elif path.is_dir() or is_divided:
            bad.append(BadFile(path.name, "it is no file of a class"))
        else:
            yield "", path.name


def _lines(
    root: Path, path: str, bad: list[BadFile]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return start and size in bytes, and line number of each line that holds something."""
    starts, sizes, lines = array("q"), array("q"), array("q")
    try:
        with open(root / path, "rb") as file:
            head = file.read(4096)
            at = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
            if b"\0" in head:
                raise ValueError("it is not text of an encoding that can be read")
            file.seek(at)
            for number, line in enumerate(file, 1):
                if line.strip():
                    starts.append(at)
                    sizes.append(len(line))
                    lines.append(number)
                at += len(line)
        if not lines:
            raise ValueError("it is empty")
    except (OSError, ValueError) as error:
        bad.append(BadFile(path, getattr(error, "strerror", "") or str(error)))
    return (
        np.array(starts, np.int64),
        np.array(sizes, np.int64),
        np.array(lines, np.int64),
    )


def _state(root: Path, path: str) -> bytes:
    status = (root / path).stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}".encode()
