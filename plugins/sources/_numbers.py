"""Numbers of which each sample has some, in one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Numbers:
    """Whole numbers of all samples, one sample after the other.

    Args:
        values: of all samples.
        ends: where in `values` those of each sample end.
    """

    def __init__(self, values: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        self.values = values
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> NDArray[np.int64]:
        start = int(self._ends[index - 1]) if index else 0
        found: NDArray[np.int64] = self.values[start : self._ends[index]]
        return found

    def part(self, chosen: NDArray[np.intp]) -> Numbers:
        """Return those of some samples."""
        starts = np.concatenate(([0], self._ends[:-1]))[chosen]
        lengths = self._ends[chosen] - starts
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1] if len(ends) else 0)
        places += np.repeat(starts - (ends - lengths), lengths)
        return Numbers(self.values[places], ends)

    def renumbered(self, places: NDArray[np.int64]) -> Numbers:
        """Return the same with `places[number]` for each number."""
        return Numbers(places[self.values], self._ends)
