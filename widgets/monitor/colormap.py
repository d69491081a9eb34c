"""The colours of feature maps: viridis (Smith and van der Walt, 2015), worked out once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Seventeen equally spaced stops; what lies between them is interpolated.
_STOPS = (
    (68, 1, 84),
    (72, 24, 106),
    (71, 45, 123),
    (66, 64, 134),
    (59, 82, 139),
    (51, 99, 141),
    (44, 114, 142),
    (38, 130, 142),
    (33, 145, 140),
    (31, 160, 136),
    (40, 174, 128),
    (63, 188, 115),
    (94, 201, 98),
    (132, 212, 75),
    (173, 220, 48),
    (216, 226, 25),
    (253, 231, 37),
)


@cache
def viridis() -> NDArray[np.uint32]:
    """Return 256 colours as 0xffRRGGBB, the pixels of QImage.Format_RGB32."""
    stops = np.array(_STOPS, np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    red, green, blue = (
        np.rint(np.interp(at, np.arange(len(stops)), stops[:, channel])).astype(np.uint32)
        for channel in range(3)
    )
    table = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    table.setflags(write=False)
    return table


# From against to for; the middle is the ground that nothing stands out from.
_AGAINST = {True: (91, 157, 255), False: (31, 102, 214)}
_FOR = {True: (255, 138, 76), False: (214, 84, 30)}


@cache
def diverging(ground: str) -> NDArray[np.uint32]:
    """Return 255 colours from blue by the ground colour to orange; the middle one is exactly that.

    Args:
        ground: #rrggbb of what lies around, dark or light.
    """
    middle = tuple(int(ground[place : place + 2], 16) for place in (1, 3, 5))
    dark = sum(middle) < 3 * 128
    stops = np.array((_AGAINST[dark], middle, _FOR[dark]), np.float64)
    at = np.linspace(0, 2, 255)
    red, green, blue = (
        np.rint(np.interp(at, np.arange(3), stops[:, channel])).astype(np.uint32)
        for channel in range(3)
    )
    table = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    table.setflags(write=False)
    return table


def diverged(values: NDArray[np.floating], most: float, ground: str) -> NDArray[np.uint32]:
    """Return the colours of values from -most to most, 0xffRRGGBB; NaN is the ground itself."""
    shares = np.nan_to_num(values) / (most or 1.0)
    levels = np.rint(np.clip(shares, -1, 1) * 127).astype(np.int64) + 127
    return diverging(ground)[levels]
