"""A folder of pictures, one subfolder a class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api import pictures
from workbench.plugin_api.data import BadFile
from workbench.plugin_api.parameters import param
from workbench.plugin_api.picture_files import PictureFile, look_at
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.picture_files import Kind

SPLIT_FOLDERS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""Names of subfolders that divide the data, in lower case."""
LEFTOVERS = ("thumbs.db", "desktop.ini")
"""What file browsers leave behind; nobody wants to read of them."""


class ImageFolder(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures of any size and mode; the folder is only read."""

    id: ClassVar[str] = "image_folder"
    title: ClassVar[str] = "A folder of pictures"
    help: ClassVar[str] = (
        "One subfolder for each class, named as the class; or train, validation and test "
        "subfolders that hold the class folders."
    )

    folder: Annotated[
        str, param("Folder", "Holds one folder per class; it is only read", path="folder")
    ] = ""

    def open(self, split: Split) -> Opened:
        """List the folder, check the files, and divide what can be used."""
        root = self._root()
        bad: list[BadFile] = []
        listed = _list(root, bad)
        files = look_at(root, [path for _, _, path in listed])
        bad += [BadFile(file.path, file.reason) for file in files if file.reason]
        usable = [
            (part, label, file)
            for (part, label, _), file in zip(listed, files, strict=True)
            if not file.reason
        ]
        classes = tuple(sorted({label for _, label, _ in usable}))
        _check_classes(root, classes, len(bad))
        empty = sorted({label for _, label, _ in listed} - set(classes))
        bad += [BadFile(label, "no picture of this class can be used") for label in empty]
        return Opened(
            splits=_divide(root, usable, classes, split),
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(
                *(f"{file.path} {file.size} {file.modified}".encode() for _, _, file in usable)
            ),
        )

    def _root(self) -> Path:
        if not self.folder:
            raise UserError("No folder has been chosen.", _NEXT_STEP)
        root = Path(self.folder).expanduser()
        try:
            if not root.exists():
                raise UserError(f"There is no folder {root}.", _NEXT_STEP)
            if not root.is_dir():
                raise UserError(f"{root} is a file, not a folder.", _NEXT_STEP)
            os.listdir(root)
        except OSError as error:
            raise UserError(
                f"{root} cannot be read: {error.strerror}.",
                "Change the folder's rights, or choose another one.",
            ) from error
        return root


class FolderSamples:
    """Pictures of one split, read from their files when they are wanted."""

    def __init__(
        self, root: Path, files: Sequence[PictureFile], targets: NDArray[np.int64], kind: Kind
    ) -> None:
        self._root = str(root)
        self._paths = [file.path for file in files]
        self._kind = kind
        self._targets = targets
        channels = 3 if kind == "colour" else 1
        self._shapes = np.array([(file.height, file.width, channels) for file in files], np.int64)

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, index: int) -> NDArray[Any]:
        """Return a picture with the channels and the dtype that all pictures here have."""
        picture = pictures.read_picture(os.path.join(self._root, self._paths[index]))
        if picture.dtype == np.uint16 and self._kind != "grey16":
            picture = np.rint(picture / 257).astype(np.uint8)
        elif picture.dtype == np.uint8 and self._kind == "grey16":
            picture = picture.astype(np.uint16) * 257
        return pictures.with_channels(picture, 3 if self._kind == "colour" else 1)

    def name(self, index: int) -> str:
        """Return the path below the folder."""
        return self._paths[index]

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all pictures."""
        return self._targets

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Height, width and channels of every picture as `read` returns it."""
        return self._shapes


Listed = tuple[str, str, str]
"""Part of the data (empty: undivided), class, path below the folder."""


def _list(root: Path, bad: list[BadFile]) -> list[Listed]:
    """List the files of all class folders, in a fixed order."""
    top = _entries(root, "", bad)
    folders = [entry for entry in top if entry.is_dir()]
    parts = {entry.name: SPLIT_FOLDERS.get(entry.name.lower(), "") for entry in folders}
    divided = bool(parts) and all(parts.values()) and "train" in parts.values()
    if not divided:
        return _list_classes("", "", top, bad)
    bad.extend(_outside("", top))
    return [
        listed
        for entry in folders
        for listed in _list_classes(
            parts[entry.name], f"{entry.name}/", _entries(Path(entry.path), entry.name, bad), bad
        )
    ]


def _list_classes(
    part: str, prefix: str, entries: Sequence[os.DirEntry[str]], bad: list[BadFile]
) -> list[Listed]:
    bad.extend(_outside(prefix, entries))
    return [
        (part, entry.name, path)
        for entry in entries
        if entry.is_dir()
        for path in _files(Path(entry.path), f"{prefix}{entry.name}", bad, set())
    ]


def _files(
    folder: Path, prefix: str, bad: list[BadFile], seen: set[tuple[int, int]]
) -> Iterator[str]:
    """Yield all files below a class folder; links are followed, but never round in a circle."""
    status = folder.stat()
    place = (status.st_dev, status.st_ino)
    if place in seen:
        return
    for entry in _entries(folder, prefix, bad):
        path = f"{prefix}/{entry.name}"
        if entry.is_dir():
            yield from _files(Path(entry.path), path, bad, seen | {place})
        else:
            yield path


def _entries(folder: Path, name: str, bad: list[BadFile]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = [
                entry
                for entry in found
                if not entry.name.startswith(".") and entry.name.lower() not in LEFTOVERS
            ]
    except OSError as error:
        bad.append(BadFile(name, f"the folder cannot be read: {error.strerror}"))
        return []
    unreadable = [entry for entry in entries if not _is_text(entry.name)]
    for entry in unreadable:
        shown = os.fsencode(entry.name).decode(errors="replace")
        bad.append(BadFile(f"{name}/{shown}".lstrip("/"), "its name is not valid text (UTF-8)"))
    return sorted(set(entries) - set(unreadable), key=lambda entry: entry.name)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _outside(prefix: str, entries: Sequence[os.DirEntry[str]]) -> list[BadFile]:
    return [
        BadFile(f"{prefix}{entry.name}", "it lies outside the class folders")
        for entry in entries
        if not entry.is_dir()
    ]


def _check_classes(root: Path, classes: tuple[str, ...], bad: int) -> None:
    if len(classes) > 1:
        return
    if classes:
        raise UserError(
            f"{root} holds one class only, “{classes[0]}”.",
            "Add a folder of pictures for each further class.",
        )
    if bad:
        none = f"None of the {bad} files" if bad > 1 else "Not the one file"
        raise UserError(f"{none} in {root} can be used.", _NEXT_STEP)
    raise UserError(f"{root} holds no pictures.", _NEXT_STEP)


def _divide(
    root: Path,
    usable: Sequence[tuple[str, str, PictureFile]],
    classes: tuple[str, ...],
    split: Split,
) -> dict[SplitName, FolderSamples]:
    """Keep the parts that the folder brings, and cut the others off its training part."""
    numbers = {label: number for number, label in enumerate(classes)}
    files = [file for _, _, file in usable]
    targets = np.array([numbers[label] for _, label, _ in usable], np.int64)
    places = np.array([part or "train" for part, _, _ in usable])
    brought = {part for part, _, _ in usable}
    wanted: list[SplitName] = [part for part in ("validation", "test") if part not in brought]
    training = np.flatnonzero(places == "train")
    chosen = {
        name: training[part]
        for name, part in stratified_split(targets[training], split, wanted).items()
    }
    for name in ("validation", "test"):
        if name in brought:
            chosen[name] = np.flatnonzero(places == name)
    kind = _common_kind(files)
    return {
        name: FolderSamples(root, [files[n] for n in part.tolist()], targets[part], kind)
        for name, part in chosen.items()
        if len(part)
    }


def _common_kind(files: Sequence[PictureFile]) -> Kind:
    """Return what all pictures are read as: colour if any is, 16-bit grey only if all are."""
    kinds = {file.kind for file in files}
    if "colour" in kinds:
        return "colour"
    return "grey16" if kinds == {"grey16"} else "grey"


_NEXT_STEP = "Choose a folder that holds one folder of pictures per class."
