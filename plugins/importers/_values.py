"""What a PyTorch value is in the document: a node's output, and how its axes are named there."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Pair = tuple[int, int]


@dataclass(frozen=True)
class Value:
    """Output of a node of the document, seen by PyTorch.

    Attributes:
        shape: canonical, without the batch.
        order: PyTorch's axis i, the batch not counted, is canonical axis order[i].
        rows: of a vector: PyTorch has at place i what lies at rows[i] here; None: the same.
        pads: padding that the next node is to do, before and after each spatial axis.
        batch: where PyTorch has the batch among its axes.
        dtype: NumPy name.
        is_turned: whether PyTorch has its time, the first canonical axis, the other way round.
    """

    node: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    rows: NDArray[np.int64] | None = None
    pads: tuple[Pair, ...] = ()
    batch: int = 0
    dtype: str = "float32"
    is_turned: bool = False

    @property
    def rank(self) -> int:
        """Number of axes without the batch."""
        return len(self.shape)

    def axis(self, dim: int) -> int | None:
        """Return the canonical axis that is PyTorch's axis `dim`; None for the batch."""
        dim %= self.rank + 1
        return None if dim == self.batch else self.order[dim - (dim > self.batch)]

    @property
    def torch_shape(self) -> tuple[int, ...]:
        """Shape in PyTorch, without the batch."""
        return tuple(self.shape[axis] for axis in self.order)


@dataclass(frozen=True)
class Array:
    """A weight, or what was computed from weights alone.

    Attributes:
        names: of the weights in the state dict that it stands for.
        is_trained: whether training changes it.
        is_computed: whether it is not a weight itself.
    """

    tensor: Any
    names: tuple[str, ...]
    is_trained: bool
    is_computed: bool = False


@dataclass(frozen=True)
class Reshaping:
    """How axes become others.

    Attributes:
        first: order into which the canonical axes are put before; None where they may stay.
        shape: canonical shape after it.
        order: as in Value, after it.
    """

    first: tuple[int, ...] | None
    shape: tuple[int, ...]
    order: tuple[int, ...]


def reshaping(value: Value, wanted: Sequence[int]) -> Reshaping:
    """Return how a value takes another PyTorch shape with as little moving as possible.

    Axes that stay together keep their place; where several become one, they must lie one behind
    the other in the order in which PyTorch has them, or are put there before.

    Args:
        wanted: PyTorch's shape without the batch.
    """
    groups = _groups(value.torch_shape, wanted)
    places: list[tuple[int, list[int], list[int]]] = []  # where, canonical axes, new places
    free: list[int] = []
    for old, new in groups:
        axes = [value.order[i] for i in old if value.shape[value.order[i]] > 1]
        if axes:
            places.append((min(axes), axes, new))
        else:
            free += new
    places.sort(key=lambda item: item[0])
    moved = [axis for _, axes, _ in places for axis in axes]
    ones = [axis for axis in range(value.rank) if axis not in moved]
    first = None if moved == sorted(moved) else (*ones, *moved)
    row = [*free, *(place for _, _, new in places for place in new)]
    order = tuple(row.index(place) for place in range(len(wanted)))
    return Reshaping(first, tuple(wanted[place] for place in row), order)


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return runs of old and new axes that hold the same values; those of size 1 stand alone."""
    left = [i for i, size in enumerate(old) if size != 1]
    right = [i for i, size in enumerate(new) if size != 1]
    found: list[tuple[list[int], list[int]]] = []
    while left or right:
        ours, theirs = [left.pop(0)], [right.pop(0)]
        while prod(old[i] for i in ours) != prod(new[i] for i in theirs):
            if prod(old[i] for i in ours) < prod(new[i] for i in theirs):
                ours.append(left.pop(0))
            else:
                theirs.append(right.pop(0))
        found.append((ours, theirs))
    found += [([], [i]) for i, size in enumerate(new) if size == 1]
    return found


def from_canonical(array: NDArray[Any], value: Value) -> NDArray[Any]:
    """Return a canonical batch with its axes as the network has them."""
    return array.transpose(0, *(axis + 1 for axis in value.order))


def to_canonical(array: NDArray[Any], value: Value) -> NDArray[Any]:
    """Return a batch of the network's with canonical axes."""
    if array.ndim == 1:  # one number a sample is a row of one here
        return array.reshape(len(array), *value.shape)
    places = [0] * value.rank
    for place, axis in enumerate(value.order):
        places[axis] = place + 1
    return array.transpose(0, *places)
