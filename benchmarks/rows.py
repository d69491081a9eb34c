"""What a benchmark reports, and the table it ends up in."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Row:
    """One measured figure beside what it must reach.

    Attributes:
        what: the thing measured, with its opponent.
        value: as people read it.
        bar: what it must reach.
        reached: None when it could not be measured here; `detail` says why.
        detail: how it was measured: rounds, spread, sizes.
    """

    what: str
    value: str
    bar: str
    reached: bool | None
    detail: str = ""


def markdown(sections: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Return all rows as one page."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each figure is a ratio against an opponent measured in the same",
        "run on the same machine, or a property that is the same on every machine.",
        "",
        f"Machine: {machine()}.",
        "",
        "| what | measured | bar | reached | how |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [_line(row) for _, rows in sections for row in rows]
    return "\n".join(lines) + "\n"


def updated(page: str, rows: Sequence[Row]) -> str:
    """Return the page with these rows measured anew; rows it has not yet come last."""
    new = {row.what: _line(row) for row in rows}
    lines = [new.pop(line.split(" | ")[0].removeprefix("| "), line) for line in page.splitlines()]
    return "\n".join([*lines, *new.values()]) + "\n"


def _line(row: Row) -> str:
    return f"| {row.what} | {row.value} | {row.bar} | {verdict(row)} | {row.detail} |"


def verdict(row: Row) -> str:
    """Return yes, no or not measured."""
    return {True: "yes", False: "**no**", None: "not measured"}[row.reached]


def machine() -> str:
    """Describe this machine without naming it."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"
