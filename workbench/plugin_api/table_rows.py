"""Rows of tables to numbers: plain functions that exported scripts carry along.

They use numpy and the standard library only, and no name that is not defined here, so that their
source can be copied into a script and gives the same numbers there. A column is a dictionary:
"name", and "categories", its different words in the order of their numbers; none for numbers.
"""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

NOTHING = ("", "?", "-", "na", "n/a", "nan", "none", "null")
"""Cells that hold no value, in lower case."""


def read_rows(path: str, columns: list[dict[str, Any]]) -> np.ndarray:
    """Read a CSV or TSV file as rows × columns, float64; other columns are passed over.

    Without a line of names the columns must be these, in this order.

    Raises:
        OSError: it cannot be read. ValueError: it is no such table, with the reason.
    """
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = [line for line in file if line.strip()]
    if not lines:
        raise ValueError("it is empty")
    counts = {sign: lines[0].count(sign) for sign in "\t;,|"}
    rows = list(csv.reader(lines, delimiter=max(counts, key=lambda sign: counts[sign])))
    names = [column["name"] for column in columns]
    head = [cell.strip() for cell in rows[0]]
    if set(names) <= set(head):
        places, rows = [head.index(name) for name in names], rows[1:]
    elif len(head) == len(names) and not set(names) & set(head):
        places = list(range(len(names)))
    else:
        missing = next(name for name in names if name not in head)
        raise ValueError(f"it has no column “{missing}”")
    if not rows:
        raise ValueError("it has names but no rows")
    return np.array([row_numbers(row, places, columns) for row in rows])


def row_numbers(row: list[str], places: list[int], columns: list[dict[str, Any]]) -> list[float]:
    """Return the cells of a row as numbers; raises ValueError for a cell that is none."""
    if len(row) <= max(places):
        raise ValueError(f"a row has {len(row)} cells, not {max(places) + 1}")
    return [cell_number(row[at], column) for at, column in zip(places, columns, strict=True)]


def cell_number(cell: str, column: dict[str, Any]) -> float:
    """Return a cell as a number; NaN for nothing, and for a word that training did not know."""
    text = cell.strip()
    if column["categories"]:
        known = column["categories"]
        return float(known.index(text)) if text in known else float("nan")
    if text.lower() in NOTHING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"“{text[:40]}” in column “{column['name']}” is not a number") from None


def encoded(
    rows: np.ndarray, columns: list[dict[str, Any]], offset: list[float], scale: list[float]
) -> np.ndarray:
    """Return rows (… × columns) as the network takes them, float32.

    Numbers are scaled, and 0, their mean, where there is none; of each category there is a column
    of ones and zeros, all zeros for an unknown one.
    """
    parts = []
    for at, column in enumerate(columns):
        values = rows[..., at : at + 1]
        if column["categories"]:
            parts.append(values == np.arange(len(column["categories"])))
        else:
            parts.append(np.nan_to_num((values - offset[at]) / scale[at], nan=0.0))
    return np.concatenate(parts, axis=-1).astype(np.float32)
