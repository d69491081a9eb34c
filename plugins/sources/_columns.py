"""Which columns of a table are meant: by name or number, else by what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_NAMES = ("text", "sentence", "review", "content", "message", "tweet", "body", "comment")
LABEL_NAMES = ("label", "class", "target", "category", "sentiment", "polarity", "topic", "y")


def named_column(columns: Sequence[str], wanted: str, name: str) -> int:
    """Return a column by its name, or its number from 1; raises UserError.

    Args:
        name: of the table, for the message.
    """
    if wanted in columns:
        return columns.index(wanted)
    if wanted.isdigit() and 1 <= int(wanted) <= len(columns):
        return int(wanted) - 1
    raise UserError(f"{name} has no column “{wanted}”.", f"There are {listed(columns)}.")


def guessed_columns(
    columns: Sequence[str],
    first: Sequence[Sequence[str]],
    text: int | None,
    label: int | None,
    name: str,
) -> tuple[int, int]:
    """Settle which columns are texts and classes, by their names, else by what the first rows hold.

    Raises:
        UserError: there is no second column.
    """
    places = range(len(columns))
    names = [column.strip().lower() for column in columns]
    cells = [[row[place] for row in first if place < len(row)] for place in places]
    if text is None:
        free = [place for place in places if place != label]
        named = [place for place in free if names[place] in TEXT_NAMES]
        text = named[0] if named else max(free, key=lambda c: sum(map(len, cells[c])), default=0)
    if label is None:
        free = [place for place in places if place != text]
        named = [place for place in free if names[place] in LABEL_NAMES]
        several = [place for place in free if len(set(cells[place])) > 1] or free
        label = named[0] if named else min(several, key=lambda c: len(set(cells[c])), default=None)
    if label is None:
        raise UserError(
            f"{name} has no column of classes beside the texts.",
            "Choose a file with two columns at least.",
        )
    return text, label


def names_in(text: str) -> list[str]:
    """Return the names in a list that a person typed, parted by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def in_order(label: str) -> tuple[int, float, str]:
    """Return what sorts classes: numbers by size, then words."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence."""
    return ", ".join(f"“{name}”" for name in names[:20])
