"""Tables of time series opened: which columns, what is odd about them, and the cuts in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api import time_table
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened
from workbench.plugin_api.timelines import TimelineInfo, Timelines, TimelineSamples, divided

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName

LOOKED_AT = 200
"""Rows from which columns are guessed."""
TIME_NAMES = (
    "time", "date", "datetime", "timestamp", "ds", "year", "month", "week", "day", "period",
)  # fmt: skip
NONE = ("none", "-")
"""Words for "there is no such column"."""


def open_timelines(path: Path, recipe: dict[str, Any], split: Split) -> Opened:
    """Read a table once and cut its series in time: training, then validation, then test.

    Args:
        recipe: as `time_table.read_time_table` takes it, with "channels" and "exogenous" too.

    Raises:
        UserError: it cannot be read, with the line.
    """
    try:
        table = time_table.read_time_table(str(path), recipe)
        status = path.stat()
    except ImportError as error:
        raise UserError(f"{path.name} needs pyarrow to be read.", "pip install pyarrow") from error
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", "") or str(error)
        raise UserError(f"{path.name} cannot be used: {words}.", _hint(words)) from error
    info = TimelineInfo(
        channels=tuple(recipe["channels"]),
        exogenous=tuple(recipe["exogenous"]),
        ahead=tuple(recipe["ahead"]),
        series=tuple(table["names"]),
        unit=table["unit"],
        size=table["size"],
        dated=recipe["dated"],
    )
    data = Timelines(table["values"], table["times"], table["begins"], info, recipe)
    known = np.isfinite(data.values)
    for name, column in zip(recipe["columns"], known.T, strict=True):
        if not column.any():
            raise UserError(f"“{name}” of {path.name} has no values.", "Leave it out.")
    return Opened(
        splits=_splits(data, split, in_time=bool(recipe["time"])),
        classes=(),
        fingerprint=fingerprint(
            f"{path.name} {status.st_size} {status.st_mtime_ns} {recipe}".encode()
        ),
        timeline=info,
        warnings=(*(f"{path.name}: {note}" for note in table["notes"]), *_constant(data)),
    )


def _hint(words: str) -> str:
    if "stands there twice" in words:
        return "Name the column that tells series apart, or choose what becomes of such rows."
    if "is not a number" in words:
        return "Put it right, or choose the columns without it."
    return "Put it right, or choose another file or column."


def _splits(data: Timelines, split: Split, *, in_time: bool) -> dict[SplitName, TimelineSamples]:
    shares = (split.validation + split.test, split.test)
    begins, ends = data.begins[:-1], data.begins[1:]
    later, last = divided(data.times, data.begins, shares, in_time=in_time)
    found: dict[SplitName, TimelineSamples] = {
        "train": TimelineSamples(data, begins, later, later, is_training=True)
    }
    if split.validation > 0:
        found["validation"] = TimelineSamples(data, later, last, later)
    if split.test > 0:
        found["test"] = TimelineSamples(data, last, ends, later)
    return found


def _constant(data: Timelines) -> Iterator[str]:
    names = (*data.info.channels, *data.info.exogenous)
    for name, column in zip(names, data.values.T, strict=True):
        known = column[np.isfinite(column)]
        if np.ptp(known) == 0:
            yield f"“{name}” is always {known[0]:g}: nothing can be learned from it."


def guessed(
    path: Path,
    time: str,
    series: str,
    channels: Sequence[str],
    *,
    exogenous: Sequence[str] = (),
    ahead: Sequence[str] = (),
) -> dict[str, Any]:
    """Settle which columns are meant: return "time", "series", "channels" … by their names.

    Args:
        time: a name or a number from 1; empty: the one with that name, or with dates.
        series: the same; empty: none.
        channels: the same; empty: all columns with numbers that are nothing else.
        exogenous, ahead: the same, of inputs; the latter are known for the steps to come.

    Raises:
        UserError: the file cannot be read, or has no such column.
    """
    names, cells = first_rows(path)
    columns = dict(zip(names, cells, strict=True))
    found_time = "" if time.lower() in NONE else table_column(path, names, time) if time else None
    if found_time is None:
        found_time = time_column(columns)
    found_series = (
        table_column(path, names, series) if series and series.lower() not in NONE else ""
    )
    foreseen = [table_column(path, names, name) for name in ahead]
    inputs = [table_column(path, names, name) for name in exogenous]
    inputs += [name for name in foreseen if name not in inputs]
    wanted = [table_column(path, names, name) for name in channels]
    if not wanted:
        taken = {found_time, found_series, *inputs}
        wanted = [name for name in names if name not in taken and has_numbers(columns[name])]
    if not wanted:
        raise UserError(
            f"{path.name} has no column of numbers to forecast.", f"There are {', '.join(names)}."
        )
    twice = [name for name in inputs if name in wanted]
    if twice:
        raise UserError(f"“{twice[0]}” is both a channel and an input.", "Name it once.")
    return {
        "time": found_time,
        "dated": bool(found_time) and time_table.is_dated(columns[found_time]),
        "series": found_series,
        "channels": wanted,
        "exogenous": inputs,
        "ahead": foreseen,
        "columns": [*wanted, *inputs],
    }


def first_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return names, and the first cells of each column."""
    try:
        rows = time_table.cells_of(str(path))
        _, names = next(rows, (0, []))
        first = [cells for (_, cells), _ in zip(rows, range(LOOKED_AT), strict=False)]
    except ImportError as error:
        raise UserError(f"{path.name} needs pyarrow to be read.", "pip install pyarrow") from error
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", "") or str(error)
        raise UserError(f"{path.name} cannot be read: {words}.", "Choose another file.") from error
    if not names or not first:
        raise UserError(f"{path.name} has no rows.", "Choose another file.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(
            f"{path.name} has two columns called “{twice}”.", "Give them different names."
        )
    return names, [[row[n] for row in first if n < len(row)] for n in range(len(names))]


def time_column(columns: dict[str, list[str]]) -> str:
    """Return the column of times by its name, else the first one with dates; "" for none."""
    for name, cells in columns.items():
        read = time_table.moment_of if time_table.is_dated(cells) else time_table.number_of
        is_named = name.lower() in TIME_NAMES
        if is_named and all(read(cell) is not None for cell in cells):
            return name
    for name, cells in columns.items():
        if time_table.is_dated(cells) and all(time_table.moment_of(c) is not None for c in cells):
            return name
    return ""


def has_numbers(cells: list[str]) -> bool:
    """Whether most of what is there are numbers; the odd text is told when it is read."""
    known = [cell for cell in cells if cell.lower() not in time_table.MISSING]
    numbers = sum(time_table.number_of(cell) is not None for cell in known)
    return bool(known) and numbers > 0.5 * len(known)


def table_column(path: Path, names: Sequence[str], wanted: str) -> str:
    """Return a column by its name, or its number from 1; raises UserError."""
    if wanted in names:
        return wanted
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise UserError(f"{path.name} has no column “{wanted}”.", f"There are {', '.join(names)}.")
