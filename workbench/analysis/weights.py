"""Matches the weights of a network with those of a file: by their names, or by their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from workbench.plugin_api.backend import FileNames
from workbench.plugin_api.code import Bind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.plugin_api.network import Network

By = Literal["name", "order"]
Order = Literal["code", "graph", "unsure"]
"""In which order a file has its weights: that of the code that made them, that of the graph of an
experiment, or one that may be any other."""

CANONICAL = "Neural Workbench"
"""Layout of our own files, in which weights are called "node/weight"."""

_ROLES = {
    "bias": "bias",
    "beta": "bias",
    "gamma": "scale",
    "alpha": "scale",
    "scale": "scale",
    "moving_mean": "mean",
    "running_mean": "mean",
    "moving_variance": "variance",
    "running_var": "variance",
}


@dataclass(frozen=True)
class Stored:
    """An array in a file.

    Attributes:
        name: what the file calls it.
        keys: other names by which a network may know it.
        role: "kernel", "bias", "scale", "mean" or "variance".
        numbers: what it holds, where that cannot be a weight ("int64"); empty for a weight.
    """

    name: str
    shape: tuple[int, ...]
    keys: tuple[str, ...] = ()
    role: str = ""
    numbers: str = ""


class Match(msgspec.Struct, frozen=True):
    """A weight of the network with the array it takes.

    Attributes:
        ours: canonical name.
        theirs: name in the file.
        layout: whose layout the array has: "PyTorch", "Keras" or our own.
    """

    ours: str
    theirs: str
    shape: tuple[int, ...]
    stored_shape: tuple[int, ...]
    layout: str


class Unmatched(msgspec.Struct, frozen=True):
    """A weight of the network for which the file has nothing, and why."""

    ours: str
    shape: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Matching:
    """What belongs together.

    Attributes:
        binds: how each matched weight's array is laid out, by our name.
        sources: the matched arrays, by our name.
    """

    matched: tuple[Match, ...]
    unmatched: tuple[Unmatched, ...]
    unused: tuple[Stored, ...]
    binds: Mapping[str, Bind] = field(default_factory=dict)
    sources: Mapping[str, Stored] = field(default_factory=dict)


@dataclass
class _Pairs:
    """Matches as they are found."""

    shapes: Mapping[str, tuple[int, ...]]
    found: dict[str, tuple[Stored, Bind, str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def finished(self, stored: Sequence[Stored]) -> Matching:
        """Return the matching, in the order of the network and of the file."""
        taken = {pair[0].name for pair in self.found.values()}
        return Matching(
            tuple(
                Match(ours, self.found[ours][0].name, shape, *self._theirs(ours))
                for ours, shape in self.shapes.items()
                if ours in self.found
            ),
            tuple(
                Unmatched(ours, shape, self.reasons[ours])
                for ours, shape in self.shapes.items()
                if ours not in self.found
            ),
            tuple(item for item in stored if item.name not in taken),
            {ours: bind for ours, (_, bind, _) in self.found.items()},
            {ours: item for ours, (item, _, _) in self.found.items()},
        )

    def _theirs(self, ours: str) -> tuple[tuple[int, ...], str]:
        item, _, layout = self.found[ours]
        return item.shape, layout


def match(
    network: Network,
    layouts: Sequence[FileNames],
    stored: Sequence[Stored],
    by: By,
    preferred: str = CANONICAL,
    *,
    order: Order = "code",
) -> Matching:
    """Match a network's weights with the arrays of a file; shapes always have to agree.

    By name, each weight takes the array that has one of its names in one of the layouts. By
    order, arrays of the same role (kernel, bias, scale, running mean and variance) are taken in
    the order of both sides, as many as fit (a longest common subsequence), all in one layout:
    the one that fits most. Where the order of the file is not sure, only that among arrays of
    equal shape counts.

    Args:
        layouts: names and layouts of the frameworks, beside our own.
        stored: in the order of the file.
        preferred: the layout to try first.
        order: of `stored`.
    """
    known = {CANONICAL: _canonical(network), **{item.layout: item for item in layouts}}
    ordered = sorted(known.values(), key=lambda item: item.layout != preferred)
    shapes = {name: spec.shape for name, spec in network.weight_specs().items()}
    if by == "name":
        return _by_name(shapes, ordered, stored)
    tries = [_by_order(shapes, item, stored, order) for item in ordered]
    return max(tries, key=lambda matching: len(matching.matched))


def expected_shape(bind: Bind, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that a canonical weight has in a framework."""
    if bind.shape is not None:
        return bind.shape
    return shape if bind.transpose is None else tuple(shape[axis] for axis in bind.transpose)


