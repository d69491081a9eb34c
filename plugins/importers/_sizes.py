"""Finds out how the tensors inside a network that takes pictures follow their height and width.

It is run at several sizes, and a rule for each axis of its tensors is found, so that nothing has to
be run while a network is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workbench.document.graph import Graph

    Shape = tuple[int | None, ...]
    Run = Callable[[tuple[int, int]], Mapping[str, Shape] | None]
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


def growth_of(run: Run, size: tuple[int, int], shapes: Mapping[str, Shape]) -> Growth | None:
    """Return how the sizes of tensors follow from height and width; None where they cannot change.

    Args:
        run: returns the shapes for pictures of a size; None where the network refuses that.
        size: height and width that it was made for.
        shapes: for these.
    """
    height, width = size
    for step, offsets in ((1, ODD), (EVEN, WHOLE)):
        sizes = [(height + a, width + b) for a, b in offsets]
        runs = [run(each) for each in sizes]
        if any(found is None for found in runs):
            continue
        least = size
        for half in _smaller(height, width, step):
            if (small := run(half)) is not None:
                sizes, runs, least = [*sizes, half], [*runs, small], half
                break
        found = [shapes, *(each for each in runs if each is not None)]
        return Growth(step, least, dict(_rules([size, *sizes], found)))
    return None


def other_sizes(graph: Graph) -> Iterator[str]:
    """Say which other pictures a network takes that is kept as a block."""
    for node in graph.nodes:
        if found := node.params.get("sizes"):
            step, *least = found
            steps = "" if step == 1 else f", in steps of {step}"
            yield (
                f"Pictures may have other heights and widths, from {' × '.join(map(str, least))} "
                f"on{steps}: set them in the data settings."
            )


def _smaller(height: int, width: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield smaller sizes, from the smallest on."""
    for share in (4, 2):
        sizes = [size - size * (share - 1) // share // step * step for size in (height, width)]
        if min(sizes) >= SMALLEST:
            yield sizes[0], sizes[1]


def _rules(
    sizes: Sequence[tuple[int, int]], runs: Sequence[Mapping[str, Shape]]
) -> Iterator[tuple[str, Rules]]:
    """Yield rules for all axes of tensors that have them."""
    for name, first in runs[0].items():
        seen = [run.get(name, ()) for run in runs]
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
