"""What of an ONNX graph follows from the length and the mask of texts alone.

The graph is walked over texts without padding, as layers here leave that out by themselves: its
mask is all ones, no token fills up, and what is computed from that is known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_known import narrowed

if TYPE_CHECKING:
    from collections.abc import Sequence

HIDDEN = -1e4
"""Scores below this are of steps that are not to be looked at."""


@dataclass(kw_only=True)
class TextMasks:
    """What is known of a graph while it is walked.

    Attributes:
        known: numbers that are known beforehand, by the file's names.
        values: made-up tensors of what depends on the samples.
        length: tokens of the texts that it is walked with; 0 where it takes no texts.
        told: names of what follows from lengths and from the mask of texts alone. They are walked
            without padding, as layers here leave that out by themselves.
        tables: names of rows by the weight that they are looked up in beforehand.
        most: tokens that the tables have rows for; 0: any number.
        padding: the token that is told apart from all others; -1 where none is.
    """

    known: dict[str, np.ndarray] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    length: int = 0
    told: set[str] = field(default_factory=set)
    tables: dict[str, str] = field(default_factory=dict)
    most: int = 0
    padding: int = -1

    def note(self, node: Any, names: Sequence[str]) -> None:
        """Note what of texts a computed value follows from, and which rows were looked up."""
        given = [name for name in node.input if name]
        if not self.told.isdisjoint(given):
            self.told.update(names)
        rows, found = self.known[given[0]], self.known[names[0]]
        if node.op_type not in ("Gather", "Slice") or rows.ndim < 2:
            return
        self.tables[names[0]] = given[0]
        places = self.known[given[1]]
        count = 0
        if node.op_type == "Slice" and self.length in found.shape and rows.ndim == found.ndim:
            count = rows.shape[found.shape.index(self.length)]
        elif node.op_type == "Gather" and places.ndim and places.shape[-1] == self.length:
            first, last = int(places.min()), int(places.max())
            count = len(rows) - first if last - first + 1 == self.length else 0
        if count:
            self.most = min(self.most or count, count)

    def is_for_padding(self, names: Sequence[str]) -> bool:
        """Whether tokens are compared with one number: what fills texts up, and none of them is."""
        tokens = [name for name in names if name in self.values]
        known = [self.known[name] for name in names if name in self.known]
        if not self.length or len(tokens) != 1 or len(known) != 1 or known[0].size != 1:
            return False
        if self.values[tokens[0]].dtype.is_floating_point:
            return False
        self.padding = int(known[0].reshape(-1)[0])
        return True

    def never(self, node: Any, name: str) -> None:
        """Note that something is not so for any value."""
        self.known[node.output[0]] = np.zeros(tuple(self.values[name].shape), bool)
        self.told.add(node.output[0])

    def narrowed_for(self, node: Any, name: str) -> np.ndarray:
        """Return a known array; what follows from a mask, without what is everywhere the same."""
        array = self.known[name]
        others = [each for each in node.input if each in self.values]
        if name not in self.told or node.op_type not in ("Add", "Sub", "Mul", "Div") or not others:
            return array
        shape = tuple(self.values[others[0]].shape)
        pairs = zip(reversed(array.shape), reversed(shape), strict=False)
        is_stretched = array.ndim <= len(shape) and all(size in (1, own) for size, own in pairs)
        return narrowed(array) if is_stretched else array
