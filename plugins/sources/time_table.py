"""Time series in a table, to be forecast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from plugins.sources._timelines import guessed, open_timelines
from workbench.errors import UserError
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


class TimeTable(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row for each step: when, and numbers. Split by time, never at random."""

    id: ClassVar[str] = "time_table"
    title: ClassVar[str] = "Time series table"
    help: ClassVar[str] = (
        "CSV, TSV or Parquet with a row for each step in time. The first part is trained on, the "
        "next validates, the last tests."
    )
    kind: ClassVar[Kind] = "timelines"
    correctable: ClassVar[bool] = False

    file: Annotated[str, param("File", "CSV, TSV or Parquet; it is only read", path="file")] = ""
    time: Annotated[
        str,
        param(
            "Time column",
            "Name, or number from 1; empty: found by its name or its dates; “none”: rows are steps",
        ),
    ] = ""
    channels: Annotated[
        tuple[str, ...],
        param("Channels", "Columns to forecast; none named: all others that hold numbers"),
    ] = ()
    inputs: Annotated[
        tuple[str, ...], param("Further inputs", "Columns to look at, but not to forecast")
    ] = ()
    ahead: Annotated[
        tuple[str, ...],
        param(
            "Known ahead",
            "Columns to look at that are known for the steps to come, too: holidays, prices, plans",
        ),
    ] = ()
    series: Annotated[
        str, param("Series column", "Tells several series apart; empty: it is one series")
    ] = ""
    resample: Annotated[
        Literal["none", "minute", "hour", "day", "week", "month", "quarter", "year"],
        param("Resample", "Join rows to one for each of these; none: steps as they are"),
    ] = "none"
    rule: Annotated[
        Literal["mean", "sum", "first", "last", "smallest", "largest"],
        param(
            "Join by",
            "What becomes of the rows of one step",
            shown_if=("resample", ("minute", "hour", "day", "week", "month", "quarter", "year")),
        ),
    ] = "mean"
    duplicates: Annotated[
        Literal["refuse", "mean", "first", "last"],
        param("Same time twice", "Refuse the file, or take the mean, the first or the last row"),
    ] = "refuse"

    def open(self, split: Split) -> Opened:
        """Read the table and cut it in time."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a CSV, TSV or Parquet file.")
        path = Path(self.file).expanduser()
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(
                f"{path.name} is no table that can be read.", "Choose a CSV, TSV or Parquet file."
            )
        columns = guessed(
            path,
            self.time.strip(),
            self.series.strip(),
            self.channels,
            exogenous=self.inputs,
            ahead=self.ahead,
        )
        recipe = {
            **columns,
            "duplicates": self.duplicates,
            "resample": "" if self.resample == "none" else self.resample,
            "rule": self.rule,
        }
        return open_timelines(path, recipe, split)
