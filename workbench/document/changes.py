"""Whether experiments are the same, and in which settings they differ."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.document.experiment import Experiment


_LOOKS = ("position", "group")


class Difference(msgspec.Struct, frozen=True):
    """A setting in which experiments differ.

    Attributes:
        path: "training.optimizer.learning_rate", or a layer's: "graph.conv1.filters".
        values: one an experiment; None where it is not written.
    """

    path: str
    values: tuple[Any, ...]


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of a document are written alike; to Python 1, 1.0 and True are equal."""
    return one is other or _written(one) == _written(other)


def compare(experiments: Sequence[Experiment]) -> list[Difference]:
    """Return the settings in which experiments differ, one row each, in the document's order.

    Places on the canvas, groups and what is folded do not count.
    """
    flat = [_flat(experiment) for experiment in experiments]
    paths = dict.fromkeys(path for settings in flat for path in settings)
    rows = (Difference(path, tuple(settings.get(path) for settings in flat)) for path in paths)
    return [row for row in rows if any(not is_same(v, row.values[0]) for v in row.values)]


def _written(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _flat(experiment: Experiment) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    document = msgspec.to_builtins(experiment)
    document.pop("folded", None)
    document["data"]["corrections"] = _in_short(document["data"]["corrections"])
    for node in document.pop("graph")["nodes"]:
        node_id, params = node.pop("id"), node.pop("params", {})
        for name in _LOOKS:
            node.pop(name, None)
        _flatten(f"graph.{node_id}.", node | params, settings)
    _flatten("", document, settings)
    return settings


def _in_short(corrections: dict[str, str | None]) -> str:
    """Return one value for all corrections; it differs where they do."""
    if not corrections:
        return "none"
    digest = hashlib.sha256(_written(corrections)).hexdigest()[:6]
    return f"{len(corrections)} ({digest})"


def _flatten(prefix: str, values: dict[str, Any], into: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}{name}.", value, into)
        else:
            into[prefix + name] = value
