"""Text that goes on: windows of a stream of tokens, and how a network continues one.

Sampling with a temperature, from the k likeliest tokens (Fan et al., 2018), or from the likeliest
ones that together have the probability p (Holtzman et al., 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.plugin_api.data import IGNORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

PADDING_ID = 0
"""Stands in inputs behind the end of a text; no network should write it."""


class Tokens(Protocol):
    """A preparation whose samples are windows of one text that goes on."""

    context: int
    """Tokens that the network sees at most."""

    def encoded(self, text: str, fitted: dict[str, Any]) -> NDArray[np.int64]:
        """Return the numbers of a text's tokens."""
        ...

    def decoded(self, tokens: Sequence[int], fitted: dict[str, Any]) -> str:
        """Return the text of tokens."""
        ...

    def characters(self, fitted: dict[str, Any]) -> NDArray[np.float32] | None:
        """Return each token's length in characters; None where tokens lose some of the text."""
        ...


class TokenWindows:
    """Overlapping windows of a stream of tokens; the target of each is the token that follows.

    Args:
        stream: all tokens of a split, in order.
        context: tokens of a window; the last one is filled up.
        stride: tokens from one window to the next.
    """

    def __init__(self, stream: NDArray[Any], context: int, stride: int) -> None:
        self.stream = stream
        self._context = context
        self._stride = stride
        left = len(stream) - 1 - context
        self._count = 0 if len(stream) < 2 else 1 + max(-(-left // stride), 0)

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> NDArray[np.int64]:
        """Return the tokens of a window."""
        return self._window(index * self._stride, self.stream[:-1], PADDING_ID)

    def target(self, index: int) -> NDArray[np.int64]:
        """Return the token after each of a window; IGNORED behind the end of the stream."""
        return self._window(index * self._stride, self.stream[1:], IGNORED)

    def name(self, index: int) -> str:
        """Return where the window begins."""
        return f"from token {index * self._stride + 1}"

    @property
    def targets(self) -> NDArray[np.int64]:
        """Zeros: there are no classes."""
        return np.zeros(self._count, np.int64)

    def _window(self, start: int, values: NDArray[Any], fill: int) -> NDArray[np.int64]:
        part = values[start : start + self._context]
        found = np.full(self._context, fill, np.int64)
        found[: len(part)] = part
        return found


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn.

    Attributes:
        temperature: 0 always takes the likeliest; above 1 it is drawn more freely.
        top_k: among so many of the likeliest; 0: among all.
        top_p: among the likeliest that have this probability together.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0


@dataclass(frozen=True)
class Step:
    """One token that was written.

    Attributes:
        token: its number.
        probability: what the network gave it, before temperature and cuts.
        likeliest: numbers of the tokens that it found likeliest, and their probabilities.
    """

    token: int
    probability: float
    likeliest: tuple[tuple[int, float], ...]


def continued(
    logits: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    tokens: Sequence[int],
    sampling: Sampling,
    rng: np.random.Generator,
    alternatives: int = 5,
) -> Iterator[Step]:
    """Yield one token after the other, without end.

    Args:
        logits: all tokens so far -> one number for each token that may follow.
        tokens: the beginning; not empty.
    """
    written = list(tokens)
    while True:
        found = np.array(logits(np.array(written, np.int64)), np.float64)
        found[PADDING_ID] = -np.inf
        plain = _softmax(found)
        token = _drawn(found, sampling, rng)
        best = np.argsort(-plain, kind="stable")[:alternatives].tolist()
        yield Step(token, float(plain[token]), tuple((n, float(plain[n])) for n in best))
        written.append(token)


def _drawn(logits: NDArray[np.float64], sampling: Sampling, rng: np.random.Generator) -> int:
    if sampling.temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")
    if sampling.top_k:
        order = order[: sampling.top_k]
    chances = _softmax(logits[order] / sampling.temperature)
    if sampling.top_p < 1:
        kept = 1 + int(np.searchsorted(np.cumsum(chances), sampling.top_p))
        order, chances = order[:kept], chances[:kept] / chances[:kept].sum()
    return int(rng.choice(order, p=chances))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = np.exp(logits - logits.max())
    found: NDArray[np.float64] = shifted / shifted.sum()
    return found
