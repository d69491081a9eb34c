"""Names in generated code: safe for any node id, and the same every time."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYWORDS = frozenset((*keyword.kwlist, *keyword.softkwlist))


def title_name(title: str, taken: frozenset[str]) -> str:
    """Return a class name made of the letters and digits of a title: "DigitsCnn"."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    name = "".join(word[0].upper() + word[1:] for word in words)[:60]
    if not name or name[0].isdigit():
        name = f"Network{name}"
    reserved = KEYWORDS | frozenset(dir(builtins)) | taken
    return f"{name}Network" if name in reserved else name


def unique(ids: Iterable[str], reserved: frozenset[str]) -> dict[str, str]:
    """Give each id a name of its own, as Python sees it: identifiers are equal under NFKC."""
    ids = tuple(ids)
    taken = set(reserved) | {unicodedata.normalize("NFKC", node_id) for node_id in ids}
    names: dict[str, str] = {}
    used: set[str] = set()
    for node_id in ids:
        if not node_id.isidentifier():
            raise ValueError(f"{node_id!r} cannot name a node")
        name = unicodedata.normalize("NFKC", node_id)
        if name.startswith("_"):
            name = f"node{name}"
        clash = name in reserved or name in used
        while clash:
            name += "_"
            clash = name in taken or name in used
        used.add(name)
        names[node_id] = name
    return names
