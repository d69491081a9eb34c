"""Texts in a table with numbers to learn: only the places of the rows and the numbers are kept."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plugins.sources import _parquet
from plugins.sources._columns import guessed_columns, named_column, names_in
from plugins.sources._left_out import LeftOut
from plugins.sources._tables import TextsInTable
from workbench.errors import UserError
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugins.sources._tables import Table
    from workbench.document.experiment import Split
    from workbench.plugin_api.data import BadFile


class NumberedSamples(TextsInTable):
    """Texts of one split, read from the file when they are wanted.

    Args:
        numbers: rows × quantities, float32.
    """

    def __init__(
        self, table: Table, column: int, places: NDArray[np.int64], numbers: NDArray[np.float32]
    ) -> None:
        super().__init__(table, column, places)
        self._to_learn = numbers

    def target(self, index: int) -> NDArray[np.float32]:
        """Return the numbers of one text."""
        found: NDArray[np.float32] = self._to_learn[index]
        return found


def open_numbered(
    table: Table, first: Sequence[Sequence[str]], text: str, numbers: str, split: Split
) -> Opened:
    """Go through a table once; rows without a text or a number are listed.

    Args:
        text, numbers: columns as a person named them; empty: guessed.

    Raises:
        UserError: there is no such column, or no row that can be used.
    """
    names, name = table.columns, table.name
    wanted = [named_column(names, each, name) for each in names_in(numbers)]
    at = named_column(names, text, name) if text else None
    at, guessed = guessed_columns(names, first, at, wanted[0] if wanted else None, name)
    wanted = wanted or [guessed]
    quantities = tuple(names[each] for each in wanted)
    path = Path(table.path)
    status = path.stat()
    if path.suffix.lower() in _parquet.SUFFIXES:
        table, at = _parquet.with_columns(table, at, *wanted), 0
        wanted = list(range(1, len(table.columns)))
    places, found, bad = _listed(table, at, wanted)
    parts = stratified_split(np.zeros(len(places), np.int64), split)
    return Opened(
        splits={
            part: NumberedSamples(table, at, places[rows], found[rows])
            for part, rows in parts.items()
            if len(rows)
        },
        classes=(),
        target=TensorType((len(wanted),), ("features",)),
        quantities=quantities,
        bad_files=tuple(bad),
        fingerprint=fingerprint(
            f"{name} {status.st_size} {status.st_mtime_ns} {at} {quantities}".encode()
        ),
    )


def _listed(
    table: Table, text: int, wanted: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[BadFile]]:
    places, numbers = array("q"), array("f")
    left_out = LeftOut(table.name)
    for start, size, line, cells in table.rows():
        found = cells if isinstance(cells, str) else _numbers(cells, text, wanted)
        if isinstance(found, str):
            left_out.add(f"{table.name}, {table.unit} {line}", found)
            continue
        places.extend((start, size, line))
        numbers.extend(found)
    bad = left_out.listed
    if not places:
        reason = f" ({bad[0].reason})" if bad else ""
        raise UserError(
            f"None of the {left_out.count} rows of {table.name} can be used{reason}.",
            "Choose other columns, or learn a class.",
        )
    shape = (-1, len(wanted))
    return (
        np.array(places, np.int64).reshape(-1, 3),
        np.array(numbers, np.float32).reshape(shape),
        bad,
    )


def _numbers(cells: Sequence[str], text: int, wanted: Sequence[int]) -> list[float] | str:
    """Return the numbers of a row, or why it cannot be used."""
    if not cells[text].strip():
        return "its text is empty"
    found = []
    for at in wanted:
        try:
            value = float(cells[at])
        except ValueError:
            return f"“{cells[at][:40]}” is not a number"
        if not np.isfinite(value):
            return f"“{cells[at][:40]}” is not a finite number"
        found.append(value)
    return found
