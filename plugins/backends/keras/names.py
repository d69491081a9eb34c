"""Names in generated Keras code."""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING

from plugins.backends.source.names import KEYWORDS, unique

if TYPE_CHECKING:
    from collections.abc import Iterable

GLOBALS = frozenset(("keras", "layers", "ops", "make_model"))
LOCALS = frozenset(("x", "inputs", *dir(builtins)))


def layer_names(ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each node's Keras layer: its id, unless a backend would refuse that.

    TensorFlow's scopes begin with an ASCII letter or digit and hold no others beside "_". A name
    never holds a dot, so that parts of a layer can be called "conv1.pad".
    """
    plain = {node_id: re.sub(r"[^A-Za-z0-9_]", "_", node_id) for node_id in ids}
    named = {k: name if name[0] != "_" else f"node{name}" for k, name in plain.items()}
    kept = {name for node_id, name in named.items() if name == node_id}
    taken, names = set(kept), {}
    for node_id, name in named.items():
        if name != node_id:
            number = 2
            first = name
            while name in taken:
                name = f"{first}_{number}"
                number += 1
            taken.add(name)
        names[node_id] = name
    return names


def variables(ids: Iterable[str], helpers: Iterable[str]) -> dict[str, str]:
    """Return a local variable for each node's output."""
    return unique(ids, GLOBALS | LOCALS | KEYWORDS | frozenset(helpers))


def model_name(title: str) -> str:
    """Return a name for the Keras model: "digits_cnn"."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    name = "_".join(words).lower()[:60]
    return name if name and not name[0].isdigit() else f"network_{name}".rstrip("_")
