"""Finds out what an ONNX graph that takes pictures makes of other heights and widths.

It is run at several sizes, and a rule for each axis of its tensors is found, so that nothing has to
be run while a network is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_entry import INPUT
from plugins.importers._onnx_reading import session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Rule = tuple[int, int, int, int, int]
    """(axis, times, add, over, plus): times · ⌊(size of that axis + add) / over⌋ + plus."""
    Rules = tuple[Rule | None, ...]

ODD = ((1, 2), (6, 9), (19, 23), (32, 33), (45, 52))
"""What height and width grow by, where any size may do."""
EVEN = 32
"""What sizes are multiples of, where networks halve them and put halves together again."""
WHOLE = ((EVEN, 2 * EVEN), (2 * EVEN, EVEN), (3 * EVEN, 2 * EVEN))
SMALLEST = 32
FACTORS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Growth:
    """How a graph follows the size of its pictures.

    Attributes:
        step: sizes differ from the first one by multiples of this.
        least: the smallest height and width that was tried.
        rules: of the axes of each tensor; None for one that keeps its size.
    """

    step: int
    least: tuple[int, int]
    rules: Mapping[str, Rules]


def growth_of(
    model: Any,
    shape: Sequence[int],
    places: tuple[int, int],
    shapes: Mapping[str, Sequence[int | None]],
) -> Growth | None:
    """Return how the sizes of tensors follow from height and width; None where they cannot change.

    Args:
        model: whose input may have any size.
        shape: of the input, with the batch.
        places: of height and width in it.
        shapes: of tensors that belong to samples, for that input.
    """
    runner = _Runner(model, shape, places, list(shapes))
    height, width = shape[places[0]], shape[places[1]]
    first = {name: tuple(found) for name, found in shapes.items()}
    for step, offsets in ((1, ODD), (EVEN, WHOLE)):
        sizes = [(height + a, width + b) for a, b in offsets]
        runs = [runner.shapes(size) for size in sizes]
        if any(run is None for run in runs):
            continue
        least = (height, width)
        for half in _smaller(height, width, step):
            if (small := runner.shapes(half)) is not None:
                sizes, runs, least = [*sizes, half], [*runs, small], half
                break
        found = [first, *(run for run in runs if run is not None)]
        rules = dict(_rules([(height, width), *sizes], found))
        return Growth(step, least, rules)
    return None


def free(graph: Any, places: tuple[int, int]) -> None:
    """Let the graph's input have any height and width."""
    own = next(each for each in graph.input if each.name == INPUT)
    for place in places:
        own.type.tensor_type.shape.dim[place].dim_param = f"size_{place}"


def _smaller(height: int, width: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield smaller sizes, from the smallest on."""
    for share in (4, 2):
        sizes = [size - size * (share - 1) // share // step * step for size in (height, width)]
        if min(sizes) >= SMALLEST:
            yield sizes[0], sizes[1]


class _Runner:
    """Runs a graph on pictures of any size."""

    def __init__(
        self, model: Any, shape: Sequence[int], places: tuple[int, int], names: Sequence[str]
    ) -> None:
        from onnx import ModelProto, ValueInfoProto

        whole = ModelProto()
        whole.CopyFrom(model)
        del whole.graph.output[:]
        whole.graph.output.extend(ValueInfoProto(name=name) for name in names)
        self._shape, self._places, self._names = shape, places, names
        self._session = session(whole.SerializeToString())

    def shapes(self, size: tuple[int, int]) -> dict[str, tuple[int, ...]] | None:
        """Return the shapes of a sample's tensors; None where the graph refuses the size."""
        shape = list(self._shape)
        shape[self._places[0]], shape[self._places[1]] = size
        rows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        try:
            found = self._session.run(self._names, {INPUT: rows})
        except Exception:  # onnxruntime has kinds of its own
            return None
        if any(len(array) != shape[0] for array in found):
            return None
        return {name: array.shape[1:] for name, array in zip(self._names, found, strict=True)}


def _rules(
    sizes: Sequence[tuple[int, int]], runs: Sequence[Mapping[str, tuple[int | None, ...]]]
) -> Iterator[tuple[str, Rules]]:
    """Yield rules for all axes of tensors that have them."""
    for name, first in runs[0].items():
        seen = [run[name] for run in runs]
        if any(len(shape) != len(first) for shape in seen):
            continue
        rules: list[Rule | None] = []
        for axis in range(len(first)):
            lengths = [int(shape[axis] or 0) for shape in seen]
            rule = _rule(sizes, lengths) if len(set(lengths)) > 1 else None
            if rule is None and len(set(lengths)) > 1:
                break
            rules.append(rule)
        else:
            yield name, tuple(rules)


def _rule(sizes: Sequence[tuple[int, int]], lengths: Sequence[int]) -> Rule | None:
    """Return a rule that gives all these lengths; None where there is none."""
    for axis in (0, 1):
        given = [size[axis] for size in sizes]
        low, high = given.index(min(given)), given.index(max(given))
        slope = (lengths[high] - lengths[low]) / (given[high] - given[low])
        for over in FACTORS:
            for times in FACTORS:
                spread = 2 * times / (given[high] - given[low])
                if abs(times / over - slope) > spread:
                    continue
                for add in range(-2 * over, 2 * over + 1):
                    found = [times * ((size + add) // over) for size in given]
                    plus = lengths[0] - found[0]
                    if all(a + plus == b for a, b in zip(found, lengths, strict=True)):
                        return axis, times, add, over, plus
    return None
