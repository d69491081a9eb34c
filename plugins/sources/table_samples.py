"""Tables that come with the program."""

from __future__ import annotations

import csv
import gzip
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import resources
from plugins.sources._rows import Cells, Learn, open_rows
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split

LEARNED: dict[str, tuple[Learn, tuple[str, ...]]] = {
    "diabetes": ("number", ("progression",)),
    "yeast": ("labels", tuple(f"Class{number}" for number in range(1, 15))),
}


class SampleTables(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two tables, no files needed."""

    id: ClassVar[str] = "table_samples"
    title: ClassVar[str] = "Tables"
    help: ClassVar[str] = "Small tables that come with the program."
    kind: ClassVar[Kind] = "tables"

    data_set: Annotated[
        Literal["diabetes", "yeast"],
        param(
            "Data set",
            "Diabetes: how far the disease of 442 patients has gone a year later, a number; "
            "yeast: which of 14 functions 2417 genes have, any number of classes each",
        ),
    ] = "diabetes"

    def open(self, split: Split) -> Opened:
        """Divide the rows; the same seed gives the same division."""
        learn, targets = LEARNED[self.data_set]
        content = gzip.decompress(resources.path("samples", f"{self.data_set}.csv.gz").read_bytes())
        names, *rows = csv.reader(content.decode().splitlines())
        cells = Cells(
            name=self.data_set,
            unit="row",
            names=tuple(names),
            lines=list(range(1, len(rows) + 1)),
            columns=[list(column) for column in zip(*rows, strict=True)],
            bad=[],
        )
        return open_rows(cells, learn, targets, (), split)
