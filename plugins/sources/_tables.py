"""Rows of tables with texts, found by their place in the file: a big file is never loaded whole.

Comma- or tab-separated values (RFC 4180) and JSON Lines.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LOOKED_AT = 2**20
"""Bytes at the start from which encoding, separator and columns are guessed."""
LONGEST_CELL = 2**24


@dataclass(frozen=True)
class Table:
    """How to read a file: picklable, and enough to read any of its rows.

    Attributes:
        columns: names in the order of the cells.
        separator: between cells; empty for JSON Lines.
        quoted: whether cells may stand in double quotes.
        start: where the first row begins, in bytes.
        first_line: line number of the first row.
        unit: what a row is counted in, "line" or "row".
        shown: name of the file that this one was made of, if it was.
    """

    path: str
    encoding: str
    separator: str
    columns: tuple[str, ...]
    quoted: bool = True
    start: int = 0
    first_line: int = 1
    unit: str = "line"
    shown: str = ""

    @property
    def name(self) -> str:
        """What a person knows the file by."""
        return self.shown or os.path.basename(self.path)

    def rows(self) -> Iterator[tuple[int, int, int, list[str] | str]]:
        """Yield start and size in bytes, line number, and the cells or why there are none."""
        csv.field_size_limit(LONGEST_CELL)
        with open(self.path, "rb") as file:
            file.seek(self.start)
            at, number = self.start, self.first_line
            for lines in self._records(file):
                size = sum(map(len, lines))
                if any(line.strip() for line in lines):
                    yield at, size, number, self._cells(lines)
                at, number = at + size, number + len(lines)

    def read(self, start: int, size: int) -> list[str]:
        """Return the cells of the row at this place.

        Raises:
            UserError: the file has changed or is gone.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(start)
                content = file.read(size)
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}.") from error
        cells = self._cells(content.splitlines(keepends=True))
        if isinstance(cells, str):
            raise UserError(f"{self.path} has changed: {cells}.")
        return cells

    def _records(self, file: Any) -> Iterator[list[bytes]]:
        """Yield the lines of each row; a quoted cell may go over several."""
        open_quote = False
        lines: list[bytes] = []
        for line in file:
            lines.append(line)
            if self.quoted and self.separator and line.count(b'"') % 2:
                open_quote = not open_quote
            if not open_quote or len(lines) > 10_000:
                yield lines
                lines, open_quote = [], False
        if lines:
            yield lines

    def _cells(self, lines: Sequence[bytes]) -> list[str] | str:
        try:
            text = b"".join(lines).decode(self.encoding)
        except UnicodeDecodeError as error:
            return f"byte {error.start + 1} is not valid {self.encoding}"
        if not self.separator:
            return self._json_cells(text)
        cells = _split(text, self.separator, self.quoted)
        if isinstance(cells, list) and len(cells) < len(self.columns):
            return f"it has {len(cells)} cells, not {len(self.columns)}"
        return cells

    def _json_cells(self, text: str) -> list[str] | str:
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return f"it is not JSON ({error})"
        if not isinstance(found, dict):
            return "it is not a JSON object"
        cells = [found.get(name) for name in self.columns]
        return ["" if cell is None else str(cell) for cell in cells]


class TextsInTable:
    """Texts of one split, read when they are wanted; subclasses add what is to be learned of them.

    Args:
        column: of the cells that hold the texts.
        places: start and size in bytes, and line, of each row: rows × 3.
    """

    def __init__(self, table: Table, column: int, places: NDArray[np.int64]) -> None:
        self._table = table
        self._column = column
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, index: int) -> NDArray[Any]:
        """Return one text, a NumPy string without axes; raises UserError."""
        start, size, _ = self._places[index].tolist()
        return np.array(self._table.read(start, size)[self._column])

    def name(self, index: int) -> str:
        """Return the line at which the row begins, or the number of the row."""
        return f"{self._table.unit} {self._places[index, 2]}"

    @property
    def targets(self) -> NDArray[np.int64]:
        """Zeros: no text has one class."""
        return np.zeros(len(self), np.int64)


