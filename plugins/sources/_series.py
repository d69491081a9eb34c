"""Series of different lengths kept in one array, and their division into splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import BadFile, SplitName


class SeriesSamples:
    """Series of one split: a view of all steps of all series, one after the other.

    Args:
        values: steps × channels, float32.
        ends: end of each series in `values`.
        targets: class number of each series, or series × numbers to learn, float32.
        names: what a person knows each series by.
        chosen: the series of this split.
    """

    def __init__(
        self,
        values: NDArray[np.float32],
        ends: NDArray[np.int64],
        targets: NDArray[Any],
        names: Sequence[str],
        chosen: NDArray[np.intp],
    ) -> None:
        self._values = values
        self._stops = ends[chosen]
        self._starts = np.concatenate([[0], ends[:-1]])[chosen]
        self._targets = targets[chosen]
        self._names = [names[number] for number in chosen.tolist()]

    def __len__(self) -> int:
        return len(self._targets)

    def read(self, index: int) -> NDArray[Any]:
        """Return one series, time × channels."""
        return self._values[self._starts[index] : self._stops[index]]

    def name(self, index: int) -> str:
        """Return the file and the number of the series in it."""
        return self._names[index]

    def target(self, index: int) -> NDArray[Any]:
        """Return the number of the class, or the numbers to learn."""
        found: NDArray[Any] = self._targets[index]
        return found

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all series; zeros where numbers are to be learned."""
        return self._targets if self._targets.ndim == 1 else np.zeros(len(self), np.int64)

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Length and channels of every series."""
        lengths = self._stops - self._starts
        return np.column_stack([lengths, np.full(len(self), self._values.shape[1])])


def open_series(
    series: Sequence[NDArray[np.float32]],
    targets: NDArray[Any],
    classes: tuple[str, ...],
    names: Sequence[str],
    split: Split,
    *,
    train_count: int,
    bad: Sequence[BadFile] = (),
) -> Opened:
    """Divide series: those after the first `train_count` are the test split, if there are any.

    Args:
        targets: class numbers, or series × numbers to learn.
    """
    is_numbered = targets.ndim > 1
    ends = np.cumsum([len(one) for one in series])
    values = np.concatenate(series)
    parts: tuple[SplitName, ...] = ("validation", "test")
    chosen = stratified_split(
        np.zeros(train_count, np.int64) if is_numbered else targets[:train_count],
        split,
        parts if train_count == len(series) else parts[:1],
    )
    if train_count < len(series):
        chosen["test"] = np.arange(train_count, len(series))
    return Opened(
        splits={
            name: SeriesSamples(values, ends, targets, names, part)
            for name, part in chosen.items()
            if len(part)
        },
        classes=classes,
        target=TensorType(targets.shape[1:], ("features",)) if is_numbered else None,
        quantities=("target",) if is_numbered else (),
        bad_files=tuple(bad),
        fingerprint=fingerprint(values.tobytes(), ends.tobytes(), targets.tobytes()),
    )
