"""Pictures that a table lists, each with numbers to learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from plugins.sources._columns import listed, named_column, names_in
from plugins.sources._rows import read_cells
from plugins.sources.image_folder import FolderSamples, common_kind
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile
from workbench.plugin_api.parameters import param
from workbench.plugin_api.picture_files import look_at
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugins.sources._rows import Cells
    from workbench.document.experiment import Split
    from workbench.plugin_api.picture_files import Kind, PictureFile

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


class PictureTable(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CSV, TSV, JSON Lines or Parquet file with a picture's path and its numbers a row."""

    id: ClassVar[str] = "picture_table"
    title: ClassVar[str] = "Pictures with numbers, listed in a table"
    help: ClassVar[str] = (
        "A CSV, TSV, JSONL or Parquet file with the path of a picture and numbers to learn a row; "
        "paths begin at the table's folder."
    )

    file: Annotated[str, param("File", "The table; it is only read", path="file")] = ""
    picture_column: Annotated[
        str, param("Picture column", "Name, or number from 1; empty: the one with picture files")
    ] = ""
    target_columns: Annotated[
        str,
        param("Columns to learn", "Names or numbers from 1, parted by commas; empty: the last one"),
    ] = ""

    def open(self, split: Split) -> Opened:
        """List the table, and check the pictures."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a table that lists pictures.")
        path = Path(self.file).expanduser()
        cells = read_cells(path)
        pictures = _picture_column(cells, self.picture_column)
        names = names_in(self.target_columns)
        wanted = [named_column(cells.names, each, cells.name) for each in names]
        wanted = wanted or [len(cells.names) - 1]
        bad = list(cells.bad)
        files = look_at(path.parent, [_relative(p, path.parent) for p in cells.columns[pictures]])
        rows = [row for row, file in enumerate(files) if _is_usable(cells, row, file, wanted, bad)]
        if len(rows) < 2:
            reason = f" ({bad[0].path}: {bad[0].reason})" if bad else ""
            raise UserError(
                f"No picture of {path.name} can be used{reason}.", "Choose other columns."
            )
        numbers = [[float(cells.columns[at][row]) for at in wanted] for row in rows]
        usable = [files[row] for row in rows]
        kind = common_kind(usable)
        parts = stratified_split(np.zeros(len(rows), np.int64), split)
        found = np.array(numbers, np.float32)
        return Opened(
            splits={
                name: NumberedPictures(path.parent, [usable[n] for n in part], found[part], kind)
                for name, part in parts.items()
                if len(part)
            },
            classes=(),
            target=TensorType((len(wanted),), ("features",)),
            quantities=tuple(cells.names[at] for at in wanted),
            bad_files=tuple(bad),
            fingerprint=fingerprint(
                found.tobytes(),
                *(f"{file.path} {file.size} {file.modified}".encode() for file in usable),
            ),
        )


class NumberedPictures(FolderSamples):
    """Pictures of one split with numbers to learn: pictures × quantities, float32."""

    def __init__(
        self, root: Path, files: Sequence[PictureFile], numbers: NDArray[np.float32], kind: Kind
    ) -> None:
        super().__init__(root, files, np.zeros(len(files), np.int64), kind)
        self._to_learn = numbers

    def target(self, index: int) -> NDArray[np.float32]:
        """Return the numbers of one picture."""
        found: NDArray[np.float32] = self._to_learn[index]
        return found


def _picture_column(cells: Cells, wanted: str) -> int:
    if wanted:
        return named_column(cells.names, wanted, cells.name)
    for at, column in enumerate(cells.columns):
        if any(cell.lower().endswith(SUFFIXES) for cell in column[:20]):
            return at
    raise UserError(
        f"{cells.name} has no column with the paths of pictures.",
        f"Name it; there are {listed(cells.names)}.",
    )


def _relative(text: str, folder: Path) -> str:
    """Return a path as the table has it, below the table's folder where it lies there."""
    path = Path(text.strip())
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else text.strip()


def _is_usable(
    cells: Cells, row: int, file: PictureFile, wanted: Sequence[int], bad: list[BadFile]
) -> bool:
    reason = file.reason
    for at in wanted:
        try:
            is_number = bool(np.isfinite(float(cells.columns[at][row])))
        except ValueError:
            is_number = False
        if not reason and not is_number:
            reason = f"“{cells.columns[at][row][:40]}” in “{cells.names[at]}” is not a number"
    if reason:
        bad.append(BadFile(f"{cells.unit} {cells.lines[row]}: {file.path}", reason))
    return not reason
