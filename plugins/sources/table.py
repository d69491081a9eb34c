"""Rows of a table with numbers and categories: CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from plugins.sources._columns import names_in
from plugins.sources._rows import Learn, open_rows, read_cells
from workbench.errors import UserError
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split


class TableFile(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table that fits in memory; words become categories."""

    id: ClassVar[str] = "table"
    title: ClassVar[str] = "Rows of a CSV, TSV, JSONL or Parquet file"
    help: ClassVar[str] = (
        "Numbers and categories in columns; learns one or several of them from the others."
    )
    kind: ClassVar[Kind] = "tables"

    file: Annotated[
        str, param("File", "CSV, TSV, JSONL or Parquet; it is only read", path="file")
    ] = ""
    target_columns: Annotated[
        str,
        param("Columns to learn", "Names or numbers from 1, parted by commas; empty: the last one"),
    ] = ""
    learn: Annotated[
        Learn,
        param(
            "Learn them as",
            "Numbers; a class; or labels: any number of classes, a column of 0 and 1 each. Auto: "
            "as they look",
        ),
    ] = "auto"
    left_out: Annotated[
        str, param("Leave out", "Columns not to learn from, parted by commas: a row's number, say")
    ] = ""

    def open(self, split: Split) -> Opened:
        """Read the whole file."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a CSV, TSV, JSONL or Parquet file.")
        cells = read_cells(Path(self.file).expanduser())
        return open_rows(
            cells, self.learn, names_in(self.target_columns), names_in(self.left_out), split
        )
