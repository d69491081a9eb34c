"""A folder of text files, one subfolder a class."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from plugins.sources._class_folders import check_classes, divide, list_files, open_root
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split


class TextFolder(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Text files of any common encoding, each one sample; the folder is only read."""

    id: ClassVar[str] = "text_folder"
    title: ClassVar[str] = "A folder of text files"
    help: ClassVar[str] = (
        "One subfolder for each class, named as the class; or train, validation and test "
        "subfolders that hold the class folders."
    )
    kind: ClassVar[Kind] = "texts"

    lasting_names: ClassVar[bool] = True

    folder: Annotated[
        str, param("Folder", "Holds one folder per class; it is only read", path="folder")
    ] = ""

    def open(self, split: Split) -> Opened:
        """List the folder; empty files and such that are no text are left out."""
        root = open_root(self.folder, "texts")
        bad: list[BadFile] = []
        usable = []
        for part, label, path in list_files(root, bad):
            try:
                with open(root / path, "rb") as file:
                    start = file.read(4096)
            except OSError as error:
                bad.append(BadFile(path, error.strerror or "it cannot be read"))
                continue
            reason = _unusable(start)
            if reason:
                bad.append(BadFile(path, reason))
            else:
                usable.append((part, label, path))
        classes = tuple(sorted({label for _, label, _ in usable}))
        check_classes(root, classes, len(bad), "texts")
        targets = np.array([classes.index(label) for _, label, _ in usable], np.int64)
        paths = [path for *_, path in usable]
        parts = divide([part for part, *_ in usable], targets, split)
        return Opened(
            splits={
                name: TextFileSamples(str(root), [paths[n] for n in part.tolist()], targets[part])
                for name, part in parts.items()
            },
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(*(_state(root / path) for path in paths)),
        )


class TextFileSamples:
    """Texts of one split, read from their files when they are wanted."""

    def __init__(self, root: str, paths: Sequence[str], targets: NDArray[np.int64]) -> None:
        self._root = root
        self._paths = paths
        self._targets = targets

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, index: int) -> NDArray[Any]:
        """Return one text, a NumPy string without axes; raises UserError."""
        path = os.path.join(self._root, self._paths[index])
        try:
            return np.array(read_text(path))
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(f"{path} cannot be used: {words}.") from error

    def name(self, index: int) -> str:
        """Return the path below the folder."""
        return self._paths[index]

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all texts."""
        return self._targets


def _unusable(start: bytes) -> str:
    if not start.strip():
        return "it is empty"
    marked = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "it is not a text file" if b"\0" in start and not marked else ""


def _state(path: os.PathLike[str]) -> bytes:
    status = os.stat(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}".encode()