def role_of(name: str, shape: Sequence[int]) -> str:
    """Return what an array does in its layer, from the last part of its name and its rank."""
    last = re.split(r"[./]", name)[-1]
    return _ROLES.get(last) or ("kernel" if len(shape) > 1 else "scale")


def shape_words(shape: Sequence[int]) -> str:
    """Return "3 × 3 × 1 × 8", or "one number"."""
    return " × ".join(map(str, shape)) or "one number"


def _canonical(network: Network) -> FileNames:
    return FileNames(CANONICAL, {name: ((name,), Bind("")) for name in network.weight_specs()})


def _by_name(
    shapes: Mapping[str, tuple[int, ...]],
    layouts: Sequence[FileNames],
    stored: Sequence[Stored],
) -> Matching:
    index = {key: item for item in reversed(stored) for key in item.keys}
    index |= {item.name: item for item in reversed(stored)}
    pairs = _Pairs(shapes)
    taken: set[str] = set()
    for ours, shape in shapes.items():
        pairs.reasons[ours] = "The file has nothing of this name."
        for layout in layouts:
            keys, bind = layout.names.get(ours, ((), Bind("")))
            named = (index[key] for key in keys if key in index)
            item = next((item for item in named if item.name not in taken), None)
            if item is None:
                continue
            if reason := _misfit(item, bind, shape, layout.layout):
                pairs.reasons[ours] = reason
                continue
            pairs.found[ours] = (item, bind, layout.layout)
            taken.add(item.name)
            break
    return pairs.finished(stored)


def _misfit(item: Stored, bind: Bind, shape: tuple[int, ...], layout: str) -> str:
    """Say why an array cannot be a weight; empty if it can."""
    if item.numbers:
        return f"{item.name} holds {item.numbers} values, which are no weights."
    wanted = expected_shape(bind, shape)
    if item.shape == wanted:
        return ""
    there = "" if wanted == shape else f" as {layout} lays it out"
    return f"{item.name} is {shape_words(item.shape)}, not {shape_words(wanted)}{there}."


def _by_order(
    shapes: Mapping[str, tuple[int, ...]],
    layout: FileNames,
    stored: Sequence[Stored],
    order: Order,
) -> Matching:
    pairs = _Pairs(shapes)
    places = shapes if order == "graph" else layout.names
    together = _of_equal_shape if order == "unsure" else _common
    usable = [item for item in stored if not item.numbers]
    for role in ("kernel", "bias", "scale", "mean", "variance"):
        ours = [name for name, shape in shapes.items() if role_of(name, shape) == role]
        theirs = [i for i in usable if (i.role or role_of(i.name, i.shape)) == role]
        known = [name for name in places if name in layout.names and name in ours]
        wanted = [expected_shape(layout.names[name][1], shapes[name]) for name in known]
        for at, other in together(wanted, [item.shape for item in theirs]):
            name = known[at]
            pairs.found[name] = (theirs[other], layout.names[name][1], layout.layout)
        for name in ours:
            pairs.reasons[name] = f"The file has no {role} of this shape at its place."
    return pairs.finished(stored)


def _of_equal_shape(
    ours: Sequence[tuple[int, ...]], theirs: Sequence[tuple[int, ...]]
) -> list[tuple[int, int]]:
    """Return the places of the first, second, third … of each shape on both sides."""
    left: dict[tuple[int, ...], list[int]] = {}
    for other, shape in enumerate(theirs):
        left.setdefault(shape, []).append(other)
    return [(at, left[shape].pop(0)) for at, shape in enumerate(ours) if left.get(shape)]


def _common(
    ours: Sequence[tuple[int, ...]], theirs: Sequence[tuple[int, ...]]
) -> list[tuple[int, int]]:
    """Return the places of a longest common subsequence (Hirschberg 1975 calls it the LCS)."""
    if list(ours) == list(theirs):
        return [(at, at) for at in range(len(ours))]
    rows = [[0] * (len(theirs) + 1)]
    for shape in reversed(ours):
        row, below = [0] * (len(theirs) + 1), rows[-1]
        for at in range(len(theirs) - 1, -1, -1):
            row[at] = below[at + 1] + 1 if shape == theirs[at] else max(below[at], row[at + 1])
        rows.append(row)
    rows.reverse()
    found, at, other = [], 0, 0
    while at < len(ours) and other < len(theirs):
        if ours[at] == theirs[other]:
            found.append((at, other))
            at, other = at + 1, other + 1
        elif rows[at + 1][other] >= rows[at][other + 1]:
            at += 1
        else:
            other += 1
    return found
