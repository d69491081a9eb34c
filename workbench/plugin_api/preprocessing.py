"""The contract of preprocessing and augmentation: from a raw sample to the network's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import Kind, raw_target
from workbench.plugin_api.parameters import Field, fields_of
from workbench.plugin_api.samples import OneSample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples, SplitName
    from workbench.plugin_api.tensors import TensorType


MEASURED_TARGETS = 1_000_000
"""Mean and deviation of numbers to learn are taken from at most so many samples."""


class Word(msgspec.Struct, frozen=True):
    """The part of a text that became one token.

    Attributes:
        text: those characters as they were written; empty where the step only fills up.
        start: of its first character in the text.
        is_known: False where the vocabulary does not have it.
    """

    text: str
    start: int = 0
    is_known: bool = True


@dataclass(frozen=True)
class Lengths:
    """How long samples are before anything is cut.

    Attributes:
        steps: of each sample that was measured.
        limit: what comes after so many steps is cut; None: nothing.
        unit: what steps are, "tokens".
        notes: sentences about the samples that were met, worth reading before training.
    """

    steps: NDArray[np.int64]
    limit: int | None
    unit: str
    notes: tuple[str, ...] = ()


class Preprocessing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How every sample is prepared: the same in training, evaluation, prediction and export.

    `fit` learns what must be learned (mean and deviation, a vocabulary) from the training split
    only; what it returns is plain data, saved with the run and the exports, and handed back to
    every other method as `fitted`. Where samples differ in length, that holds "longest" and
    "mean_length": steps of prepared samples of the training split.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    kind: ClassVar[Kind] = "pictures"
    makes_targets: ClassVar[bool] = False
    """Whether it learns something of the samples themselves, so that the source's classes are not
    what is told apart: the token that follows, the rest of a series."""

    def output(self, samples: Samples) -> TensorType:
        """Return the type of a prepared sample; reads one sample at most."""
        raise NotImplementedError

    @property
    def vocabulary(self) -> int:
        """Number of different tokens at most; 0 where prepared samples are not tokens."""
        return 0

    def longest_of(self, samples: Samples) -> int:
        """Return steps of the longest prepared sample at most; 0 unless that is known at once."""
        return 0

    def measure(self, samples: Samples) -> Lengths | None:
        """Measure samples of the training split; None where they have no length.

        Takes seconds, in the process that reads for the window.
        """
        return None

    def arranged(self, samples: Samples, fitted: dict[str, Any] | None) -> Samples:
        """Return what is trained on, made of the source's samples: windows of a series, say.

        Args:
            fitted: None before anything was learned; what depends on that stays as it is then.
        """
        return samples

    def target_type(self, samples: Samples, given: TensorType | None) -> TensorType | None:
        """Return the type of a prepared target of arranged samples; None: a class number.

        Args:
            given: type of the source's targets.
        """
        return given

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Learn from the training split; JSON-able."""
        return {}

    def resolved(self, fitted: dict[str, Any]) -> Preprocessing:
        """Return the same with what depends on the data settled ("as stored" becomes a size).

        Predicting from a user's file starts with this, so that any file fits the network.
        """
        return self

    def remarks(self, arranged: Mapping[SplitName, Samples]) -> Sequence[str]:
        """Return sentences worth reading before training on arranged samples, split by split."""
        return ()

    def shaped(self, output: TensorType) -> TensorType:
        """Return the type of a sample between the two halves, given that of a prepared one."""
        return output

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """First half, before augmentation: size and channels; dtype stays (uint8, uint16)."""
        raise NotImplementedError

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[Any]:
        """Second half, after augmentation: to float32, or to the int64 of tokens.

        Takes one sample; a stack of them too where they are of one size and not tokens.
        """
        raise NotImplementedError

    def target(self, raw: NDArray[Any], fitted: dict[str, Any]) -> NDArray[Any]:
        """Prepare one target that is not the number of a class; see `raw_target`.

        Numbers to learn get zero mean and unit deviation, as learned by `target_scale`.
        """
        if "target_scale" not in fitted:
            return raw
        found: NDArray[Any] = (raw - fitted["target_offset"]) / np.array(fitted["target_scale"])
        return found.astype(np.float32)

    def restored(
        self, values: NDArray[Any], fitted: dict[str, Any], raw: NDArray[Any]
    ) -> NDArray[Any]:
        """Undo `target`: prepared targets, or outputs for them (batch × …), in their own units.

        Args:
            raw: the raw samples that they belong to, in one array.
        """
        if "target_scale" not in fitted:
            return values
        found: NDArray[Any] = values * np.array(fitted["target_scale"]) + fitted["target_offset"]
        return found

    def read_file(self, path: str) -> NDArray[Any]:
        """Read a user's file as a raw sample for `predict`; raises UserError when it cannot."""
        raise NotImplementedError

    def file_samples(self, path: str, fitted: dict[str, Any]) -> Sequence[Samples]:
        """Read what `predict` is to answer of a user's file: arranged samples, one in each.

        Raises:
            UserError: it cannot be read.
        """
        return [OneSample(self.read_file(path), path)]

    def read_text(self, text: str) -> NDArray[Any]:
        """Take what a user typed as a raw sample; raises UserError where that means nothing."""
        raise UserError(f"A network for {self.kind} takes no typed text.", "Give it a file.")

    def words(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> list[Word]:
        """Return what each step of a prepared text stands for; nothing where steps are no words.

        As many as `scale` returns steps for the same sample; those that fill up come last.
        """
        return []

    def tokens(self, fitted: dict[str, Any]) -> Sequence[str]:
        """Return the tokens of the vocabulary in the order of their numbers; none: no tokens."""
        return ()

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return a function `load(path) -> float32 array` for exported scripts.

        It uses numpy and Pillow only, takes a file's path, and gives the same numbers as
        read_file, shape and scale do.
        """
        raise NotImplementedError

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)


def target_scale(samples: Samples) -> dict[str, list[float]]:
    """Return mean and deviation of the numbers to learn, as `Preprocessing.target` takes them.

    Taken from at most `MEASURED_TARGETS` samples, spread evenly; a number that never changes is
    only moved to zero.

    Raises:
        UserError: no target can be read.
    """
    moments: list[NDArray[Any]] = []
    for index in np.unique(np.linspace(0, len(samples) - 1, MEASURED_TARGETS).astype(int)).tolist():
        try:
            moments.append(raw_target(samples, index))
        except UserError:
            continue  # reported when training comes to it
    if not moments:
        raise UserError("No training sample can be read.", "Make the data available again.")
    values = np.array(moments, np.float64)
    offset, spread = values.mean(axis=0), values.std(axis=0)
    spread[spread <= 1e-8 * (1 + np.abs(offset))] = 1.0
    return {"target_offset": offset.tolist(), "target_scale": spread.tolist()}


class Augmentation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Random changes of training samples, between the two halves of preprocessing."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    kind: ClassVar[Kind] = "pictures"

    def apply(self, shaped: NDArray[Any], seed: Sequence[int]) -> NDArray[Any]:
        """Return a changed copy of one sample of the same shape and dtype.

        The change depends on `seed` alone (experiment seed, epoch, sample), so that a resumed
        run sees what an uninterrupted one would have seen, with any number of loading processes.
        """
        raise NotImplementedError

    def apply_batch(self, shaped: NDArray[Any], seeds: Sequence[Sequence[int]]) -> NDArray[Any]:
        """Return changed copies of a stack of samples, each by its own seed."""
        return np.stack([self.apply(*pair) for pair in zip(shaped, seeds, strict=True)])

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)
