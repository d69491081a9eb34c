"""A text to continue: one file, or a folder of text files, of any size."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.texts import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName

PIECE_BYTES, SMALLEST_PIECE, PIECES = 2**13, 64, 200
"""A text is read in pieces of about this size, each a sample until it is cut into windows; a short
one in smaller pieces, so that there are some to divide."""
SUFFIXES = (".txt", ".md", ".rst", ".tex", ".text", ".log", ".html", ".py", ".c", ".csv", ".json")
PARTS: dict[str, SplitName] = {"train": "train", "validation": "validation", "test": "test"}


class TextFile(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first part is for training, the next for validation, the last for the test."""

    id: ClassVar[str] = "text_file"
    title: ClassVar[str] = "A text to continue"
    help: ClassVar[str] = (
        "One text file, or a folder of them, to learn what comes next. Its first part is for "
        "training, the last for the test; files called train, validation and test are taken so."
    )
    kind: ClassVar[Kind] = "texts"
    correctable: ClassVar[bool] = False
    preparation: ClassVar[str] = "text_stream"

    file: Annotated[str, param("File", "A text file; it is only read", path="file")] = ""
    folder: Annotated[
        str, param("Or a folder", "Of text files, read in the order of their names", path="folder")
    ] = ""

    def open(self, split: Split) -> Opened:
        """Find the places where the text can be parted; reads it once."""
        bad: list[BadFile] = []
        root, names = self._files()
        pieces: dict[str, Pieces] = {}
        total = sum((root / name).stat().st_size for name in names)
        size = min(max(total // PIECES, SMALLEST_PIECE), PIECE_BYTES)
        for name in names:
            try:
                found = Pieces(str(root), name, np.array(list(_cuts(root / name, size)), np.int64))
            except (OSError, ValueError) as error:
                bad.append(BadFile(name, getattr(error, "strerror", "") or str(error)))
                continue
            pieces[name] = found
        if not pieces:
            reason = f"{bad[0].path} cannot be used: {bad[0].reason}." if bad else ""
            raise UserError(
                reason or f"There is no text file in {root}.",
                "Choose a text file, or another folder.",
            )
        states = ((root / name).stat() for name in pieces)
        known = [f"{n} {s.st_size} {s.st_mtime_ns}" for n, s in zip(pieces, states, strict=True)]
        return Opened(
            splits=divided(pieces, split),
            classes=(),
            bad_files=tuple(bad),
            fingerprint=fingerprint(*(text.encode() for text in known)),
        )

    def _files(self) -> tuple[Path, list[str]]:
        if self.file:
            path = Path(self.file).expanduser()
            if not path.is_file():
                raise UserError(f"{path} is not there.", "Choose a text file.")
            return path.parent, [path.name]
        if not self.folder:
            raise UserError("No text has been chosen.", "Choose a text file or a folder of them.")
        root = Path(self.folder).expanduser()
        if not root.is_dir():
            raise UserError(f"{root} is no folder.", "Choose a folder of text files.")
        found = []
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            found += [
                os.path.relpath(os.path.join(folder, name), root)
                for name in sorted(names)
                if name.lower().endswith(SUFFIXES) and not name.startswith(".")
            ]
        return root, found


class Pieces:
    """Pieces of one file, read when they are wanted.

    Args:
        cuts: where pieces begin and end, in bytes; one more than there are pieces.
    """

    def __init__(self, root: str, name: str, cuts: NDArray[np.int64]) -> None:
        self._root = root
        self._name = name
        self._cuts = cuts

    def __len__(self) -> int:
        return len(self._cuts) - 1

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return int(self._cuts[-1] - self._cuts[0])

    def part(self, start: int, end: int) -> Pieces:
        """Return the pieces that begin between two places."""
        first, last = np.searchsorted(self._cuts[:-1], (start, end))
        return Pieces(self._root, self._name, self._cuts[first : last + 1])

    def read(self, index: int) -> NDArray[Any]:
        """Return the text of a piece, a NumPy string without axes; raises UserError."""
        start, end = self._cuts[index : index + 2].tolist()
        try:
            with open(os.path.join(self._root, self._name), "rb") as file:
                file.seek(start)
                return np.array(decoded(file.read(end - start)))
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(f"{self._name} cannot be read: {words}.") from error

    def name(self, index: int) -> str:
        """Return the file and where in it the piece begins."""
        return f"{self._name}, from byte {self._cuts[index]}"


class TextPieces:
    """The pieces of one split, of several files."""

    def __init__(self, parts: Sequence[Pieces]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def read(self, index: int) -> NDArray[Any]:
        """Return the text of a piece; raises UserError."""
        part, number = self._place(index)
        return part.read(number)

    def name(self, index: int) -> str:
        """Return the file and where in it the piece begins."""
        part, number = self._place(index)
        return part.name(number)

    @property
    def targets(self) -> NDArray[np.int64]:
        """Zeros: there are no classes."""
        return np.zeros(len(self), np.int64)

    def _place(self, index: int) -> tuple[Pieces, int]:
        number = int(np.searchsorted(self._ends, index, side="right"))
        return self._parts[number], index - (int(self._ends[number - 1]) if number else 0)


def divided(pieces: dict[str, Pieces], split: Split) -> dict[SplitName, TextPieces]:
    """Divide by names where files are called train, validation and test, else by position."""
    named = {name: PARTS.get(Path(name).stem.lower()) for name in pieces}
    found: dict[SplitName, list[Pieces]] = {"train": [], "validation": [], "test": []}
    if "train" in named.values() and all(named.values()):
        for name, part in named.items():
            if part is not None:
                found[part].append(pieces[name])
    else:
        total = sum(each.size for each in pieces.values())
        ends = np.array((1 - split.validation - split.test, 1 - split.test, 1.0)) * total
        before = 0
        for each in pieces.values():
            start = 0
            for name, end in zip(found, ends, strict=True):
                stop = each.size if name == "test" else max(int(end) - before, start)
                part = each.part(start, stop)
                start = max(start, stop)
                if len(part):
                    found[name].append(part)
            before += each.size
    return {name: TextPieces(parts) for name, parts in found.items() if parts}


def _cuts(path: Path, size: int) -> Iterator[int]:
    """Yield where a file can be cut: after an end of line, else a space, else a character.

    Args:
        size: of a piece, about.

    Raises:
        ValueError: it is empty, or no text.
    """
    with open(path, "rb") as file:
        place, rest = 0, b""
        while block := file.read(size):
            if b"\0" in block:
                raise ValueError("it is not a text file of 8 bits")
            if not place and not rest:
                yield 0
            rest += block
            at = max(rest.rfind(b"\n"), -1)
            if at < 0 and len(rest) > 4 * size:
                at = rest.rfind(b" ")
                at = at if at >= 0 else _character(rest) - 1
            if at >= 0:
                place += at + 1
                rest = rest[at + 1 :]
                yield place
        if rest:
            yield place + len(rest)
        elif not place:
            raise ValueError("it is empty")


def _character(content: bytes) -> int:
    """Return where the last character of UTF-8 begins."""
    at = len(content) - 1
    while at > 0 and content[at] & 0xC0 == 0x80:
        at -= 1
    return at or len(content)
