"""Rows of tables to vectors: scale of numbers, ones and zeros for categories."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from workbench.errors import UserError
from workbench.plugin_api import table_rows
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.preprocessing import Preprocessing
from workbench.plugin_api.samples import OneSample
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples

FIT_SAMPLES = 1_000_000
"""Scales are taken from at most so many rows, spread evenly over the split."""
HINT = "Give a CSV or TSV file with the columns of the training data."
Columns = list[dict[str, Any]]
"""See workbench.plugin_api.table_rows."""


class TablePreprocessing(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each column by itself; a missing number becomes the mean."""

    id: ClassVar[str] = "table"
    title: ClassVar[str] = "Rows of a table"
    kind: ClassVar[Kind] = "tables"

    scaling: Annotated[
        Literal["standardise", "zero_one", "none"],
        param(
            "Scale",
            "Zero mean and unit deviation, or 0…1, per column as learned from the training split; "
            "or as they are",
        ),
    ] = "standardise"
    columns: Annotated[tuple[dict[str, Any], ...], Meta(extra={"hidden": True})] = ()
    """Of the training data, for rows that are read from a file of their own; see `resolved`."""

    def output(self, samples: Samples) -> TensorType:
        """Return a vector: one number a column, or one a category."""
        wide = sum(len(column["categories"]) or 1 for column in columns_of(samples))
        return TensorType((wide,), ("features",))

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Learn offset and scale of each column of numbers."""
        columns = columns_of(samples)
        chosen = np.unique(np.linspace(0, len(samples) - 1, FIT_SAMPLES).astype(int))
        values = np.stack([samples.read(index) for index in chosen.tolist()])
        offset, scale = np.zeros(len(columns)), np.ones(len(columns))
        for at, column in enumerate(columns):
            known = values[np.isfinite(values[:, at]), at]
            if column["categories"] or not len(known):
                continue
            offset[at], spread = known.mean(), known.std()
            if self.scaling == "zero_one":
                offset[at], spread = known.min(), np.ptp(known)
            if self.scaling == "none":
                offset[at], spread = 0.0, 1.0
            scale[at] = spread if spread > 1e-12 * (1 + abs(offset[at])) else 1.0
        return {"columns": columns, "offset": offset.tolist(), "scale": scale.tolist()}

    def resolved(self, fitted: dict[str, Any]) -> TablePreprocessing:
        """Return the same, for files with the columns that were trained with."""
        return msgspec.structs.replace(self, columns=tuple(fitted["columns"]))

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the row as it is."""
        return raw

    def shaped(self, output: TensorType) -> TensorType:
        """Return a vector of the columns."""
        return TensorType((len(self.columns),), ("features",)) if self.columns else output

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.float32]:
        """Return a row, or a stack of them, as the network takes it."""
        return table_rows.encoded(shaped, fitted["columns"], fitted["offset"], fitted["scale"])

    def read_file(self, path: str) -> NDArray[Any]:
        """Read the first row of a user's file."""
        found: NDArray[Any] = self._rows(path)[0]
        return found

    def file_samples(self, path: str, fitted: dict[str, Any]) -> list[Samples]:
        """Read the rows of a user's file, each a sample."""
        rows = self._rows(path)
        return [OneSample(row, f"row {number}") for number, row in enumerate(rows, 1)]

    def read_text(self, text: str) -> NDArray[Any]:
        """Take “age 59, bmi 32.1”, or the values alone in the order of the columns.

        Raises:
            UserError: a name is unknown, or a value is no number.
        """
        parts = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
        if not parts:
            raise UserError("There are no values.", f"Type, for instance, {self._example()}.")
        found = np.full(len(self.columns), np.nan)
        names = [column["name"] for column in self.columns]
        try:
            for at, part in enumerate(parts):
                name = next((n for n in sorted(names, key=len)[::-1] if _begins(part, n)), "")
                if not name and len(parts) != len(names):
                    raise ValueError(f"“{part}” begins with no column's name")
                number = names.index(name) if name else at
                cell = part[len(name) :].strip(" =:")
                found[number] = table_rows.cell_number(cell, self.columns[number])
        except ValueError as error:
            raise UserError(f"{error}.", f"Type, for instance, {self._example()}.") from error
        return found

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return the functions that prepare rows, ending in `load(path)`."""
        functions = (
            table_rows.read_rows,
            table_rows.row_numbers,
            table_rows.cell_number,
            table_rows.encoded,
        )
        sources = "\n\n".join(inspect.getsource(function) for function in functions)
        return (
            "import csv\nfrom typing import Any\n\nimport numpy as np\n\n"
            f"NOTHING = {table_rows.NOTHING!r}\n"
            f"COLUMNS = {fitted['columns']!r}\n"
            f"OFFSET = {fitted['offset']!r}\nSCALE = {fitted['scale']!r}\n\n\n{sources}\n\n"
            "def load(path: str) -> np.ndarray:\n"
            '    """Read the rows of a CSV or TSV file as the network takes them."""\n'
            "    return encoded(read_rows(path, COLUMNS), COLUMNS, OFFSET, SCALE)\n"
        )

    def _rows(self, path: str) -> NDArray[Any]:
        try:
            return table_rows.read_rows(path, list(self.columns))
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(f"{path} cannot be used: {words}.", HINT) from error

    def _example(self) -> str:
        columns = self.columns[:2]
        values = [(column["categories"] or ("1.5",))[0] for column in columns]
        return ", ".join(f"{c['name']} {v}" for c, v in zip(columns, values, strict=True))


def columns_of(samples: Samples) -> Columns:
    """Return the columns that rows of a table have."""
    found: Columns = samples.columns  # type: ignore[attr-defined]
    return found


def _begins(part: str, name: str) -> bool:
    rest = part[len(name) :]
    return part.startswith(name) and rest[:1] in (" ", "=", ":")
