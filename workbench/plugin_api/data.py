"""What a source says of its data, and how samples are reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from workbench.plugin_api.tensors import TensorType
from workbench.plugin_api.timelines import TimelineInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
Kind = Literal["pictures", "texts", "series", "timelines", "tables"]
METRIC_PREFIXES: Mapping[SplitName, str] = {"train": "train", "validation": "val", "test": "test"}
"""What metrics of a split begin with: "val/accuracy"."""
IGNORED = -1
"""Stands in targets of one class a step where there is nothing to learn: padding, say."""


class BadFile(msgspec.Struct, frozen=True):
    """A file that could not be used, and why."""

    path: str
    reason: str


class Corrected(msgspec.Struct, frozen=True):
    """What became of the corrections of single samples.

    Attributes:
        relabelled, excluded: samples that have another target now, or are left out.
        missing: ids of samples that are not in the data, or not as they were.
        idle: ids of samples for which nothing changes: the data have no such class, or targets of
            another kind.
    """

    relabelled: int = 0
    excluded: int = 0
    missing: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


class DataInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a data set after looking at it.

    Attributes:
        input: type of one prepared sample, as the network gets it.
        kind: what a raw sample is.
        vocabulary: for tokens, the number of different ones at most; else 0.
        classes: class names in the order of their numbers; empty when there are none.
        longest: steps of the longest prepared sample at most; 0 where that is not known.
        sample_rate: of sounds, samples a second; else 0.
        target: type of one prepared target; None: the number of a class.
        quantities: what each number of a target is, where numbers are to be learned.
        timeline: channels and steps of what goes on in time; else None.
        counts: samples per split.
        class_counts: samples per class in each split, in the order of `classes`.
        bad_files: files left out, and why.
        warnings: sentences worth reading before training (imbalance, a tiny class).
        fingerprint: hash that changes when the data do.
        corrected: samples that a person has relabelled or left out; counts are without those.
    """

    input: TensorType
    kind: Kind = "pictures"
    vocabulary: int = 0
    longest: int = 0
    sample_rate: int = 0
    classes: tuple[str, ...] = ()
    target: TensorType | None = None
    quantities: tuple[str, ...] = ()
    timeline: TimelineInfo | None = None
    counts: dict[str, int] = {}
    class_counts: dict[str, tuple[int, ...]] = {}
    bad_files: tuple[BadFile, ...] = ()
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    corrected: Corrected = Corrected()


class Samples(Protocol):
    """The samples of one split, by index; safe to use from several processes.

    All samples agree in number of channels and dtype; series may differ in length. A source that
    knows the shapes of all samples without reading them has them as `shapes`: sample × axis,
    int64; see `known_shapes`. A source whose targets are not class numbers has `target(index)`,
    which reads one, of the type that `Opened.target` tells; see `raw_target`. Where those hold
    classes, as tags do, it has `class_counts`: how many there are of each. Samples that are
    neither pictures nor texts nor series have `in_words(index)`: what a person reads of one.
    """

    def __len__(self) -> int: ...

    def read(self, index: int) -> NDArray[Any]:
        """Return the raw sample.

        A picture is height × width × channels, uint8 or uint16; a series time × channels,
        float32, NaN where a value is missing; a text a NumPy string without axes; a row of a
        table its cells, float64, the number of the category where they hold words.

        Raises:
            UserError: the file cannot be read any more.
        """
        ...

    def name(self, index: int) -> str:
        """Return what a person knows the sample by: a relative path or a number."""
        ...

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all samples, without reading any; zeros where targets are others."""
        ...


def raw_target(samples: Samples, index: int) -> NDArray[Any]:
    """Return a sample's target as the source has it; raises UserError when it cannot be read."""
    read = getattr(samples, "target", None)
    found: NDArray[Any] = samples.targets[index] if read is None else read(index)
    return found


def known_shapes(samples: Samples) -> NDArray[np.int64] | None:
    """Return the raw shapes of all samples if the source knows them without reading."""
    return getattr(samples, "shapes", None)


def known_sample_rate(samples: Samples) -> int:
    """Return how many samples a second sounds have; 0 for what is no sound."""
    return int(getattr(samples, "sample_rate", 0))
