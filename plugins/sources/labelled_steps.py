"""Recordings in a table with a class at each step: what goes on, moment by moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from plugins.sources._columns import in_order
from plugins.sources._timelines import first_rows, has_numbers, table_column, time_column
from workbench.errors import UserError
from workbench.plugin_api import time_table
from workbench.plugin_api.data import IGNORED, Kind
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName

MOST_CLASSES = 1000
WHOLE = 10
"""So many recordings or more are divided as wholes; of fewer each is cut in time."""
LABEL_NAMES = ("label", "class", "activity", "state", "tag", "target", "event", "phase")


class LabelledSteps(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row for each step: numbers, and a class; steps without a class count for nothing."""

    id: ClassVar[str] = "labelled_steps"
    title: ClassVar[str] = "Recordings with a class at each step"
    help: ClassVar[str] = (
        "CSV, TSV or Parquet with a row for each step: channels of numbers and what goes on. Ten "
        "recordings or more are divided as wholes; of fewer each is cut in time."
    )
    kind: ClassVar[Kind] = "series"

    file: Annotated[str, param("File", "CSV, TSV or Parquet; it is only read", path="file")] = ""
    label_column: Annotated[
        str,
        param("Class column", "Name, or number from 1; empty: “label”, “activity” or the like"),
    ] = ""
    channels: Annotated[
        tuple[str, ...],
        param("Channels", "Columns to look at; none named: all others that hold numbers"),
    ] = ()
    time: Annotated[
        str, param("Time column", "Puts rows in order; empty: they are; “none”: they are")
    ] = ""
    series: Annotated[
        str, param("Recording column", "Tells several recordings apart; empty: it is one")
    ] = ""
    piece: Annotated[
        Size,
        param("Pieces", "Recordings are cut into samples of at most so many steps", unit="steps"),
    ] = 128

    def open(self, split: Split) -> Opened:
        """Read the table whole, and cut it."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a CSV, TSV or Parquet file.")
        path = Path(self.file).expanduser()
        names, cells = first_rows(path)
        columns = dict(zip(names, cells, strict=True))
        recipe, label = self._recipe(path, names, columns)
        table, labels = _read(path, recipe, label)
        classes = tuple(sorted({text for text in labels if text}, key=in_order))
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise UserError(
                f"Column “{label}” of {path.name} holds {len(classes)} different classes.",
                "Choose the column that tells what goes on.",
            )
        numbers = {text: number for number, text in enumerate(classes)}
        tags = np.array([numbers.get(text, IGNORED) for text in labels], np.int64)
        recordings = _recordings(table)
        parts = _divided(recordings, self.piece, split)
        values = table["values"].astype(np.float32)
        return Opened(
            splits={
                name: StepSamples(values, tags, pieces, len(classes))
                for name, pieces in parts.items()
                if pieces
            },
            classes=classes,
            target=TensorType((None,), ("time",), "int64"),
            fingerprint=fingerprint(values.tobytes(), tags.tobytes(), str(self.piece).encode()),
        )

    def _recipe(
        self, path: Path, names: Sequence[str], columns: dict[str, list[str]]
    ) -> tuple[dict[str, Any], str]:
        """Settle which columns are meant; raises UserError where there is no such one."""
        if self.label_column:
            label = table_column(path, names, self.label_column)
        else:
            label = next((name for name in names if name.strip().lower() in LABEL_NAMES), "")
            if not label:
                raise UserError(
                    f"{path.name} has no column called “label”, “class” or “activity”.",
                    f"Name the class column; there are {', '.join(names)}.",
                )
        wanted = self.time.strip()
        time = (
            "" if wanted.lower() in ("none", "-") else wanted and table_column(path, names, wanted)
        )
        time = time or (time_column(columns) if not wanted else "")
        series = table_column(path, names, self.series) if self.series else ""
        channels = [table_column(path, names, name) for name in self.channels]
        taken = {label, time, series}
        channels = channels or [n for n in names if n not in taken and has_numbers(columns[n])]
        if not channels:
            raise UserError(f"{path.name} has no columns of numbers.", "Choose another file.")
        recipe = {
            "columns": channels,
            "time": time,
            "dated": bool(time) and time_table.is_dated(columns[time]),
            "series": series,
        }
        return recipe, label


Piece = tuple[str, "NDArray[np.int64]", int]
"""Name of the recording, rows of the table in order, and number of the first step from 0."""


class StepSamples:
    """Pieces of recordings of one split.

    Args:
        values: rows × channels, float32, of the whole table.
        tags: class number of each row, or IGNORED.
    """

    def __init__(
        self,
        values: NDArray[np.float32],
        tags: NDArray[np.int64],
        pieces: Sequence[Piece],
        classes: int,
    ) -> None:
        self._values, self._tags, self._pieces, self._classes = values, tags, pieces, classes

    def __len__(self) -> int:
        return len(self._pieces)

    def read(self, index: int) -> NDArray[Any]:
        """Return one piece, time × channels."""
        found: NDArray[Any] = self._values[self._pieces[index][1]]
        return found

    def target(self, index: int) -> NDArray[np.int64]:
        """Return the class number of each step."""
        found: NDArray[np.int64] = self._tags[self._pieces[index][1]]
        return found

    def name(self, index: int) -> str:
        """Return the recording, and which steps of it."""
        name, rows, first = self._pieces[index]
        steps = f"steps {first + 1}–{first + len(rows)}"
        return f"{name}, {steps}" if name else steps

    @property
    def targets(self) -> NDArray[np.int64]:
        """Zeros: a piece has no class of its own."""
        return np.zeros(len(self), np.int64)

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Length and channels of every piece."""
        lengths = [len(rows) for _, rows, _ in self._pieces]
        return np.column_stack([lengths, np.full(len(self), self._values.shape[1])])

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Steps of each class."""
        tags = np.concatenate([self._tags[rows] for _, rows, _ in self._pieces])
        return tuple(np.bincount(tags[tags != IGNORED], minlength=self._classes).tolist())


def _read(path: Path, recipe: dict[str, Any], label: str) -> tuple[dict[str, Any], list[str]]:
    try:
        table = time_table.read_columns(str(path), recipe)
        rows = time_table.cells_of(str(path))
        _, names = next(rows)
        at = names.index(label)
        labels = [cells[at] for _, cells in rows]
    except ImportError as error:
        raise UserError(f"{path.name} needs pyarrow to be read.", "pip install pyarrow") from error
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", "") or str(error)
        raise UserError(f"{path.name} cannot be used: {words}.", "Put it right.") from error
    return table, labels


def _recordings(table: dict[str, Any]) -> list[tuple[str, NDArray[np.int64]]]:
    """Return name and rows of each recording, in order of time."""
    ids = np.array(table["series"])
    found = []
    for name in dict.fromkeys(table["series"]):
        rows = np.flatnonzero(ids == name)
        if table["times"] is not None:
            rows = rows[np.argsort(table["times"][rows], kind="stable")]
        found.append((name, rows))
    return found


def _divided(
    recordings: Sequence[tuple[str, NDArray[np.int64]]], piece: int, split: Split
) -> dict[SplitName, list[Piece]]:
    """Divide whole recordings at random, or where they are few cut each in time."""
    found: dict[SplitName, list[Piece]] = {"train": [], "validation": [], "test": []}
    if len(recordings) >= WHOLE:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([split.seed])))
        order = rng.permutation(len(recordings))
        test = round(len(order) * split.test)
        validation = round(len(order) * split.validation)
        for place, number in enumerate(order.tolist()):
            part: SplitName = "train"
            if place < test:
                part = "test"
            elif place < test + validation:
                part = "validation"
            name, rows = recordings[number]
            found[part] += _pieces(name, rows, piece, 0)
        return found
    for name, rows in recordings:
        last = len(rows) - round(len(rows) * split.test)
        later = last - round(len(rows) * split.validation)
        found["train"] += _pieces(name, rows[:later], piece, 0)
        found["validation"] += _pieces(name, rows[later:last], piece, later)
        found["test"] += _pieces(name, rows[last:], piece, last)
    return found


def _pieces(name: str, rows: NDArray[np.int64], piece: int, first: int) -> list[Piece]:
    return [
        (name, rows[start : start + piece], first + start) for start in range(0, len(rows), piece)
    ]
