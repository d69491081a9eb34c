"""What sources of tagged sentences share: the order of tags, and how sentences are divided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from plugins.sources._numbers import Numbers
    from workbench.document.experiment import Split
    from workbench.plugin_api.data import Samples, SplitName

    class Sentences(Samples, Protocol):
        """Sentences of which some can be taken."""

        def part(self, chosen: NDArray[np.intp]) -> Self: ...


class Tagged:
    """Sentences of one split as far as their tags go.

    Args:
        tags: numbers of the tags of each sentence's words.
    """

    def __init__(self, tags: Numbers) -> None:
        self._tags = tags

    def __len__(self) -> int:
        return len(self._tags)

    def target(self, index: int) -> NDArray[np.int64]:
        """Return the number of each word's tag."""
        return self._tags[index]

    @property
    def targets(self) -> NDArray[np.int64]:
        """Zeros: a sentence has no class of its own."""
        return np.zeros(len(self), np.int64)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Words with each tag."""
        return tuple(np.bincount(self._tags.values).tolist())


def divided(found: Mapping[str, Sentences], split: Split) -> dict[SplitName, Samples]:
    """Cut off, at random, the parts that have no file of their own; the rest is for training."""
    whole = found["train"]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([split.seed])))
    order = rng.permutation(len(whole))
    parts: dict[SplitName, Samples] = {}
    names: tuple[SplitName, ...] = ("validation", "test")
    for name in names:
        if name in found:
            parts[name] = found[name]
            continue
        share = float(getattr(split, name))
        count = min(max(round(len(whole) * share), 1), len(order) - 1) if share > 0 else 0
        if count:
            parts[name] = whole.part(np.sort(order[:count]))
        order = order[count:]
    return {"train": whole.part(np.sort(order)), **parts}


def in_order(tag: str) -> tuple[bool, str, str]:
    """Return what sorts tags: “O” first, then B before I of each kind."""
    return tag != "O", tag.partition("-")[2], tag
