"""Rows of a table held in memory: columns of numbers or categories, and what is to be learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from plugins.sources import _parquet
from plugins.sources._columns import in_order, listed, named_column
from plugins.sources._tables import look_at
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened
from workbench.plugin_api.table_rows import NOTHING, cell_number
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.document.experiment import Split

Learn = Literal["auto", "number", "class", "labels"]
MOST_CATEGORIES = 100
"""A column with more different words is left out, unless it is to be learned."""
MOST_CLASSES = 1000
MOST_BAD = 1000
FEW_NUMBERS = 20
"""Whole numbers of which there are no more different ones than this count as classes."""


@dataclass(frozen=True)
class Cells:
    """A file's columns as they stand in it.

    Attributes:
        lines: number of each row's line, or of the row.
        unit: which of the two, "line" or "row".
        columns: one list a column, one text a row.
    """

    name: str
    unit: str
    names: tuple[str, ...]
    lines: list[int]
    columns: list[list[str]]
    bad: list[BadFile]


class TableRows:
    """Rows of one split.

    Args:
        values: of all rows; `chosen`: those of this split.
        columns: see workbench.plugin_api.table_rows.
        targets: class numbers of all rows, or rows × numbers.
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        columns: list[dict[str, Any]],
        targets: NDArray[Any],
        *,
        names: Sequence[str],
        chosen: NDArray[np.intp],
        class_counts: tuple[int, ...] = (),
    ) -> None:
        self._values = values
        self._targets = targets
        self._names = names
        self._chosen = chosen
        self.columns = columns
        self.class_counts = class_counts

    def __len__(self) -> int:
        return len(self._chosen)

    def read(self, index: int) -> NDArray[Any]:
        """Return the cells of one row, float64."""
        found: NDArray[Any] = self._values[self._chosen[index]]
        return found

    def target(self, index: int) -> NDArray[Any]:
        """Return the number of the class, or the numbers to learn, float32."""
        found: NDArray[Any] = self._targets[self._chosen[index]]
        return found

    def name(self, index: int) -> str:
        """Return the line or the row."""
        return self._names[self._chosen[index]]

    def in_words(self, index: int) -> str:
        """Return "age 59, sex male, bmi 32.1"."""
        parts = []
        for column, value in zip(self.columns, self.read(index).tolist(), strict=True):
            text = "–" if np.isnan(value) else f"{value:g}"
            if column["categories"] and not np.isnan(value):
                text = column["categories"][int(value)]
            parts.append(f"{column['name']} {text}")
        return ", ".join(parts)

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Columns, once a row."""
        return np.full((len(self), 1), len(self.columns), np.int64)

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all rows; zeros where something else is to be learned."""
        if self._targets.ndim > 1:
            return np.zeros(len(self), np.int64)
        found: NDArray[np.int64] = self._targets[self._chosen]
        return found


def read_cells(path: Path) -> Cells:
    """Read a CSV, TSV, JSON Lines or Parquet file whole.

    Raises:
        UserError: it cannot be read, or holds no rows.
    """
    if path.suffix.lower() in _parquet.SUFFIXES:
        names, rows = _parquet.all_rows(path)
        columns = [[row[at] for row in rows] for at in range(len(names))]
        return Cells(path.name, "row", names, list(range(1, len(rows) + 1)), columns, [])
    table, _ = look_at(path)
    lines: list[int] = []
    bad: list[BadFile] = []
    columns = [[] for _ in table.columns]
    for _, _, line, cells in table.rows():
        if isinstance(cells, str):
            bad.append(BadFile(f"{table.name}, {table.unit} {line}", cells))
            continue
        lines.append(line)
        for column, cell in zip(columns, cells, strict=False):
            column.append(cell.strip())
    names = tuple(name.strip() for name in table.columns)
    return Cells(table.name, table.unit, names, lines, columns, bad)


