"""Runs an ONNX file that takes texts, as it came, on padded batches of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from plugins.importers._onnx_texts import Texts


@dataclass(frozen=True)
class TextRunner:
    """Runs a file on tokens.

    Attributes:
        opening: returns onnxruntime's session.
        outputs: which are wanted.
        moves: bring the axes of each output to their canonical places.
    """

    opening: Callable[[], Any]
    texts: Texts
    outputs: Sequence[str]
    moves: Sequence[Callable[[NDArray[Any]], NDArray[Any]]]

    def __call__(
        self, tokens: NDArray[Any], lengths: Sequence[int] | None = None
    ) -> list[NDArray[np.float32]]:
        """Return the outputs for texts of which so many tokens are real each; None: all are.

        Raises:
            UserError: onnxruntime cannot run the file.
        """
        steps = tokens.shape[1]
        real = np.full(len(tokens), steps) if lengths is None else np.asarray(lengths)
        opened, parts = self.opening(), []
        try:
            for rows, ends in self._portions(tokens, real):
                found = opened.run(list(self.outputs), self.texts.feed(rows, ends))
                parts.append([_of_steps(value, rows.shape[1], steps) for value in found])
        except Exception as error:  # onnxruntime has kinds of its own
            raise UserError(
                "onnxruntime cannot run this file, so that nothing can be compared: "
                f"{first_line(error)}",
                "Export it again, with another version of its exporter or of ONNX' operators.",
            ) from error
        whole = [np.concatenate(values)[: len(tokens)] for values in zip(*parts, strict=True)]
        return [
            move(value).astype(np.float32) for move, value in zip(self.moves, whole, strict=True)
        ]

    def _portions(
        self, tokens: NDArray[Any], real: NDArray[Any]
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yield as many texts as the file takes, as long as it takes them."""
        texts = self.texts
        size = texts.batch or (1 if texts.is_alone else len(tokens))
        for start in range(0, len(tokens), size):
            rows = np.resize(tokens[start : start + size], (size, tokens.shape[1]))
            ends = np.resize(real[start : start + size], size)
            if texts.is_alone:
                rows = rows[:, : ends[0]]
            if texts.steps:
                rows = np.pad(rows, ((0, 0), (0, texts.steps - rows.shape[1])))
            yield rows, ends


def _of_steps(value: NDArray[Any], given: int, wanted: int) -> NDArray[Any]:
    """Return an output with as many steps as there are tokens, where it has steps at all."""
    if value.ndim < 3 or value.shape[1] != given or given == wanted:
        return value
    if given > wanted:
        return value[:, :wanted]
    return np.pad(value, ((0, 0), (0, wanted - given), *[(0, 0)] * (value.ndim - 2)))
