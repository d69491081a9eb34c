"""Which predictions are shown, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from widgets.monitor.gallery import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.class_results import ClassResults

Order = Literal["wrong", "mistaken", "confident", "unsure", "data"]
ORDERS: tuple[tuple[Order, str], ...] = (
    ("wrong", "Highest loss"),
    ("mistaken", "Surest mistakes"),
    ("confident", "Most confident"),
    ("unsure", "Least sure"),
    ("data", "As in the data"),
)


def chosen(
    results: ClassResults, order: Order, true: int | None = None, answer: int | None = None
) -> NDArray[np.int64]:
    """Return the rows of the results in an order, of one true class and one answer if told.

    "wrong" puts the highest loss first, the true class being least likely; "mistaken" has only
    wrong answers, the surest first; "unsure" puts first where the best answer is least likely.
    """
    best = results.top_classes[:, 0]
    keep = np.ones(len(best), bool)
    if true is not None:
        keep &= results.targets == true
    if answer is not None:
        keep &= best == answer
    if order == "mistaken":
        keep &= results.targets != best
    found = np.flatnonzero(keep)
    probability = results.top_probabilities[found, 0]
    keys = {
        "wrong": results.target_probability[found],
        "mistaken": -probability,
        "confident": -probability,
        "unsure": probability,
        "data": found,
    }
    return found[np.argsort(keys[order], kind="stable")]


class Answers:
    """A sequence of answers that makes each only when it is looked at.

    Args:
        indices: number in the split of each row's sample.
    """

    def __init__(
        self,
        results: ClassResults,
        indices: NDArray[np.int64],
        rows: NDArray[np.int64],
        classes: Sequence[str],
    ) -> None:
        self._results = results
        self._indices = indices
        self._rows = rows
        self._classes = classes

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int | slice) -> Answer | list[Answer]:
        if isinstance(at, slice):
            return [self._answer(int(row)) for row in self._rows[at]]
        return self._answer(int(self._rows[at]))

    def _answer(self, row: int) -> Answer:
        results = self._results
        return Answer(
            index=int(self._indices[row]),
            true=self._classes[results.targets[row]],
            answer=self._classes[results.top_classes[row, 0]],
            probability=float(results.top_probabilities[row, 0]),
            true_probability=float(results.target_probability[row]),
        )
