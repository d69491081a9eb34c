"""Series of different lengths kept in one array, and their division into splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened

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
        targets: class number of each series.
        names: what a person knows each series by.
        chosen: the series of this split.
    """

    def __init__(
        self,
        values: NDArray[np.float32],
        ends: NDArray[np.int64],
        targets: NDArray[np.int64],
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

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all series."""
        return self._targets

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Length and channels of every series."""
        lengths = self._stops - self._starts
        return np.column_stack([lengths, np.full(len(self), self._values.shape[1])])


def open_series(
    series: Sequence[NDArray[np.float32]],
    targets: NDArray[np.int64],
    classes: tuple[str, ...],
    names: Sequence[str],
    split: Split,
    *,
    train_count: int,
    bad: Sequence[BadFile] = (),
) -> Opened:
    """Divide series: those after the first `train_count` are the test split, if there are any."""
    ends = np.cumsum([len(one) for one in series])
    values = np.concatenate(series)
    parts: tuple[SplitName, ...] = ("validation", "test")
    chosen = stratified_split(
        targets[:train_count], split, parts if train_count == len(series) else parts[:1]
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
        bad_files=tuple(bad),
        fingerprint=fingerprint(values.tobytes(), ends.tobytes(), targets.tobytes()),
    )
