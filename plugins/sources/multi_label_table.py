"""Texts with any number of classes each, in a table: CSV, TSV or JSON Lines."""

from __future__ import annotations

import ast
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from plugins.sources._columns import guessed_columns, in_order, named_column
from plugins.sources._left_out import LeftOut
from plugins.sources._numbers import Numbers
from plugins.sources._tables import TextsInTable, look_at
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugins.sources._tables import Table
    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName

MOST_CLASSES = 1000
LABEL_NAMES = ("labels", "classes", "tags", "topics", "categories", "genres", "keywords")
SEPARATORS = (";", "|", ",")


class MultiLabelTable(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of any size: only the places of its rows and their classes are kept in memory."""

    id: ClassVar[str] = "multi_label_table"
    title: ClassVar[str] = "Texts with several classes each"
    help: ClassVar[str] = (
        "CSV, TSV or JSONL with a text and its classes a row, parted by a sign such as ;"
    )
    kind: ClassVar[Kind] = "texts"
    preparation: ClassVar[str] = "text"

    file: Annotated[str, param("File", "CSV, TSV or JSONL; it is only read", path="file")] = ""
    text_column: Annotated[
        str, param("Text column", "Name, or number from 1; empty: the one with the longest texts")
    ] = ""
    label_column: Annotated[
        str, param("Class column", "Name, or number from 1; empty: “labels”, “tags” or the like")
    ] = ""
    separator: Annotated[
        str, param("Between classes", "Such as ; or |; empty: the one that is found")
    ] = ""

    def open(self, split: Split) -> Opened:
        """Go through the file once and note where its rows are, and their classes."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a CSV, TSV or JSONL file.")
        path = Path(self.file).expanduser()
        table, first = look_at(path)
        names = table.columns
        text = named_column(names, self.text_column, path.name) if self.text_column else None
        if self.label_column:
            label: int | None = named_column(names, self.label_column, path.name)
        else:
            places = (n for n, name in enumerate(names) if name.strip().lower() in LABEL_NAMES)
            label = next(places, None)
        text, label = guessed_columns(names, first, text, label, path.name)
        samples, classes, bad = _listed(table, text, label, self.separator or _found(first, label))
        status = path.stat()
        return Opened(
            splits=_divided(samples, split),
            classes=classes,
            target=TensorType((len(classes),), ("features",)),
            bad_files=tuple(bad),
            fingerprint=fingerprint(
                f"{path.name} {status.st_size} {status.st_mtime_ns} {text} {label}".encode()
            ),
        )


class MultiLabelSamples(TextsInTable):
    """Texts of one split, and the numbers of their classes.

    Args:
        labels: class numbers of each row.
    """

    def __init__(
        self,
        table: Table,
        column: int,
        classes: int,
        places: NDArray[np.int64],
        labels: Numbers,
    ) -> None:
        super().__init__(table, column, places)
        self._classes = classes
        self._labels = labels

    def target(self, index: int) -> NDArray[np.float32]:
        """Return 1 for each class that the text has, else 0."""
        found = np.zeros(self._classes, np.float32)
        found[self._labels[index]] = 1
        return found

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Texts of each class."""
        return tuple(np.bincount(self._labels.values, minlength=self._classes).tolist())

    def rarest(self) -> NDArray[np.int64]:
        """Return the rarest class of each text; one more than there are classes for none."""
        counts = np.array(self.class_counts)
        found = np.full(len(self), self._classes, np.int64)
        for row in range(len(self)):
            own = self._labels[row]
            if len(own):
                found[row] = own[counts[own].argmin()]
        return found

    def part(self, chosen: NDArray[np.intp]) -> MultiLabelSamples:
        """Return some rows."""
        return MultiLabelSamples(
            self._table,
            self._column,
            self._classes,
            self._places[chosen],
            self._labels.part(chosen),
        )


def _listed(
    table: Table, text: int, label: int, separator: str
) -> tuple[MultiLabelSamples, tuple[str, ...], list[BadFile]]:
    places, numbers, ends = array("q"), array("q"), array("q")
    known: dict[str, int] = {}
    name = Path(table.path).name
    left_out = LeftOut(name)
    for start, size, line, cells in table.rows():
        reason = (
            cells if isinstance(cells, str) else "" if cells[text].strip() else "its text is empty"
        )
        if reason or isinstance(cells, str):
            left_out.add(f"{name}, line {line}", reason)
            continue
        places.extend((start, size, line))
        own = dict.fromkeys(_labels(cells[label], separator))
        numbers.extend(known.setdefault(each, len(known)) for each in own)
        ends.append(len(numbers))
        if len(known) > MOST_CLASSES:
            raise UserError(
                f"Column “{table.columns[label]}” of {name} has more than {MOST_CLASSES} "
                "different classes.",
                "Choose the class column, and the sign between classes.",
            )
    if len(known) < 2:
        raise UserError(
            f"Column “{table.columns[label]}” of {name} holds {len(known) or 'no'} "
            f"class{'' if len(known) == 1 else 'es'}.",
            "Choose another class column.",
        )
    classes = tuple(sorted(known, key=in_order))
    order = np.empty(len(known), np.int64)
    for place, each in enumerate(classes):
        order[known[each]] = place
    found = MultiLabelSamples(
        table,
        text,
        len(classes),
        np.array(places, np.int64).reshape(-1, 3),
        Numbers(order[np.array(numbers, np.int64)], np.array(ends, np.int64)),
    )
    return found, classes, left_out.listed


def _divided(samples: MultiLabelSamples, split: Split) -> dict[SplitName, MultiLabelSamples]:
    """Divide so that each text's rarest class keeps its share in each part."""
    parts = stratified_split(samples.rarest(), split)
    return {name: samples.part(part) for name, part in parts.items() if len(part)}


def _labels(cell: str, separator: str) -> list[str]:
    text = cell.strip()
    if text.startswith("[") and text.endswith("]"):  # a list of JSON
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found = None
        if isinstance(found, list):
            return [str(each).strip() for each in found if str(each).strip()]
    parts = text.split(separator) if separator else [text]
    return [part.strip() for part in parts if part.strip()]


def _found(first: Sequence[list[str]], label: int) -> str:
    cells = [row[label] for row in first if label < len(row)]
    return next((sign for sign in SEPARATORS if any(sign in cell for cell in cells)), "")
