"""Reads the `.ts` and `.arff` files of the UCR and UEA archives of labelled series.

The `.ts` format: https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

AGAIN = "Fetch the file again, or choose another one."
MISSING = ("?", "NaN", "nan", "")


@dataclass
class SeriesFile:
    """What one file holds.

    Attributes:
        series: time × channels each, float32, NaN where a value is missing.
        labels: class name of each series, or its number where `is_numbered`.
        lines: line number of each series in the file.
        classes: class names as the head of the file lists them; empty if it does not.
        bad: line number and reason of what could not be read.
        is_numbered: each series has a number to learn, not a class.
    """

    series: list[NDArray[np.float32]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    bad: list[tuple[int, str]] = field(default_factory=list)
    is_numbered: bool = False


def read_series_file(path: Path) -> SeriesFile:
    """Read a file by its suffix; lines that cannot be used are listed in it.

    Raises:
        UserError: it cannot be read, is no such file, or has no class labels.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            lines = list(enumerate((line.strip() for line in file), 1))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", AGAIN) from error
    found = _read_arff(path, lines) if path.suffix.lower() == ".arff" else _read_ts(path, lines)
    if not found.series:
        reason = f" Line {found.bad[0][0]}: {found.bad[0][1]}." if found.bad else ""
        raise UserError(f"{path.name} holds no series that can be used.{reason}", AGAIN)
    _refuse_other_channels(found)
    return found


def _refuse_other_channels(found: SeriesFile) -> None:
    """Set aside series whose number of channels is not that of most."""
    counts = np.array([one.shape[1] for one in found.series])
    common = int(np.bincount(counts).argmax())
    for index in np.flatnonzero(counts != common)[::-1].tolist():
        reason = f"it has {counts[index]} channels, the others {common}"
        found.bad.append((found.lines[index], reason))
        del found.series[index], found.labels[index], found.lines[index]


def _read_ts(path: Path, lines: list[tuple[int, str]]) -> SeriesFile:
    found = SeriesFile()
    body = iter(lines)
    for _, line in body:
        key, _, rest = line.partition(" ")
        if key.lower() == "@data":
            break
        if key.lower() == "@timestamps" and rest.strip().lower() == "true":
            raise UserError(
                f"{path.name} gives a time stamp with every value, which is not supported.",
                "Save the series as plain values at equal steps.",
            )
        if key.lower() in ("@classlabel", "@targetlabel"):
            words = rest.split()
            if not words or words[0].lower() != "true":
                raise UserError(f"{path.name} has no class labels.", "Choose a labelled file.")
            found.is_numbered = key.lower() == "@targetlabel"
            found.classes = tuple(words[1:])
    else:
        raise UserError(f"{path.name} is not a .ts file: it has no line @data.", AGAIN)
    if not found.classes and not found.is_numbered:
        raise UserError(f"{path.name} has no class labels.", "Choose a labelled file.")
    for number, line in body:
        if line and line[0] not in "#%":
            *channels, label = line.split(":")
            _take(found, number, channels, label.strip())
    return found


def _read_arff(path: Path, lines: list[tuple[int, str]]) -> SeriesFile:
    r"""Read Weka's format: one channel a row, or its channels in quotes, parted by \n."""
    found = SeriesFile()
    body = iter(lines)
    for _, line in body:
        lower = line.lower()
        if lower.startswith("@data"):
            break
        if lower.startswith("@attribute") and "{" in line:
            names = line[line.index("{") + 1 : line.rindex("}") if "}" in line else None]
            found.classes = tuple(name.strip().strip("'\"") for name in names.split(","))
    else:
        raise UserError(f"{path.name} is not an .arff file: it has no line @data.", AGAIN)
    if not found.classes:
        raise UserError(f"{path.name} has no class labels.", "Choose a labelled file.")
    for number, line in body:
        if line and not line.startswith("%"):
            channels, label = _arff_row(line)
            _take(found, number, channels, label)
    return found


def _arff_row(line: str) -> tuple[list[str], str]:
    if line[0] in "'\"":
        values, _, label = line[1:].rpartition(line[0])
        return values.split("\\n"), label.strip(" ,'\"")
    cells = next(csv.reader([line], skipinitialspace=True))
    return [",".join(cells[:-1])], cells[-1].strip("'\"")


def _take(found: SeriesFile, number: int, channels: list[str], label: str) -> None:
    try:
        if found.is_numbered:
            if label in MISSING:
                raise ValueError("it has no number to learn")
            float(label)
        elif label not in found.classes:
            raise ValueError(f"“{label}” is not among the classes in the head of the file")
        series = _parsed(channels)
    except ValueError as error:
        found.bad.append((number, str(error)))
    else:
        found.series.append(series)
        found.labels.append(label)
        found.lines.append(number)


def _parsed(channels: list[str]) -> NDArray[np.float32]:
    """Return time × channels; channels that end sooner than others are refused."""
    columns = [np.array(list(_numbers(channel)), np.float32) for channel in channels]
    lengths = sorted({len(column) for column in columns})
    if not lengths or lengths == [0]:
        raise ValueError("it has no values")
    if len(lengths) > 1:
        raise ValueError(f"its channels differ in length, from {lengths[0]} to {lengths[-1]}")
    return np.stack(columns, axis=1)


def _numbers(text: str) -> Iterator[float]:
    if not text.strip():
        return
    for place, word in enumerate(text.split(","), 1):
        try:
            yield float("nan") if word.strip() in MISSING else float(word)
        except ValueError:
            raise ValueError(f"value {place} is “{word.strip()[:20]}”, not a number") from None
