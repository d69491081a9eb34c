"""What a Keras model takes of a batch: integers of 32 bits, lengths, and few different shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.data import IGNORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.network import Network
    from workbench.plugin_api.tensors import TensorType

STEP = 8
"""Batches are filled up to multiples of this."""


def extents(longest: int) -> tuple[int, ...]:
    """Return the numbers of steps that a framework which compiles for each shape is given.

    The longest, and each time 1/√2 of the one before, all rounded up to multiples of 8: for 100
    steps 8, 16, 24, 32, 40, 56, 72 and 104. So there are at most 2 log2(longest / 8) + 2, and
    filling a batch up adds less than half to its steps, or 8.
    """
    count = 2 * max(math.ceil(math.log2(max(longest, STEP) / STEP)), 0) + 1
    sizes = (max(longest, STEP) / 2 ** (number / 2) for number in range(count))
    return tuple(sorted({STEP * math.ceil(size / STEP) for size in sizes} | {STEP}))


class Arguments:
    """Makes of samples what the model of a network takes.

    Args:
        target: type of one target; None: a class number.
        given: numbers of steps to which samples are filled up, ascending; longer ones to a
            doubling of the last. None: they stay as long as they are.
    """

    def __init__(
        self, network: Network, target: TensorType | None, given: Sequence[int] | None = None
    ) -> None:
        kind = network.inputs[0].output
        self.varies = bool(network.varying)
        self.target_varies = target is not None and target.varies
        self.dtype = "int32" if kind.dtype.startswith("int") else "float32"
        self.shape = tuple(kind.shape)
        self._extents = given

    def __call__(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None) -> Any:
        """Return the inputs, or a list of them and their lengths where samples differ in length.

        Args:
            lengths: None: all steps are real.
        """
        inputs = inputs.astype(self.dtype, copy=False)
        if not self.varies:
            return inputs
        if lengths is None:
            lengths = np.full(len(inputs), inputs.shape[1], np.int64)
        return [self._filled(inputs, 0), lengths.astype(np.int32)]

    def targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return targets as long as the inputs, where they have a value for each step."""
        return self._filled(targets, IGNORED) if self.target_varies else targets

    def _filled(self, array: NDArray[Any], value: int) -> NDArray[Any]:
        missing = self.steps(array.shape[1]) - array.shape[1]
        if not missing:
            return array
        pads = ((0, 0), (0, missing), *((0, 0) for _ in array.shape[2:]))
        return np.pad(array, pads, constant_values=value)

    def steps(self, count: int) -> int:
        """Return to how many steps samples of `count` are filled up."""
        if self._extents is None:
            return count
        for extent in self._extents:
            if count <= extent:
                return extent
        extent = self._extents[-1]
        while extent < count:
            extent *= 2
        return extent
