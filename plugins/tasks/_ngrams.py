"""A trigram language model: interpolated, with modified Kneser-Ney smoothing.

S. F. Chen and J. Goodman (1999), An empirical study of smoothing techniques for language modeling,
Computer Speech & Language 13(4): https://doi.org/10.1006/csla.1999.0128
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class KneserNey:
    """Counts of a stream of tokens, up to trigrams.

    Args:
        stream: what is learned from.
        vocabulary: number of different tokens; its cube must fit into 63 bits.
    """

    def __init__(self, stream: NDArray[Any], vocabulary: int) -> None:
        size = self._size = vocabulary
        tokens = stream.astype(np.int64)
        triples = (tokens[:-2] * size + tokens[1:-1]) * size + tokens[2:]
        self._three = _Level(*_counted(triples), size)
        # Lower orders count in how many different contexts a token was seen, not how often.
        self._two = _Level(*_counted(self._three.keys % (size * size)), size)
        self._one = _Level(*_counted(self._two.keys % size), size)

    def losses(self, tokens: NDArray[Any]) -> NDArray[np.float64]:
        """Return −ln p of each token from the third on, given the two before it."""
        size, stream = self._size, tokens.astype(np.int64)
        first, second, last = stream[:-2], stream[1:-1], stream[2:]
        share = self._one.mixed(last, np.zeros_like(last), np.full(len(last), 1 / size))
        share = self._two.mixed(second * size + last, second, share)
        pairs = first * size + second
        share = self._three.mixed(pairs * size + last, pairs, share)
        found: NDArray[np.float64] = -np.log(share)
        return found


class _Level:
    """n-grams of one length with their counts, and what each context has in all."""

    def __init__(self, keys: Ints, counts: Ints, size: int) -> None:
        self.keys = keys
        self._counts = counts
        self._discounts = _discounts(counts)
        contexts, starts = np.unique(keys // size, return_index=True)
        self._contexts = contexts
        if len(keys):
            self._totals = np.add.reduceat(counts, starts)
            self._left = np.add.reduceat(self._discounts[counts.clip(max=3)], starts)
        else:
            self._totals, self._left = counts, counts.astype(float)

    def mixed(
        self, keys: Ints, contexts: Ints, shorter: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return p(last | context), interpolated with that of the shorter context."""
        counts = _looked_up(self.keys, self._counts, keys)
        totals = _looked_up(self._contexts, self._totals, contexts).astype(float)
        left = _looked_up(self._contexts, self._left, contexts)
        seen = totals > 0
        discounted = np.maximum(counts - self._discounts[counts.clip(max=3)], 0)
        mixed = (discounted + left * shorter) / np.where(seen, totals, 1)
        return np.where(seen, mixed, shorter)


def _counted(keys: Ints) -> tuple[Ints, Ints]:
    found, counts = np.unique(keys, return_counts=True)
    return found, counts.astype(np.int64)


def _looked_up(keys: Ints, values: NDArray[Any], wanted: Ints) -> NDArray[Any]:
    if not len(keys):
        return np.zeros(len(wanted), values.dtype)
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], np.zeros(1, values.dtype))


def _discounts(counts: Ints) -> NDArray[np.float64]:
    """Return what is taken off a count of 0, 1, 2, and 3 or more."""
    seen = [int((counts == times).sum()) for times in (1, 2, 3, 4)]
    one, two = seen[:2]
    if not one or not two:
        return np.array([0.0, 0.5, 0.75, 0.9])
    ratio = one / (one + 2 * two)
    found = [0.0]
    for times, (n, after) in enumerate(pairwise(seen), 1):
        value = times - (times + 1) * ratio * after / n if n else float(times) / 2
        found.append(min(max(value, 0.05), times - 0.05))
    return np.array(found)
