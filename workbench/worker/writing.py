"""A trained language model writes: one token after the other, with what else it thought of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError
from workbench.plugin_api.writing import PADDING_ID, Sampling, continued
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.writing import Tokens
    from workbench.runs.folder import RunFolder

TASK = "language_modelling"
BACKEND = "torch"
"""Weights move between backends, and this one takes texts of any length without compiling."""
BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Written:
    """A token that was written.

    Attributes:
        text: what it adds; empty while a character is not complete.
        probability: that the network gave it.
        alternatives: the likeliest tokens here, and their probabilities.
    """

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...]


class Writer:
    """Continues texts with a run's network.

    Attributes:
        trained: the network with all that belongs to it.

    Raises:
        UserError: the run is no language model, or cannot answer yet.
    """

    def __init__(self, folder: RunFolder, catalog: Catalog, which: Which = "best") -> None:
        self.trained = open_trained(folder, catalog, which, BACKEND)
        if self.trained.experiment.task.type != TASK:
            raise UserError(
                f"{folder.name} has not learned to write: its task is "
                f"{self.trained.task.title.lower()}.",
                "Choose a run whose task is language modelling.",
            )
        self._tokens = cast("Tokens", self.trained.preprocessing)
        self._takes_any = self._takes_short()

    def write(
        self, prompt: str, sampling: Sampling, seed: int, alternatives: int = 5
    ) -> Iterator[Written]:
        """Yield token after token, without end; what comes before the context is forgotten.

        A prompt that holds nothing the tokeniser knows begins at the end of a line.
        """
        fitted = self.trained.fitted
        start = self._tokens.encoded(prompt, fitted).tolist()
        written: list[int] = []
        shown = self._shown(start, written)
        for step in continued(
            self._logits, start, sampling, np.random.default_rng(seed), alternatives
        ):
            written.append(step.token)
            before, shown = shown, self._shown(start, written)
            if shown.endswith(BROKEN):  # a character of several tokens
                shown = before
            yield Written(
                shown[len(before) :],
                step.probability,
                tuple((self._text(token), share) for token, share in step.likeliest),
            )

    def _shown(self, start: Sequence[int], written: Sequence[int]) -> str:
        """Return the text from the last tokens of the prompt on; spaces depend on neighbours."""
        return self._tokens.decoded([*start[-8:], *written], self.trained.fitted)

    def _text(self, token: int) -> str:
        return self._tokens.decoded([token], self.trained.fitted)

    def _logits(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        context = self._tokens.context
        seen = tokens[-context:]
        at = len(seen) - 1
        if not self._takes_any:
            seen = np.pad(seen, (0, context - len(seen)), constant_values=PADDING_ID)
        found: NDArray[np.float32] = self.trained.model.predict(seen[None])[
            0, at, : self.trained.fitted["tokens"]
        ]
        return found

    def _takes_short(self) -> bool:
        probe: NDArray[Any] = np.ones((1, 2), np.int64)
        try:
            return bool(self.trained.model.predict(probe).shape[1] == 2)
        except (NodeError, UserError, ValueError):
            return False
