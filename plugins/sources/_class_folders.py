"""Folders of files, one subfolder a class: listed, checked and divided."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import BadFile
from workbench.plugin_api.samples import stratified_split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName

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

Listed = tuple[str, str, str]
"""Part of the data (empty: undivided), class, path below the folder."""


def list_files(root: Path, bad: list[BadFile]) -> list[Listed]:
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


def list_named_files(root: Path, bad: list[BadFile]) -> list[Listed]:
    """List the files of one folder whose names begin with their class, as in 7_jackson_32.wav.

    Folders in it are left alone.
    """
    found = [entry.name for entry in _entries(root, "", bad) if not entry.is_dir()]
    bad.extend(
        BadFile(name, "its name has no _ after a class") for name in found if _class_of(name) == ""
    )
    return [("", _class_of(name), name) for name in found if _class_of(name)]


def _class_of(name: str) -> str:
    return name.partition("_")[0] if "_" in name else ""


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


def open_root(folder: str, what: str, *, named: bool = False) -> Path:
    """Return the folder, which can be listed.

    Args:
        what: the files it should hold, in the plural: "pictures".
        named: their names begin with the class, instead of lying in its folder.

    Raises:
        UserError: none is chosen, there is none, or it cannot be read.
    """
    next_step = _choose(what, named=named)
    if not folder:
        raise UserError("No folder has been chosen.", next_step)
    root = Path(folder).expanduser()
    try:
        if not root.exists():
            raise UserError(f"There is no folder {root}.", next_step)
        if not root.is_dir():
            raise UserError(f"{root} is a file, not a folder.", next_step)
        os.listdir(root)
    except OSError as error:
        raise UserError(
            f"{root} cannot be read: {error.strerror}.",
            "Change the folder's rights, or choose another one.",
        ) from error
    return root


def check_classes(
    root: Path, classes: Sequence[str], bad: int, what: str, *, named: bool = False
) -> None:
    """Raise a UserError unless there are two classes at least; `bad` files could not be used."""
    if len(classes) > 1:
        return
    if classes:
        raise UserError(
            f"{root} holds one class only, “{classes[0]}”.",
            f"Add {what if named else f'a folder of {what}'} for each further class.",
        )
    next_step = _choose(what, named=named)
    if bad:
        none = f"None of the {bad} files" if bad > 1 else "Not the one file"
        raise UserError(f"{none} in {root} can be used.", next_step)
    raise UserError(f"{root} holds no {what}.", next_step)


def _choose(what: str, *, named: bool) -> str:
    if named:
        return f"Choose a folder of {what} whose names begin with the class and a _."
    return f"Choose a folder that holds one folder of {what} per class."


def divide(
    parts: Sequence[str], targets: NDArray[np.int64], split: Split
) -> dict[SplitName, NDArray[np.intp]]:
    """Keep the parts that the folder brings, and cut the others off its training part.

    Args:
        parts: of each file, empty where the folder is undivided.

    Returns:
        File numbers of each split that has any.
    """
    places = np.array([part or "train" for part in parts])
    brought = set(parts)
    wanted: list[SplitName] = [part for part in ("validation", "test") if part not in brought]
    training = np.flatnonzero(places == "train")
    chosen = {
        name: training[part]
        for name, part in stratified_split(targets[training], split, wanted).items()
    }
    for name in ("validation", "test"):
        if name in brought:
            chosen[name] = np.flatnonzero(places == name)
    return {name: part for name, part in chosen.items() if len(part)}
