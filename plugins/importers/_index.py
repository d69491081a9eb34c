"""What is known of each architecture without importing the library that builds it.

`resources/models/*.json` are written by `scripts/index_models`, one file an importer.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

import resources
from workbench.errors import UserError
from workbench.plugin_api.importer import Architecture, Guess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_GUESSES = 12


class Entry(Architecture, frozen=True, kw_only=True):
    """An architecture with the marks by which weights files are known again.

    Attributes:
        names, shapes, ordered, body: of its weights: their names; their shapes; those in their
            order; those but the head's. See `mark`.
    """

    names: str = ""
    shapes: str = ""
    ordered: str = ""
    body: str = ""


def entries(importer: str) -> tuple[Entry, ...]:
    """Return what is known of an importer's architectures; nothing where there is no index."""
    path = resources.path("models", f"{importer}.json")
    if not path.is_file():
        return ()
    return msgspec.json.decode(path.read_bytes(), type=tuple[Entry, ...])


def entry(importer: str, title: str, name: str) -> Entry:
    """Return one of them; raises UserError for a name that is not known."""
    import difflib

    found = {each.name: each for each in entries(importer)}
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, 3)
    raise UserError(
        f"{title} has no network called “{name}”.",
        f"Did you mean {' or '.join(near)}?" if near else "`workbench models list` names them.",
    )


def marks(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Return the marks of an architecture's weights, in their order."""
    sizes = list(shapes.values())
    return {
        "names": mark(sorted(shapes)),
        "shapes": mark(sorted(map(str, sizes))),
        "ordered": mark(map(str, sizes)),
        "body": mark(sorted(map(str, _body(sizes)))),
    }


def mark(words: Iterable[str]) -> str:
    """Return a short mark of a list of words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:10]


def guesses(importer: str, shapes: Mapping[str, tuple[int, ...]]) -> list[Guess]:
    """Return the architectures whose weights have these names or shapes, likeliest first."""
    found = []
    given = marks(shapes)
    for known in entries(importer):
        agreeing = ("names", "ordered", "shapes", "body")
        for rank, what in enumerate(agreeing):
            is_named = what == "names" and (
                known.shapes != given["shapes"] and known.body != given["body"]
            )
            if getattr(known, what) and getattr(known, what) == given[what] and not is_named:
                found.append(Guess(importer=importer, name=known.name, rank=rank))
                break
    found.sort(key=lambda guess: (guess.rank, len(guess.name), guess.name))
    return found[:MOST_GUESSES]


def _body(sizes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Leave out what depends on the number of classes: the last matrix, and what follows it."""
    last = max((i for i, size in enumerate(sizes) if len(size) > 1), default=0)
    rest = list(sizes[:last])
    # Where a file has another order, the head lies elsewhere: shapes alone count then.
    return list(Counter(rest).elements())
