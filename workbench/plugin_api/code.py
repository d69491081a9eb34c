"""What a layer contributes to a generated module, and where its weights live there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Layout = Literal["channels_first", "channels_last", "same"]


@dataclass(frozen=True)
class Bind:
    """Ties a canonical weight to a tensor of the generated module, as data.

    Framework tensor = canonical[blocks].transpose(transpose).reshape(shape); the way back is exact.

    Attributes:
        attribute: dotted path below the node's own attribute ("weight", "0.bias").
        transpose: order of the canonical axes; None keeps it.
        shape: shape in the framework; None keeps the transposed one.
        blocks: the last canonical axis is as many equal parts, and the framework has part
            `blocks[i]` at place i (gates of a recurrent layer); None keeps their order.
    """

    attribute: str
    transpose: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    blocks: tuple[int, ...] | None = None

    def to_framework(self, canonical: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return a contiguous array in the framework's layout."""
        array = canonical if self.blocks is None else _reordered(canonical, self.blocks)
        array = array if self.transpose is None else array.transpose(self.transpose)
        return np.ascontiguousarray(array if self.shape is None else array.reshape(self.shape))

    def to_canonical(
        self, value: NDArray[np.generic], canonical_shape: tuple[int, ...]
    ) -> NDArray[np.generic]:
        """Return a contiguous array in the canonical layout."""
        order = range(len(canonical_shape)) if self.transpose is None else self.transpose
        moved = value.reshape(tuple(canonical_shape[axis] for axis in order))
        found = moved.transpose(np.argsort(order))
        if self.blocks is not None:
            places = [self.blocks.index(place) for place in range(len(self.blocks))]
            found = _reordered(found, places)
        return np.ascontiguousarray(found)


def _reordered(array: NDArray[np.generic], blocks: Sequence[int]) -> NDArray[np.generic]:
    """Return an array with the equal parts of its last axis in another order."""
    parts = np.split(array, len(blocks), axis=-1)
    return np.concatenate([parts[index] for index in blocks], axis=-1)


@dataclass(frozen=True)
class Lengths:
    """How a layer changes the number of real steps: max((before + offset) // stride, 1)."""

    offset: int = 0
    stride: int = 1


@dataclass(frozen=True)
class Code:
    """A layer's part of a generated module.

    Attributes:
        call: expression of the output. `{0}`, `{1}` … stand for the inputs and `{self}` for the
            node's own attribute: "F.relu({self}({0}))", "{0} + {1}". Where an input varies (see
            TensorType.varies), `{lengths}` is how many of its steps are real (batch, integers)
            and `{mask}` which (batch × time, true for real ones); of the first input, or
            `{lengths1}`, `{mask1}` of the second, and so on. Values at other steps may be
            anything, and must not change those at real steps.
        init: constructor expression of the node's attribute; empty when it needs none.
        layout: how the layer wants its inputs and leaves its output. "same" takes either, as long
            as all inputs agree, and keeps it.
        binds: canonical weight name to its place in the attribute.
        helpers: name to source of the classes and functions the expressions use and the
            framework lacks; each is put once at the top of the module.
        lengths: how many steps the output has; None: as many as the first input that varies.
        held: dotted paths below the attribute of modules that stay in evaluation mode while the
            rest of the node is trained; their weights are `frozen`.
    """

    call: str
    init: str = ""
    layout: Layout = "same"
    binds: Mapping[str, Bind] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    lengths: Lengths | None = None
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class GeneratedCode:
    """A whole generated module.

    Attributes:
        source: text of the module; imports the framework and nothing of the workbench.
        class_name: name of the network's class in it.
        lines: line number (from 1) of the source to the node it was written for.
    """

    source: str
    class_name: str
    lines: Mapping[int, str]
