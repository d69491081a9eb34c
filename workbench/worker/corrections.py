"""Samples that a person has relabelled or left out; the person's files stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import Corrected, known_sample_rate, known_shapes, raw_target
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.targets import read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples, SplitName
    from workbench.plugin_api.source import Opened, Source


def corrected(opened: Opened, source: Source, labels: Mapping[str, str | None]) -> Opened:
    """Return data with a person's corrections; without any, the same data.

    The division into splits stays: a relabelled sample is where it was, and none comes nearer.

    Args:
        labels: by sample id the target as `read_target` reads it, or None for a sample to leave
            out; see `Data.corrections`.
    """
    if not labels:
        return opened
    found = _found(opened, source, labels)
    relabelled: dict[SplitName, dict[int, int | NDArray[Any]]]
    relabelled = {name: {} for name in opened.splits}
    excluded: dict[SplitName, list[int]] = {name: [] for name in opened.splits}
    idle = []
    for sample_id, (split, index) in found.items():
        label = labels[sample_id]
        if label is None:
            excluded[split].append(index)
            continue
        try:
            relabelled[split][index] = new_target(label, opened, split, index)
        except UserError:
            idle.append(sample_id)
    splits = {
        name: CorrectedSamples(samples, relabelled[name], excluded[name])
        if relabelled[name] or excluded[name]
        else samples
        for name, samples in opened.splits.items()
    }
    done = {key: labels[key] for key in found if key not in idle}
    known = msgspec.json.encode(done, order="sorted")
    return replace(
        opened,
        splits={name: samples for name, samples in splits.items() if len(samples)},
        fingerprint=fingerprint(opened.fingerprint.encode(), known) if done else opened.fingerprint,
        corrected=Corrected(
            relabelled=sum(map(len, relabelled.values())),
            excluded=sum(map(len, excluded.values())),
            missing=tuple(key for key in labels if key not in found),
            idle=tuple(idle),
        ),
    )


def new_target(label: str, opened: Opened, split: SplitName, index: int) -> int | NDArray[Any]:
    """Return the target that a person gives a sample.

    Raises:
        UserError: it is not of the kind of these data, or not as long as the sample's own.
    """
    found = read_target(label, opened)
    if isinstance(found, int):
        return found
    own = raw_target(opened.splits[split], index)
    if found.shape != own.shape:
        raise UserError(
            f"“{opened.splits[split].name(index)}” has {len(own)} steps, but {len(found)} classes "
            "are given.",
            "Write one class for each word or step.",
        )
    return found.astype(own.dtype)


def remarks(found: Corrected) -> Iterator[str]:
    """Yield what a person should know of corrections that change nothing."""
    if found.missing:
        yield _said(
            found.missing,
            "corrected sample is no longer in the data, or is another by now",
            "corrected samples are no longer in the data, or are others by now",
        )
    if found.idle:
        yield _said(
            found.idle,
            "sample has been given what the data do not have, such as an unknown class",
            "samples have been given what the data do not have, such as unknown classes",
        )


class CorrectedSamples:
    """The samples of a split without some, and some with another target.

    Args:
        labels: by number in `samples`, the class number or the whole target.
        excluded: numbers in `samples`.
    """

    def __init__(
        self, samples: Samples, labels: Mapping[int, int | NDArray[Any]], excluded: list[int]
    ) -> None:
        self._samples = samples
        self._excluded = excluded
        self._kept = np.delete(np.arange(len(samples)), excluded)
        targets = np.array(samples.targets)
        self._others = dict(labels)
        for number, label in labels.items():
            if isinstance(label, int):
                targets[number] = label
        self._targets: NDArray[np.int64] = targets[self._kept]

    def __getattr__(self, name: str) -> Any:
        """Return what else the source says of all its samples alike, as the names of columns."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._samples, name)

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, index: int) -> NDArray[Any]:
        """Return the raw sample; raises UserError."""
        return self._samples.read(int(self._kept[index]))

    def name(self, index: int) -> str:
        """Return the name that the source gives."""
        return self._samples.name(int(self._kept[index]))

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers, those that were corrected among them."""
        return self._targets

    @property
    def target(self) -> Callable[[int], NDArray[Any]] | None:
        """What reads a target, where the source has any that are not class numbers."""
        if getattr(self._samples, "target", None) is None:
            return None
        return lambda index: self._target(int(self._kept[index]))

    @property
    def shapes(self) -> NDArray[np.int64] | None:
        """Raw shapes, where the source knows them."""
        found = known_shapes(self._samples)
        return None if found is None else found[self._kept]

    @property
    def sample_rate(self) -> int:
        """Samples a second of sounds."""
        return known_sample_rate(self._samples)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Targets of each class where they are not class numbers."""
        counts = np.array(getattr(self._samples, "class_counts", ()), np.int64)
        if len(counts):
            for number in {*self._excluded, *self._others}:
                counts -= _counted(raw_target(self._samples, number), len(counts))
            for number in self._others:
                counts += _counted(self._target(number), len(counts))
        return tuple(counts.tolist())

    def _target(self, number: int) -> NDArray[Any]:
        if number in self._others:
            return np.asarray(self._others[number])
        return raw_target(self._samples, number)


def _counted(target: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Return how often each class is in a target."""
    if target.dtype.kind == "f":
        return target.astype(np.int64)
    known = np.ravel(target)
    return np.bincount(known[known >= 0], minlength=classes)


def _found(
    opened: Opened, source: Source, labels: Mapping[str, str | None]
) -> dict[str, tuple[SplitName, int]]:
    """Return where the samples are that have an id; only those at their places are read."""
    wanted = {source.place(sample_id) for sample_id in labels}
    found: dict[str, tuple[SplitName, int]] = {}
    if not source.correctable:
        return found
    for split, samples in opened.splits.items():
        for index in range(len(samples)):
            if samples.name(index) not in wanted:
                continue
            try:
                sample_id = source.sample_id(samples, index)
            except UserError:
                continue
            if sample_id in labels:
                found[sample_id] = split, index
    return found


def _said(ids: tuple[str, ...], one: str, several: str, most: int = 3) -> str:
    named = ", ".join(f"“{key.rpartition('#')[0] or key}”" for key in ids[:most])
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return f"{len(ids)} {one if len(ids) == 1 else several}: {named}{more}."
