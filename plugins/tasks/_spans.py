"""Entities in tagged sentences: IOB2, judged by exact spans as in CoNLL-2000 and -2003."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int, str]
"""First step, the one after the last, and kind."""


def are_iob(tags: Iterable[str]) -> bool:
    """Whether tags are “O” and “B-…”, “I-…” of some kinds."""
    found = set(tags)
    inside = [tag for tag in found if tag != "O"]
    return bool(inside) and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in inside)


def spans(tags: Sequence[str]) -> set[Span]:
    """Return the entities; an I- without a B- before it begins one, as conlleval has it."""
    found: set[Span] = set()
    start, kind = 0, ""
    for at, tag in enumerate([*tags, "O"]):
        own = tag[2:] if tag != "O" else ""
        if kind and (tag.startswith("B-") or own != kind):
            found.add((start, at, kind))
            kind = ""
        if own and not kind:
            start, kind = at, own
    return found