def look_at(path: Path, encoding: str = "") -> tuple[Table, list[list[str]]]:
    """Guess how a file is to be read; return that, and its first rows.

    Args:
        encoding: if it is known; else UTF-8 where that fits, or Windows-1252.

    Raises:
        UserError: it cannot be read, or is no table.
    """
    try:
        with path.open("rb") as file:
            head = file.read(LOOKED_AT)
            whole = len(head) < LOOKED_AT
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", "Choose a file.") from error
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        raise UserError(
            f"{path.name} is not text of an encoding that can be read (perhaps UTF-16).",
            "Save it as UTF-8.",
        )
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    if not whole:
        head = head[: head.rfind(b"\n") + 1] or head
    encoding = encoding or _encoding(head)
    lines = head[start:].decode(encoding, errors="replace").splitlines(keepends=True)
    if not any(line.strip() for line in lines):
        raise UserError(f"{path.name} is empty.", "Choose another file.")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        table = Table(str(path), encoding, "", _json_columns(path, lines[0]), start=start)
    else:
        table = _separated(path, encoding, start, lines)
    first = [cells for *_, cells in _some(table)]
    if not first:
        raise UserError(f"{path.name} has no row that can be read.", "Choose another file.")
    return table, first


def _some(table: Table, most: int = 500) -> Iterator[tuple[int, int, int, list[str]]]:
    for count, (start, size, line, cells) in enumerate(table.rows()):
        if count == most:
            return
        if isinstance(cells, list):
            yield start, size, line, cells


def _encoding(head: bytes) -> str:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A few damaged rows do not make it another encoding: they are listed.
        broken = head[error.start : error.start + 1]
        valid = len(head.decode("utf-8", errors="ignore").encode())
        if len(head) - valid <= 1 + len(head) // 10_000 and len(head) > 10_000 and broken:
            return "utf-8"
        return "cp1252" if not set(head) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
    return "utf-8"


def _json_columns(path: Path, line: str) -> tuple[str, ...]:
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise UserError(f"{path.name}, line 1 is not JSON ({error}).") from error
    if not isinstance(found, dict) or not found:
        raise UserError(f"{path.name}, line 1 is not a JSON object.", "Choose another file.")
    return tuple(found)


def _separated(path: Path, encoding: str, start: int, lines: list[str]) -> Table:
    counts = {sign: lines[0].count(sign) for sign in "\t;,|"}
    separator = max(counts, key=lambda sign: counts[sign])
    if not counts[separator]:
        raise UserError(
            f"{path.name} has one column only; a text and its class are needed.",
            "Choose a file with columns parted by commas or tabs.",
        )
    # Tab-separated files mostly have no quotes, and then a lone one is part of the text.
    quoted = separator != "\t" or any('\t"' in f"\t{line}" and '""' in line for line in lines)
    names = _split(lines[0], separator, quoted)
    if isinstance(names, str):
        raise UserError(f"{path.name}, line 1: {names}.", "Choose another file.")
    if _is_header(names, lines[1:50], separator, quoted):
        size = len(lines[0].encode(encoding, errors="replace"))
        return Table(str(path), encoding, separator, tuple(names), quoted, start + size, 2)
    numbered = tuple(str(number) for number in range(1, len(names) + 1))
    return Table(str(path), encoding, separator, numbered, quoted, start, 1)


def _is_header(names: list[str], lines: list[str], separator: str, quoted: bool) -> bool:
    """Tell names from a first row: all differ, are short, and none stands again in its column."""
    short = all(0 < len(name.strip()) <= 40 and not _is_number(name) for name in names)
    if not short or len(set(names)) < len(names):
        return False
    rows = [cells for line in lines if isinstance(cells := _split(line, separator, quoted), list)]
    return not any(name == cell for row in rows for name, cell in zip(names, row, strict=False))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _split(text: str, separator: str, quoted: bool) -> list[str] | str:
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
        return next(reader, [])
    except csv.Error as error:
        return str(error)
