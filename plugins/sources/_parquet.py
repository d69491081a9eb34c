"""Parquet tables of texts, gone through group by group: a big file is never loaded whole.

A row in the middle of such a file cannot be read by itself, but its whole group must be, which
may hold a million. So the two columns that matter are written out once, as JSON Lines, into the
cache, and rows are read from there.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from plugins.sources._tables import Table
from workbench.errors import UserError
from workbench.plugin_api.caches import cached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 1000
"""Rows that are in memory at once; those of a group are decoded as they are wanted."""
LOOKED_AT = 500
SUFFIXES = (".parquet", ".pq")


def look_at(path: Path) -> tuple[Table, list[list[str]]]:
    """Return the columns that may hold texts or classes, and the first rows.

    Raises:
        UserError: it cannot be read, or is no Parquet file with such columns.
    """
    file = _opened(path)
    try:
        names = tuple(field.name for field in file.schema_arrow if _is_plain(field.type))
        if len(names) < 2:
            raise UserError(
                f"{path.name} has fewer than two columns of words or numbers; a text and its class "
                "are needed.",
                "Choose another file.",
            )
        first = next(_rows(file, names, LOOKED_AT), [])
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not first:
        raise UserError(f"{path.name} is empty.", "Choose another file.")
    return Table(str(path), "utf-8", "", names, unit="row"), first


def all_rows(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return names and rows, as words, of the columns that hold words or numbers.

    Raises:
        UserError: it cannot be read, or is no Parquet file with such columns.
    """
    table, _ = look_at(path)
    try:
        found = [row for rows in _rows(_opened(path), table.columns, ROWS) for row in rows]
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return table.columns, found


def with_columns(table: Table, *chosen: int) -> Table:
    """Return a table of these columns, a text and what is told of it, any row of which can be read.

    Raises:
        UserError: the file is damaged, or there is no room for the copy.
    """
    from pathlib import Path

    path = Path(table.path)
    names = tuple(table.columns[at] for at in chosen)
    status = path.stat()
    what = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {names}"
    key = hashlib.sha256(what.encode()).hexdigest()[:32]
    try:
        copy = cached("tables", f"{key}.jsonl", lambda target: _write(path, names, target))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return replace(table, path=str(copy), columns=names, shown=path.name)


def _write(path: Path, names: tuple[str, ...], target: Path) -> None:
    encode = msgspec.json.Encoder().encode
    with target.open("wb") as output:
        for rows in _rows(_opened(path), names, ROWS):
            lines = (encode(dict(zip(names, row, strict=True))) for row in rows)
            output.write(b"\n".join([*lines, b""]))


def _rows(file: Any, names: tuple[str, ...], count: int) -> Iterator[list[list[str]]]:
    """Yield so many rows at a time, as words; classes by the names that the file has for them."""
    classes = _class_names(file)
    for batch in file.iter_batches(batch_size=count, columns=list(names)):
        columns = []
        for name in names:
            values = batch.column(name).to_pylist()
            known = classes.get(name, ())
            columns.append([_words(value, known) for value in values])
        yield [list(row) for row in zip(*columns, strict=True)]


def _words(value: Any, classes: tuple[str, ...]) -> str:
    if value is None:
        return ""
    if classes and isinstance(value, int) and 0 <= value < len(classes):
        return classes[value]
    return str(value)


def _class_names(file: Any) -> dict[str, tuple[str, ...]]:
    """Return the names of classes that the library datasets leaves in its files, by column."""
    about = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = msgspec.json.decode(about)["info"]["features"]
        return {
            name: tuple(map(str, feature["names"]))
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return {}


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_integer,
        types.is_floating,
        types.is_boolean,
    )
    return any(test(kind) for test in tests)


def _opened(path: Path) -> Any:
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = getattr(error, "strerror", "") or str(error).strip().splitlines()[0].rstrip(".")
    return UserError(f"{path.name} cannot be read: {reason}.", "Choose a whole Parquet file.")
