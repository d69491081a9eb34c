"""Puts samples of different lengths into one array, filled up with zeros at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64
"""Bytes; so aligned, a framework takes an array over without a copy."""
STEP = 8
"""Where lengths may differ from batch to batch, they are multiples of this."""


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array with undefined content, aligned in memory."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    space = np.empty(size + ALIGNMENT, np.uint8)
    start = -space.ctypes.data % ALIGNMENT
    return space[start : start + size].view(kind).reshape(shape)


def padded(
    rows: Sequence[NDArray[Any]], multiple: int = STEP, fill: int = 0
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return batch × time [× …], and the real steps of each row.

    Args:
        rows: one sample at least, equal but for the length of their first axis.
        multiple: the common length is the smallest multiple of this that holds the longest.
        fill: value behind the end of a row.
    """
    lengths = np.array([len(row) for row in rows], np.int64)
    steps = math.ceil(lengths.max() / multiple) * multiple
    batch = aligned((len(rows), steps, *rows[0].shape[1:]), rows[0].dtype)
    for number, row in enumerate(rows):
        batch[number, : len(row)] = row
        batch[number, len(row) :] = fill
    return batch, lengths


class Ragged:
    """Samples of different lengths, one after the other in one array.

    Args:
        values: all steps of the first sample, then those of the second …
        lengths: steps of each.
    """

    def __init__(self, values: NDArray[Any], lengths: Sequence[int] | NDArray[np.int64]) -> None:
        self._values = values
        self._ends = np.cumsum(lengths)

    @classmethod
    def of(cls, rows: Sequence[NDArray[Any]]) -> Ragged:
        """Return samples that are equal but for the length of their first axis."""
        return cls(np.concatenate(rows), [len(row) for row in rows])

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> NDArray[Any]:
        start = self._ends[index - 1] if index else 0
        found: NDArray[Any] = self._values[start : self._ends[index]]
        return found

    def rows(self, numbers: NDArray[np.intp]) -> list[NDArray[Any]]:
        """Return some samples."""
        return [self[number] for number in numbers.tolist()]
