"""The samples that an exported file is asked, and how they are given to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.pytorch.code import PYTORCH
from plugins.backends.source.lengths import fewest_steps, steps_after
from plugins.backends.source.plan import lengths_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.backends.source.lengths import StepNames
    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network

SINGLY = 5
"""So many samples of different lengths are given one by one, too."""


@dataclass(frozen=True)
class Samples:
    """Some samples, canonical.

    Attributes:
        lengths: real steps of each; None where samples do not differ in length.
        fewest: steps that a batch has at least.
        output: what the lengths of the output follow from, where it varies.
    """

    inputs: NDArray[Any]
    lengths: NDArray[np.int64] | None = None
    fewest: int = 1
    output: StepNames | None = None

    @property
    def singly(self) -> list[int]:
        """Numbers of the samples that are given one by one: from the shortest to the longest."""
        if self.lengths is None:
            return []
        _, rows = np.unique(self.lengths, return_index=True)
        chosen = np.unique(np.linspace(0, len(rows) - 1, SINGLY).astype(int))
        return [int(rows[index]) for index in chosen]

    def asked(self) -> list[tuple[NDArray[Any], ...]]:
        """Return what the file is asked: all at once, then some one by one."""
        if self.lengths is None:
            return [(self.inputs,)]
        missing = max(self.fewest - self.inputs.shape[1], 0)
        filled = np.pad(self.inputs, ((0, 0), (0, missing), *((0, 0),) * (self.inputs.ndim - 2)))
        found: list[tuple[NDArray[Any], ...]] = [(filled, self.lengths)]
        for row in self.singly:
            steps = max(int(self.lengths[row]), self.fewest)
            found.append((filled[row : row + 1, :steps], self.lengths[row : row + 1]))
        return found

    def real(self, answers: Sequence[NDArray[np.float32]]) -> Mapping[int, NDArray[np.float32]]:
        """Return the real steps of what was answered one by one, by the sample's number."""
        found = dict(zip(self.singly, answers, strict=True))
        if self.lengths is None or self.output is None:
            return found
        return {
            row: answer[:, : steps_after(self.output, int(self.lengths[row]))]
            for row, answer in found.items()
        }


def samples_of(request: ExportRequest, inputs: NDArray[Any]) -> Samples:
    """Return a request's samples."""
    if request.sample_lengths is None:
        return Samples(inputs)
    output = lengths_at(request.network, PYTORCH).get(request.network.outputs[0].id)
    fewest = fewest_batch_steps(request.network)
    return Samples(inputs, request.sample_lengths, fewest, output)


def fewest_batch_steps(network: Network) -> int:
    """Return how many steps a batch must have for the exported files to take it."""
    return fewest_steps(lengths_at(network, PYTORCH).values())


def lengths_in_words(network: Network) -> list[str]:
    """Return what to say of the lengths that a file takes; nothing where samples are of one."""
    if not network.varying:
        return []
    words = "Its second input, “lengths”, holds how many steps of each sample are real; what comes "
    fewest = fewest_batch_steps(network)
    least = f" A batch has {fewest} steps or more." if fewest > 1 else ""
    return [f"{words}after them counts for nothing.{least}"]
