"""Labelled texts in a table: CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.sources import _parquet
from plugins.sources._columns import guessed_columns, in_order, listed, named_column
from plugins.sources._left_out import LeftOut
from plugins.sources._numbered_table import open_numbered
from plugins.sources._tables import look_at
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugins.sources._tables import Table
    from workbench.document.experiment import Split

MOST_CLASSES = 1000


class TextTable(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of any size: only the places of its rows are kept in memory."""

    id: ClassVar[str] = "text_table"
    title: ClassVar[str] = "Texts in a CSV, TSV, JSONL or Parquet file"
    help: ClassVar[str] = "One text and its class a row; the columns are found, or named by you."
    kind: ClassVar[Kind] = "texts"

    file: Annotated[
        str, param("File", "CSV, TSV, JSONL or Parquet; it is only read", path="file")
    ] = ""
    text_column: Annotated[
        str, param("Text column", "Name, or number from 1; empty: the one with the longest texts")
    ] = ""
    label_column: Annotated[
        str, param("Class column", "Name, or number from 1; empty: the one with the fewest values")
    ] = ""
    learn: Annotated[
        Literal["class", "numbers"],
        param(
            "Learn",
            "The class column as a class, or as a number; several number columns may be named, "
            "parted by commas",
        ),
    ] = "class"
    encoding: Annotated[
        Literal["auto", "utf-8", "cp1252", "latin-1"],
        param("Encoding", "Auto: UTF-8 if the file is, else Windows-1252", advanced=True),
    ] = "auto"

    def open(self, split: Split) -> Opened:
        """Go through the file once and note where its rows are."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a CSV, TSV, JSONL or Parquet file.")
        path = Path(self.file).expanduser()
        is_parquet = path.suffix.lower() in _parquet.SUFFIXES
        if is_parquet:
            table, first = _parquet.look_at(path)
        else:
            table, first = look_at(path, "" if self.encoding == "auto" else self.encoding)
        names, name = table.columns, table.name
        if self.learn == "numbers":
            return open_numbered(table, first, self.text_column, self.label_column, split)
        label = named_column(names, self.label_column, name) if self.label_column else None
        text = named_column(names, self.text_column, name) if self.text_column else None
        text, label = guessed_columns(names, first, text, label, name)
        chosen = (
            f"{table.columns[text]} {table.columns[label]}" if is_parquet else f"{text} {label}"
        )
        if is_parquet:
            table, text, label = _parquet.with_columns(table, text, label), 0, 1
        index = _index(table, text, label)
        status = path.stat()
        return Opened(
            splits={
                name: TableSamples(table, index, text, part)
                for name, part in stratified_split(index.targets, split).items()
                if len(part)
            },
            classes=index.classes,
            bad_files=tuple(index.bad),
            fingerprint=fingerprint(
                f"{path.name} {status.st_size} {status.st_mtime_ns} {chosen}".encode()
            ),
        )


class _Index:
    """Where the usable rows of a file are, and their classes."""

    def __init__(self) -> None:
        self.classes: tuple[str, ...] = ()
        self.bad: list[BadFile] = []
        self.starts: NDArray[np.int64] = np.empty(0, np.int64)
        self.sizes: NDArray[np.int32] = np.empty(0, np.int32)
        self.lines: NDArray[np.int64] = np.empty(0, np.int64)
        self.targets: NDArray[np.int64] = np.empty(0, np.int64)


class TableSamples:
    """Texts of one split, read from the file when they are wanted."""

    def __init__(self, table: Table, index: _Index, column: int, chosen: NDArray[np.intp]) -> None:
        self._table = table
        self._column = column
        self._starts, self._sizes = index.starts[chosen], index.sizes[chosen]
        self._lines, self._targets = index.lines[chosen], index.targets[chosen]

    def __len__(self) -> int:
        return len(self._targets)

    def read(self, index: int) -> NDArray[Any]:
        """Return one text, a NumPy string without axes; raises UserError."""
        cells = self._table.read(int(self._starts[index]), int(self._sizes[index]))
        return np.array(cells[self._column])

    def name(self, index: int) -> str:
        """Return the line at which the row begins, or the number of the row."""
        return f"{self._table.unit} {self._lines[index]}"

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all texts."""
        return self._targets


def _index(table: Table, text: int, label: int) -> _Index:
    found = _Index()
    starts, sizes, lines, targets = array("q"), array("i"), array("q"), array("q")
    numbers: dict[str, int] = {}
    name = table.name
    left_out = LeftOut(name)
    for start, size, line, cells in table.rows():
        reason = cells if isinstance(cells, str) else _unusable(cells, text, label)
        if reason:
            left_out.add(f"{name}, {table.unit} {line}", reason)
            continue
        starts.append(start)
        sizes.append(size)
        lines.append(line)
        targets.append(numbers.setdefault(cells[label].strip(), len(numbers)))
        if len(numbers) > MOST_CLASSES:
            raise UserError(
                f"Column “{table.columns[label]}” of {name} has more than {MOST_CLASSES} "
                "different values, so it does not hold classes.",
                f"Choose the class column; there are {listed(table.columns)}.",
            )
    found.bad = left_out.listed
    _check_classes(name, table.columns[label], list(numbers), left_out.count)
    found.classes = tuple(sorted(numbers, key=in_order))
    places = np.empty(len(numbers), np.int64)
    for place, label_text in enumerate(found.classes):
        places[numbers[label_text]] = place
    found.starts, found.sizes = np.array(starts), np.array(sizes)
    found.lines, found.targets = np.array(lines), places[np.array(targets)]
    return found


def _unusable(cells: list[str], text: int, label: int) -> str:
    if not cells[text].strip():
        return "its text is empty"
    return "" if cells[label].strip() else "it has no class"


def _check_classes(name: str, column: str, classes: list[str], left_out: int) -> None:
    if len(classes) > 1:
        return
    if not classes:
        raise UserError(
            f"None of the {left_out} rows of {name} can be used.", "Choose other columns."
        )
    raise UserError(
        f"Column “{column}” of {name} holds one class only, “{classes[0]}”.",
        "Choose another class column, or data with at least two classes.",
    )
