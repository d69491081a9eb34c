"""Texts that are held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class TextSamples:
    """Texts of one split, with the line at which each stands."""

    def __init__(
        self, texts: Sequence[str], targets: NDArray[np.int64], chosen: NDArray[np.intp]
    ) -> None:
        self._texts = [texts[number] for number in chosen.tolist()]
        self._targets = targets[chosen]
        self._numbers = chosen

    def __len__(self) -> int:
        return len(self._texts)

    def read(self, index: int) -> NDArray[Any]:
        """Return one text, a NumPy string without axes."""
        return np.array(self._texts[index])

    def name(self, index: int) -> str:
        """Return the number of the text, from 1."""
        return f"{self._numbers[index] + 1}"

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all texts."""
        return self._targets


class NumberedTexts(TextSamples):
    """Texts of one split with numbers to learn: texts × numbers, float32."""

    def __init__(
        self, texts: Sequence[str], numbers: NDArray[np.float32], chosen: NDArray[np.intp]
    ) -> None:
        super().__init__(texts, np.zeros(len(texts), np.int64), chosen)
        self._to_learn = numbers[chosen]

    def target(self, index: int) -> NDArray[np.float32]:
        """Return the numbers of one text."""
        found: NDArray[np.float32] = self._to_learn[index]
        return found