def open_rows(
    cells: Cells, learn: Learn, targets: Sequence[str], left_out: Sequence[str], split: Split
) -> Opened:
    """Say what is to be learned of which columns, and divide the rows.

    Args:
        targets: columns to learn; none: the last one.
        left_out: columns that are not used.

    Raises:
        UserError: there is no such column, or nothing that can be learned.
    """
    names = cells.names
    wanted = [named_column(names, each, cells.name) for each in targets] or [len(names) - 1]
    unused = {named_column(names, each, cells.name) for each in left_out}
    kind = _kind(cells, wanted) if learn == "auto" else learn
    given = [at for at in range(len(names)) if at not in unused and at not in wanted]
    warnings: list[str] = []
    columns, values = _inputs(cells, given, warnings)
    if not columns:
        raise UserError(
            f"{cells.name} has no column to learn from.", "Choose fewer columns to learn."
        )
    bad = list(cells.bad)
    if kind == "class":
        found, classes = _classes(cells, wanted[0], bad)
    else:
        found, classes = _numbers(cells, wanted, bad), ()
        if kind == "labels":
            classes = tuple(names[at] for at in wanted)
            _check_labels(cells.name, found)
    known = np.flatnonzero(found >= 0 if kind == "class" else np.isfinite(found).all(axis=1))
    if len(known) < 2:
        raise UserError(
            f"No row of {cells.name} has what is to be learned.", "Choose other columns to learn."
        )
    strata = found[known] if kind == "class" else np.zeros(len(known), np.int64)
    row_names = [f"{cells.unit} {line}" for line in cells.lines]
    shape = TensorType((len(wanted),), ("features",))

    def part(chosen: NDArray[np.intp]) -> TableRows:
        rows = known[chosen]
        counts = tuple(found[rows].sum(axis=0).astype(int).tolist()) if kind == "labels" else ()
        return TableRows(values, columns, found, names=row_names, chosen=rows, class_counts=counts)

    return Opened(
        splits={n: part(rows) for n, rows in stratified_split(strata, split).items() if len(rows)},
        classes=classes,
        target=None if kind == "class" else shape,
        quantities=tuple(names[at] for at in wanted) if kind == "number" else (),
        bad_files=tuple(bad[:MOST_BAD]),
        warnings=tuple(warnings),
        fingerprint=fingerprint(values.tobytes(), found.tobytes(), repr(columns).encode()),
    )


def _kind(cells: Cells, wanted: Sequence[int]) -> Learn:
    """Tell from the columns what they hold."""
    sets = [{cell for cell in cells.columns[at] if cell.lower() not in NOTHING} for at in wanted]
    if not all(_is_number(cell) for found in sets for cell in found):
        return "class"
    if len(wanted) > 1:
        return "labels" if all({float(c) for c in found} <= {0, 1} for found in sets) else "number"
    whole = all(float(cell).is_integer() for cell in sets[0])
    return "class" if whole and len(sets[0]) <= FEW_NUMBERS else "number"


def _inputs(
    cells: Cells, given: Sequence[int], warnings: list[str]
) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """Return columns and their cells as numbers; what cannot be used is left out and said."""
    columns: list[dict[str, Any]] = []
    values: list[NDArray[np.float64]] = []
    for at in given:
        words = Counter(cell for cell in cells.columns[at] if cell.lower() not in NOTHING)
        categories = [] if all(map(_is_number, words)) else sorted(words, key=in_order)
        if not words or len(categories) > MOST_CATEGORIES:
            what = f"{len(categories)} different words" if words else "nothing"
            warnings.append(f"Column “{cells.names[at]}” holds {what}, so it is left out.")
            continue
        column = {"name": cells.names[at], "categories": categories}
        columns.append(column)
        values.append(_column(cells, at, column))
    count = len(cells.lines)
    return columns, np.stack(values, axis=1) if values else np.empty((count, 0))


def _column(cells: Cells, at: int, column: dict[str, Any]) -> NDArray[np.float64]:
    if column["categories"]:
        numbers = {word: float(n) for n, word in enumerate(column["categories"])}
        return np.array([numbers.get(cell, np.nan) for cell in cells.columns[at]])
    return np.array([cell_number(cell, column) for cell in cells.columns[at]])


def _numbers(cells: Cells, wanted: Sequence[int], bad: list[BadFile]) -> NDArray[np.float32]:
    """Return rows × numbers to learn; NaN, and a place among `bad`, where a cell is none."""
    found = np.full((len(cells.lines), len(wanted)), np.nan, np.float32)
    for number, at in enumerate(wanted):
        column = {"name": cells.names[at], "categories": []}
        for row, cell in enumerate(cells.columns[at]):
            try:
                found[row, number] = cell_number(cell, column)
                reason = "" if np.isfinite(found[row, number]) else f"no “{column['name']}”"
            except ValueError as error:
                reason = str(error)
            if reason:
                bad.append(BadFile(f"{cells.name}, {cells.unit} {cells.lines[row]}", reason))
    return found


def _classes(
    cells: Cells, at: int, bad: list[BadFile]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return class numbers, −1 where there is no class, and the classes."""
    column = cells.columns[at]
    classes = tuple(sorted({c for c in column if c.lower() not in NOTHING}, key=in_order))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise UserError(
            f"Column “{cells.names[at]}” of {cells.name} holds {len(classes)} different values, "
            "so it does not hold classes.",
            f"Learn it as a number, or choose another column; there are {listed(cells.names)}.",
        )
    numbers = {label: number for number, label in enumerate(classes)}
    found = np.array([numbers.get(cell, -1) for cell in column], np.int64)
    for row in np.flatnonzero(found < 0).tolist():
        bad.append(BadFile(f"{cells.name}, {cells.unit} {cells.lines[row]}", "it has no class"))
    return found, classes


def _check_labels(name: str, found: NDArray[np.float32]) -> None:
    if found.shape[1] < 2 or not np.isin(found[np.isfinite(found)], (0, 1)).all():
        raise UserError(
            f"The columns to learn of {name} are not several columns of 0 and 1.",
            "Name all columns of classes, or learn them as numbers.",
        )


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
