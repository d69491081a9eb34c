"""What most data sources need: samples held in memory, a stratified division, a fingerprint."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

import resources
from workbench.plugin_api.source import Opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName


class ArraySamples:
    """Samples that lie in one array: sample × height × width [× channels], uint8 or uint16."""

    def __init__(
        self, images: NDArray[Any], targets: NDArray[Any], indices: NDArray[np.intp] | None = None
    ) -> None:
        chosen = np.arange(len(images)) if indices is None else indices
        images = images[chosen]
        self._images = images[..., np.newaxis] if images.ndim == 3 else images
        self._targets = targets[chosen].astype(np.int64)
        self._numbers = chosen

    def __len__(self) -> int:
        return len(self._targets)

    def read(self, index: int) -> NDArray[Any]:
        """Return one picture, height × width × channels."""
        picture: NDArray[Any] = self._images[index]
        return picture

    def name(self, index: int) -> str:
        """Return the picture's number in the undivided data."""
        return f"{self._numbers[index]}"

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Shape of the pictures, once a sample."""
        return np.broadcast_to(np.array(self._images.shape[1:]), (len(self), 3))

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all samples."""
        return self._targets


class OneSample:
    """A raw sample that belongs to no data set.

    Args:
        name: what a person knows it by.
    """

    def __init__(self, raw: NDArray[Any], name: str) -> None:
        self._raw, self._name = raw, name

    def __len__(self) -> int:
        return 1

    def read(self, index: int) -> NDArray[Any]:
        """Return the sample."""
        return self._raw

    def name(self, index: int) -> str:
        """Return its name."""
        return self._name

    @property
    def targets(self) -> NDArray[np.int64]:
        """No class is known: zero."""
        return np.zeros(1, np.int64)


def stratified_split(
    targets: NDArray[np.integer[Any]],
    split: Split,
    parts: Sequence[SplitName] = ("validation", "test"),
) -> dict[SplitName, NDArray[np.intp]]:
    """Divide samples so that every class keeps its share in each part.

    A class is cut by itself, in an order drawn from the seed and the class number alone, so a new
    picture in one class does not move those of another. A class with too few samples for all
    parts fills training first, then validation, then test.

    Args:
        parts: what to cut off; the data may bring a validation or a test part of their own.

    Returns:
        Ascending sample numbers of "train" and of each part.
    """
    shares = {name: float(getattr(split, name)) for name in parts}
    cut: dict[SplitName, list[NDArray[np.intp]]] = {"train": [], **{name: [] for name in shares}}
    for label in np.unique(targets):
        members = np.flatnonzero(targets == label)
        total = len(members)
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([split.seed, label])))
        members = members[rng.permutation(total)]
        left = total - 1  # one stays for training
        for name, share in shares.items():
            count = min(max(round(total * share), 1), left) if share > 0 else 0
            cut[name].append(members[:count])
            members, left = members[count:], left - count
        cut["train"].append(members)
    return {name: np.sort(np.concatenate(part)) for name, part in cut.items() if part}


def fingerprint(*parts: bytes) -> str:
    """Return a short hash of what makes data what they are."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:16]


def open_sample(name: str, split: Split) -> Opened:
    """Open a data set of resources/samples: "digits", "mnist5k"."""
    with np.load(resources.path("samples", f"{name}.npz")) as file:
        images, targets = file["images"], file["targets"]
    return open_arrays(images, targets, tuple(str(n) for n in range(targets.max() + 1)), split)


def open_arrays(
    images: NDArray[Any], targets: NDArray[Any], classes: tuple[str, ...], split: Split
) -> Opened:
    """Divide a data set that lies in memory."""
    parts = stratified_split(targets, split)
    return Opened(
        splits={
            name: ArraySamples(images, targets, part) for name, part in parts.items() if len(part)
        },
        classes=classes,
        fingerprint=fingerprint(images.tobytes(), targets.tobytes()),
    )
