"""The order in which an epoch sees its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ORDER_STREAM = 1
"""Keeps the random numbers of the batch order apart from others of the same seed."""


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.intp]:
    """Return the order in which an epoch sees its samples; drawn from (seed, epoch) alone."""
    order: NDArray[np.intp] = _generator(seed, epoch).permutation(count)
    return order


def balanced_order(seed: int, epoch: int, targets: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return as many samples, of each class as many; drawn from (seed, epoch) alone.

    A rare class is gone through again and again, each time in another order, so that its samples
    are seen equally often but for one. A frequent class shows other samples in other epochs. What
    does not divide evenly falls to other classes in each epoch.
    """
    rng = _generator(seed, epoch)
    classes = np.unique(targets)
    wanted = np.full(len(classes), len(targets) // len(classes))
    wanted[rng.permutation(len(classes))[: len(targets) % len(classes)]] += 1
    drawn = []
    for label, count in zip(classes, wanted.tolist(), strict=True):
        members = np.flatnonzero(targets == label)
        rounds = -(-count // len(members))
        drawn += [rng.permutation(members) for _ in range(rounds - 1)]
        drawn.append(rng.permutation(members)[: count - (rounds - 1) * len(members)])
    order: NDArray[np.intp] = rng.permutation(np.concatenate(drawn))
    return order


def balanced_words(classes: Sequence[str], counts: Sequence[int]) -> str:
    """Return a sentence on what a balanced epoch draws.

    Args:
        counts: training samples per class.
    """
    present = [(count, name) for count, name in zip(counts, classes, strict=True) if count]
    each = sum(counts) / len(present)
    rare, frequent = min(present), max(present)
    said = f"Each epoch draws every class about {each:.0f} times"
    if rare[0] == frequent[0]:
        return f"{said}; all have as many samples anyway."
    return (
        f"{said}: each of the {rare[0]} samples of “{rare[1]}” {each / rare[0]:.1f} times, "
        f"{min(each / frequent[0], 1):.0%} of the {frequent[0]} of “{frequent[1]}”."
    )


def occurrences(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how often each sample has come before in the order: nothing but 0 without repeats."""
    by_sample = np.argsort(order, kind="stable")
    ranked = order[by_sample]
    first = np.searchsorted(ranked, ranked)
    found = np.empty(len(order), np.intp)
    found[by_sample] = np.arange(len(order)) - first
    return found


def _generator(seed: int, epoch: int) -> np.random.Generator:
    key = np.random.SeedSequence([ORDER_STREAM, seed, epoch])
    return np.random.Generator(np.random.Philox(key))
