"""Texts of a data set that the library datasets has saved on this computer."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from plugins.sources._class_folders import SPLIT_FOLDERS, divide
from plugins.sources._columns import guessed_columns, in_order, named_column
from plugins.sources._left_out import LeftOut
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.document.experiment import Split

LOOKED_AT = 500


class HuggingFaceFolder(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of `save_to_disk`; nothing is fetched, and no code of a data set is run."""

    id: ClassVar[str] = "hugging_face"
    title: ClassVar[str] = "Texts saved by Hugging Face datasets"
    help: ClassVar[str] = "A folder that save_to_disk has written; its own splits are kept."
    kind: ClassVar[Kind] = "texts"

    folder: Annotated[
        str, param("Folder", "Written by save_to_disk; it is only read", path="folder")
    ] = ""
    text_column: Annotated[
        str, param("Text column", "Its name; empty: the one with the longest texts")
    ] = ""
    label_column: Annotated[
        str, param("Class column", "Its name; empty: the one with the fewest values")
    ] = ""

    def open(self, split: Split) -> Opened:
        """Map the files into memory and read the classes; raises UserError."""
        root = _checked(self.folder)
        tables = _tables(root)
        first = next(iter(tables.values()))
        text, label = self._columns(root, first)
        parts, targets, rows, classes, bad = _rows(tables, text, label, root)
        chosen = divide(parts, targets, split)
        stamps = (f"{part} {table._fingerprint}".encode() for part, table in tables.items())
        return Opened(
            splits={
                name: DatasetSamples(str(root), text, tuple(tables), rows[:, part], targets[part])
                for name, part in chosen.items()
            },
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(*stamps, f"{text} {label}".encode()),
        )

    def _columns(self, root: Path, table: Any) -> tuple[str, str]:
        names = [name for name, feature in table.features.items() if _is_plain(feature)]
        if len(names) < 2:
            raise UserError(
                f"{root.name} has fewer than two columns of words or numbers; a text and its class "
                "are needed.",
                "Choose another data set.",
            )
        head = table[: min(LOOKED_AT, len(table))]
        cells = [[str(head[name][row]) for name in names] for row in range(len(head[names[0]]))]
        text = named_column(names, self.text_column, root.name) if self.text_column else None
        label = named_column(names, self.label_column, root.name) if self.label_column else None
        found = guessed_columns(names, cells, text, label, root.name)
        return names[found[0]], names[found[1]]


class DatasetSamples:
    """Texts of one split, read from the mapped files when they are wanted.

    Args:
        parts: names of the data set's splits; a single empty one where it has none.
        rows: number of the split, and of the row in it.
    """

    def __init__(
        self,
        root: str,
        column: str,
        parts: tuple[str, ...],
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
    ) -> None:
        self._root, self._column, self._parts = root, column, parts
        self._rows, self._targets = rows, targets
        self._tables: list[Any] = []

    def __len__(self) -> int:
        return len(self._targets)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tables": []}

    def read(self, index: int) -> NDArray[Any]:
        """Return one text, a NumPy string without axes; raises UserError."""
        if not self._tables:
            tables = _tables(Path(self._root))
            self._tables = [tables[part].select_columns([self._column]) for part in self._parts]
        part, row = self._rows[:, index].tolist()
        return np.array(self._tables[part][row][self._column])

    def name(self, index: int) -> str:
        """Return the split and the number of the row, from 1."""
        part, row = self._rows[:, index].tolist()
        return f"{self._parts[part]}, row {row + 1}".removeprefix(", ")

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all texts."""
        return self._targets


def _checked(folder: str) -> Path:
    hint = "Choose a folder that save_to_disk of the library datasets has written."
    if not folder:
        raise UserError("No folder has been chosen.", hint)
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise UserError(
            f"There is no folder {folder}, and nothing is downloaded from the Hugging Face Hub.",
            "Where there is a network: datasets.load_dataset(…).save_to_disk(folder), then choose "
            "that folder here.",
        )
    if find_spec("datasets") is None:
        raise UserError(
            "The package datasets is not installed, which reads such folders.",
            "Install it: pip install datasets. Or save the data as Parquet or CSV.",
        )
    return root


def _tables(root: Path) -> dict[str, Any]:
    """Return the data set's splits; one without a name where it has none."""
    # The library may not ask its servers for anything.
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    try:
        found = datasets.load_from_disk(str(root))
    except Exception as error:  # it raises whatever its readers do
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UserError(
            f"{root} is no data set that can be read: {reason}.",
            "Choose a folder that save_to_disk of the library datasets has written.",
        ) from error
    if isinstance(found, datasets.DatasetDict):
        tables = {str(name): table for name, table in found.items() if len(table)}
    else:
        tables = {"": found} if len(found) else {}
    if not tables:
        raise UserError(f"{root} holds no rows.", "Choose another folder.")
    return tables


def _is_plain(feature: Any) -> bool:
    kind = getattr(feature, "dtype", "")
    return isinstance(kind, str) and (
        kind in ("string", "large_string", "bool") or kind.startswith(("int", "uint", "float"))
    )


def _rows(
    tables: Mapping[str, Any], text: str, label: str, root: Path
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64], tuple[str, ...], list[BadFile]]:
    """Return part, class number and place of each usable row, the classes, and the bad rows."""
    parts: list[str] = []
    labels: list[str] = []
    rows: list[tuple[int, int]] = []
    left_out = LeftOut(root.name)
    for part, (name, table) in enumerate(tables.items()):
        names = getattr(table.features[label], "names", None)
        for row, (words, value) in enumerate(_pairs(table, text, label)):
            reason = ""
            if words is None or not str(words).strip():
                reason = "its text is empty"
            elif value is None or (names and value < 0) or not str(value).strip():
                reason = "it has no class"
            if reason:
                left_out.add(f"{name or root.name}, row {row + 1}", reason)
                continue
            parts.append(SPLIT_FOLDERS.get(name.lower(), "") if len(tables) > 1 else "")
            labels.append(names[value] if names else str(value))
            rows.append((part, row))
    classes = tuple(sorted(set(labels), key=in_order))
    if len(classes) < 2:
        what = f"one class only, “{classes[0]}”" if classes else "no row that can be used"
        raise UserError(f"Column “{label}” of {root.name} holds {what}.", "Choose other columns.")
    numbers = {name: number for number, name in enumerate(classes)}
    targets = np.array([numbers[each] for each in labels], np.int64)
    return parts, targets, np.array(rows, np.int64).T, classes, left_out.listed


def _pairs(table: Any, text: str, label: str) -> Any:
    """Yield text and class of each row, some at a time."""
    for batch in table.select_columns([text, label]).iter(batch_size=1000):
        yield from zip(batch[text], batch[label], strict=True)
