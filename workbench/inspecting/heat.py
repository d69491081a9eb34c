"""The colours of an explanation that lies over a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


FOR, AGAINST = ((214, 84, 30), (255, 214, 90)), ((31, 102, 214), (130, 214, 255))
"""Colours of what speaks a little and much for a class, and against it."""


def heat(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return what an explanation lays over a picture: rows × columns × RGBA, not premultiplied.

    What says nothing is transparent; the largest value, for or against, is opaque.
    """
    finite = np.nan_to_num(np.asarray(values, np.float64))
    most = np.abs(finite).max(initial=0.0) or 1.0
    share = np.abs(finite)[..., None] / most
    colours = np.where(finite[..., None] > 0, *(_ramp(share, pair) for pair in (FOR, AGAINST)))
    found: NDArray[np.uint8] = np.rint(np.concatenate([colours, 255 * share], -1)).astype(np.uint8)
    return found


def _ramp(
    share: NDArray[np.float64], pair: tuple[tuple[int, ...], tuple[int, ...]]
) -> NDArray[np.float64]:
    little, much = (np.array(colour, np.float64) for colour in pair)
    mixed: NDArray[np.float64] = little + (much - little) * share
    return mixed
