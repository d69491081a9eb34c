"""Mixtures of two samples of a batch, with the targets of both in their shares."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.document.training import CutMix
from workbench.worker.ragged import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.document.training import Mixing
    from workbench.plugin_api.backend import Batch

MIXING_STREAM = 3
"""Keeps these random numbers apart from others of the same seed."""


def mixed(batch: Batch, mixing: Mixing, seed: Sequence[int]) -> Batch:
    """Return a batch whose samples are mixtures, each with another one of the batch.

    One share for the whole batch, as in both papers. It is the larger of the two, which comes to
    the same and makes `targets` the classes that prevail.

    Args:
        seed: (experiment seed, epoch, number of the batch); nothing else decides the draw.
    """
    key = np.random.SeedSequence([MIXING_STREAM, *seed])
    rng = np.random.Generator(np.random.Philox(key))
    share = float(rng.beta(mixing.alpha, mixing.alpha))
    share = max(share, 1 - share)
    partners = rng.permutation(len(batch))
    if isinstance(mixing, CutMix):
        inputs, share = _pasted(batch.inputs, partners, share, rng)
    else:
        inputs = _blended(batch.inputs, partners, share)
    return replace(batch, inputs=inputs, others=batch.targets[partners], share=share)


def _blended(inputs: NDArray[Any], partners: NDArray[np.intp], share: float) -> NDArray[Any]:
    """Return share · x + (1 − share) · x′ (Zhang et al., 2018)."""
    found = aligned(inputs.shape, inputs.dtype)
    np.multiply(inputs, np.float32(share), out=found)
    found += np.float32(1 - share) * inputs[partners]
    return found


def _pasted(
    inputs: NDArray[Any], partners: NDArray[np.intp], share: float, rng: np.random.Generator
) -> tuple[NDArray[Any], float]:
    """Return pictures with a rectangle of another one, and the share that they keep (Yun, 2019).

    The rectangle has the picture's proportions; what reaches beyond the picture is cut off, and
    the share is that of the pixels that really stay.
    """
    height, width = inputs.shape[1:3]
    side = math.sqrt(1 - share)
    row, column = rng.integers(height), rng.integers(width)
    high, wide = round(height * side), round(width * side)
    top, left = max(row - high // 2, 0), max(column - wide // 2, 0)
    bottom, right = min(row - high // 2 + high, height), min(column - wide // 2 + wide, width)
    found = aligned(inputs.shape, inputs.dtype)
    found[...] = inputs
    found[:, top:bottom, left:right] = inputs[partners, top:bottom, left:right]
    return found, 1 - (bottom - top) * (right - left) / (height * width)
