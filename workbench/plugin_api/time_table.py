"""Reads tables of time series: plain functions that exported scripts carry along.

They use numpy, the standard library and `time_steps` only, so that their source gives the same
numbers there. What is wrong with a file is a ValueError in words that names its line.
"""

from __future__ import annotations

import csv
import datetime
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.time_steps import find_step, grouped, on_grid, resampled, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MISSING = ("", "?", "-", ".", "na", "n/a", "nan", "null", "none")
"""Cells, in small letters, that stand for a missing value."""
BLOCK = 4096
"""Rows that are read at once."""
STEPS = {
    "minute": ("seconds", 60.0),
    "hour": ("seconds", 3600.0),
    "day": ("seconds", 86400.0),
    "week": ("seconds", 604800.0),
    "month": ("months", 1.0),
    "quarter": ("months", 3.0),
    "year": ("months", 12.0),
}
"""Steps that a person can choose, as unit and size."""


def cells_of(path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row of a CSV, TSV or Parquet file, names first.

    A text file without a line of names gets "1", "2" …
    """
    if path.lower().endswith((".parquet", ".pq")):
        import pyarrow.parquet

        table = pyarrow.parquet.ParquetFile(path)
        yield 0, list(table.schema_arrow.names)
        number = 0
        for batch in table.iter_batches():
            columns = [["" if v is None else str(v) for v in c.to_pylist()] for c in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, list(values)
        return
    with open(path, "rb") as raw:
        head = raw.read(1 << 20)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        raise ValueError("it is not text of an encoding that can be read (perhaps UTF-16)")
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
        encoding = "utf-8-sig"
    except UnicodeDecodeError:
        encoding = "cp1252"
    with open(path, encoding=encoding, errors="replace", newline="") as file:
        first = next((line for line in file if line.strip()), "")
        counts = {sign: first.count(sign) for sign in "\t;,|"}
        part = max(counts, key=lambda sign: counts[sign])
        file.seek(0)
        rows = csv.reader(file, delimiter=part if counts[part] else ",", skipinitialspace=True)
        begun = False
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not begun and all(is_value(cell) for cell in cells):
                yield 0, [str(number) for number in range(1, len(cells) + 1)]
            begun = True
            yield rows.line_num, cells


def is_value(cell: str) -> bool:
    """Tell values (numbers, times, missing ones) from names."""
    return cell.lower() in MISSING or number_of(cell) is not None or moment_of(cell) is not None


def number_of(cell: str) -> float | None:
    """Return a number with a decimal point or comma; NaN for a missing one, None for text."""
    try:
        return float(cell)
    except ValueError:
        pass
    if cell.lower() in MISSING:
        return float("nan")
    try:
        return float(cell.replace(",", ".")) if cell.count(",") == 1 else None
    except ValueError:
        return None


def moment_of(cell: str) -> float | None:
    """Return seconds since 1970 of an ISO date, "1981-01", "1981Q1"; None for other text."""
    text = cell
    if len(text) in (6, 7) and text[4:].upper().lstrip("-")[:1] == "Q" and text[-1] in "1234":
        text = f"{text[:4]}-{3 * int(text[-1]) - 2:02}"
    if len(text) == 7 and text[4] in "-/":
        text = f"{text[:4]}-{text[5:]}-01"
    try:
        moment = datetime.datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (moment - epoch).total_seconds()


def is_dated(cells: list[str]) -> bool:
    """Tell dates from numbers by some cells of a time column; 19580329 is a date, too."""
    known = [cell for cell in cells if cell.lower() not in MISSING]
    if all(number_of(cell) is not None for cell in known):
        return bool(known) and all(
            len(cell) == 8 and cell.isdigit() and moment_of(cell) is not None for cell in known
        )
    return True


def read_columns(path: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Read the columns that a recipe names, once and row by row.

    Args:
        recipe: "time" and "series" (names of columns, empty for none), "dated", and "columns",
            the names of those with numbers.

    Returns:
        "values" (rows × columns, float64), "times", "series" (one name a row), "lines".
    """
    rows = cells_of(path)
    _, names = next(rows, (0, []))
    wanted = [*recipe["columns"], *(recipe[key] for key in ("time", "series") if recipe[key])]
    absent = [name for name in wanted if name not in names]
    if absent:
        raise ValueError(f"it has no column “{absent[0]}”; there are {', '.join(names)}")
    places = [names.index(name) for name in recipe["columns"]]
    time = names.index(recipe["time"]) if recipe["time"] else None
    series = names.index(recipe["series"]) if recipe["series"] else None
    values: list[np.ndarray] = []
    times: list[np.ndarray] = []
    lines: list[int] = []
    ids: list[str] = []
    while block := list(itertools.islice(rows, BLOCK)):
        numbers = [line for line, _ in block]
        short = next((n for n, (_, cells) in enumerate(block) if len(cells) < len(names)), None)
        if short is not None:
            found = len(block[short][1])
            raise ValueError(f"line {numbers[short]} has {found} cells, not {len(names)}")
        columns = list(zip(*(cells[: len(names)] for _, cells in block), strict=True))
        read = [numbers_of(columns[place], names[place], numbers) for place in places]
        values.append(np.stack(read, axis=1))
        if time is not None:
            moments = moments_of if recipe["dated"] else numbers_of
            found_times = moments(columns[time], names[time], numbers)
            if np.isnan(found_times).any():
                row = int(np.isnan(found_times).argmax())
                raise ValueError(
                    f"the time in column “{names[time]}”, line {numbers[row]}, is missing"
                )
            times.append(found_times)
        ids += columns[series] if series is not None else [""] * len(block)
        lines += numbers
    if not lines:
        raise ValueError("it has no rows")
    whole = np.concatenate(values)
    return {
        "values": np.where(np.isfinite(whole), whole, np.nan),
        "times": np.concatenate(times) if time is not None else None,
        "series": ids,
        "lines": np.array(lines, np.int64),
    }


def numbers_of(cells: Sequence[str], name: str, lines: list[int]) -> np.ndarray:
    """Return a column's numbers, NaN where one is missing; text is named by its line."""
    try:
        return np.array(cells, np.float64)
    except ValueError:
        pass
    found = np.empty(len(cells))
    for row, cell in enumerate(cells):
        number = number_of(cell)
        if number is None:
            raise ValueError(f"“{cell}” in column “{name}”, line {lines[row]}, is not a number")
        found[row] = number
    return found


def moments_of(cells: Sequence[str], name: str, lines: list[int]) -> np.ndarray:
    """Return a column's dates in seconds since 1970; other text is named by its line."""
    if all(cell[4:5] == "-" and "Z" not in cell and "+" not in cell for cell in cells):
        try:
            return np.array(cells, "datetime64[s]").astype(np.int64).astype(np.float64)
        except ValueError:
            pass
    found = np.empty(len(cells))
    for row, cell in enumerate(cells):
        moment = moment_of(cell)
        if moment is None:
            what = "a date like 2024-05-31"
            raise ValueError(f"“{cell}” in column “{name}”, line {lines[row]}, is not {what}")
        found[row] = moment
    return found


def read_time_table(path: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Read the series of a table, each in order of time and at a regular step where it has one.

    Args:
        recipe: as for `read_columns`, and "duplicates" ("refuse", "mean", "first", "last"),
            "resample" ("", or a key of STEPS) and "rule" (see `resampled`).

    Returns:
        "names" of the series, "begins" (where each begins, and the end), "times", "values"
        (steps × columns, NaN where missing), "unit" and "size" of the step, "notes": sentences.
    """
    table = read_columns(path, recipe)
    notes: list[str] = []
    ids = np.array(table["series"])
    parts, names = [], list(dict.fromkeys(table["series"]))
    for name in names:
        rows = np.flatnonzero(ids == name) if len(names) > 1 else np.arange(len(ids))
        at = f" of “{name}”" if name else ""
        parts.append(in_order(table, rows, recipe, at, notes))
    unit, size = "rows", 1.0
    if recipe["time"] and recipe["resample"]:
        unit, size = STEPS[recipe["resample"]]
        if not recipe["dated"]:
            raise ValueError("its times are numbers, which have no days or months to resample to")
        parts = [resampled(*part, unit, size, recipe["rule"]) for part in parts]
    elif recipe["time"]:
        longest = max(parts, key=lambda part: len(part[0]))
        unit, size = find_step(longest[0], recipe["dated"])
        if any(find_step(t, recipe["dated"]) not in ((unit, size), ("", 0.0)) for t, _ in parts):
            unit, size = "", 0.0
        if unit:
            parts = [whole_steps(part, (unit, size), recipe["dated"], notes) for part in parts]
        else:
            notes.append(
                "The times follow no regular step, so each row counts as one step. Resampling "
                "brings them to one."
            )
    return {
        "names": names,
        "begins": np.cumsum([0, *(len(times) for times, _ in parts)]),
        "times": np.concatenate([times for times, _ in parts]),
        "values": np.concatenate([values for _, values in parts]),
        "unit": unit,
        "size": size,
        "notes": notes,
    }


def in_order(
    table: dict[str, Any], rows: np.ndarray, recipe: dict[str, Any], at: str, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending times and values of one series; what was put right is noted.

    Args:
        at: the series, for sentences.
    """
    values = table["values"][rows] if len(rows) < len(table["values"]) else table["values"]
    if table["times"] is None:
        return np.arange(1, len(rows) + 1, dtype=np.float64), values
    times, lines = table["times"][rows], table["lines"][rows]
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        order = np.argsort(times, kind="stable")
        times, values, lines = times[order], values[order], lines[order]
        first = table["lines"][rows][back[0] + 1]
        notes.append(f"The rows{at} are not in order of time (first in line {first}): sorted.")
    same = np.flatnonzero(np.diff(times) == 0)
    if not len(same) or recipe["resample"]:
        return times, values
    text = time_text(times[same[0]], "", 0, recipe["dated"])
    where = f"lines {lines[same[0]]} and {lines[same[0] + 1]}"
    if recipe["duplicates"] == "refuse":
        raise ValueError(f"the time {text}{at} stands there twice, in {where}")
    starts = np.flatnonzero(np.diff(times, prepend=-np.inf) > 0)
    notes.append(
        f"{len(same)} times{at} stand there more than once (first {text}, {where}): "
        f"{recipe['duplicates']} taken."
    )
    return times[starts], grouped(values, starts, recipe["duplicates"])


def whole_steps(
    series: tuple[np.ndarray, np.ndarray], step: tuple[str, float], dated: bool, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Put a series on its steps; those left out are noted and become missing values."""
    (times, values), (unit, size) = series, step
    grid, filled = on_grid(times, values, unit, size)
    if len(grid) > len(times):
        apart = np.diff(times)
        after = time_text(times[apart.argmax()], unit, size, dated)
        until = time_text(times[apart.argmax() + 1], unit, size, dated)
        notes.append(
            f"{len(grid) - len(times)} steps are left out (the longest gap is between {after} and "
            f"{until}); their values count as missing."
        )
    return grid, filled
