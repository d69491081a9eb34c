"""What flows along an edge: a shape with named axes, and a dtype."""

from __future__ import annotations

import math

import msgspec

from workbench.errors import UserError

IMAGE_AXES = ("height", "width", "channels")
SEQUENCE_AXES = ("time", "features")


class ShapeError(UserError):
    """A layer cannot take what it is given; says why in words and what would help."""


class TensorType(msgspec.Struct, frozen=True):
    """Type of one tensor. The batch axis is left out; features or channels come last.

    Attributes:
        shape: size of each axis; None where it varies from sample to sample.
        axes: name of each axis, as long as shape ("height", "width", "channels", "features").
        dtype: NumPy name.
    """

    shape: tuple[int | None, ...]
    axes: tuple[str, ...] = ()
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if not self.axes and self.shape:
            msgspec.structs.force_setattr(self, "axes", default_axes(len(self.shape)))
        if len(self.axes) != len(self.shape):
            raise ValueError(f"{len(self.shape)} sizes but {len(self.axes)} axis names")

    @property
    def rank(self) -> int:
        """Number of axes without the batch."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values in one sample; varying axes count as one."""
        return math.prod(n for n in self.shape if n is not None)

    @property
    def varies(self) -> bool:
        """Whether samples differ in their number of steps; their lengths then travel along."""
        return bool(self.shape) and self.axes[0] == "time" and self.shape[0] is None

    def __str__(self) -> str:
        return " × ".join("?" if n is None else str(n) for n in self.shape)

    def in_words(self) -> str:
        """Return the axes by name, "height × width × channels"."""
        return " × ".join(self.axes)


def default_axes(rank: int) -> tuple[str, ...]:
    """Name the axes of a tensor by its rank alone: vector, sequence, image, video."""
    names = {
        0: (),
        1: ("features",),
        2: SEQUENCE_AXES,
        3: IMAGE_AXES,
        4: ("depth", *IMAGE_AXES),
    }
    return names.get(rank, (*(f"axis {i + 1}" for i in range(rank - 1)), "features"))
