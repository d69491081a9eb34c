"""Pictures in IDX files: MNIST, Fashion-MNIST and whatever else has their layout."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import ArraySamples, fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.document.experiment import Split

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""Class names of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), in the order of their numbers."""
MOST_BYTES = 4 * 2**30
"""No file claims more pixels than this; a damaged header easily does."""


class Idx(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, and the same for t10k."""

    id: ClassVar[str] = "idx"
    title: ClassVar[str] = "Fashion-MNIST or other IDX files"
    help: ClassVar[str] = (
        "A folder with train-images-idx3-ubyte and train-labels-idx1-ubyte, packed (.gz) or not; "
        "t10k files beside them become the test split."
    )

    folder: Annotated[
        str, param("Folder", "Where the IDX files lie; they are only read", path="folder")
    ] = ""
    classes: Annotated[
        Literal["auto", "numbers", "fashion"],
        param("Class names", "Auto: those of Fashion-MNIST if the path says “fashion”"),
    ] = "auto"

    def open(self, split: Split) -> Opened:
        """Read the files; the test split is t10k if it is there, else cut off as the rest is."""
        if not self.folder:
            raise UserError("No folder has been chosen.", "Choose the folder with the IDX files.")
        folder = Path(self.folder).expanduser()
        images, targets = _read_part(folder, "train")
        if (targets == targets[0]).all():
            raise UserError(
                f"All training labels in {folder} are {targets[0]}: there is one class only.",
                "Choose data with at least two classes.",
            )
        brings_test = _find(folder, "t10k", "images") is not None
        parts = ("validation",) if brings_test else ("validation", "test")
        chosen = stratified_split(targets, split, parts)
        splits = {
            name: ArraySamples(images, targets, numbers)
            for name, numbers in chosen.items()
            if len(numbers)
        }
        contents = [images.tobytes(), targets.tobytes()]
        highest = int(targets.max())
        if brings_test:
            test_images, test_targets = _read_part(folder, "t10k")
            splits["test"] = ArraySamples(test_images, test_targets)
            contents += [test_images.tobytes(), test_targets.tobytes()]
            highest = max(highest, int(test_targets.max()))
        return Opened(
            splits=splits,
            classes=self._names(folder, highest + 1),
            fingerprint=fingerprint(*contents),
        )

    def _names(self, folder: Path, count: int) -> tuple[str, ...]:
        fashion = self.classes == "fashion" or (
            self.classes == "auto" and "fashion" in str(folder.resolve()).lower()
        )
        if fashion and count <= len(FASHION):
            return FASHION
        return tuple(str(number) for number in range(count))


def _read_part(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    arrays = []
    for what, axes in (("images", 3), ("labels", 1)):
        path = _find(folder, part, what)
        if path is None:
            raise UserError(
                f"{folder} has no file {part}-{what}-idx{axes}-ubyte.",
                "Choose the folder that holds the IDX files, packed (.gz) or not.",
            )
        arrays.append(_read(path, axes))
    images, labels = arrays
    if len(images) != len(labels) or not len(images):
        raise UserError(
            f"The {part} files in {folder} do not belong together: {len(images)} pictures "
            f"and {len(labels)} labels.",
            "Fetch both files again from the same place.",
        )
    return images, labels


def _find(folder: Path, part: str, what: str) -> Path | None:
    axes = {"images": 3, "labels": 1}[what]
    names = [f"{part}-{what}{mark}idx{axes}-ubyte" for mark in "-."]
    for path in (folder / f"{name}{end}" for name in names for end in ("", ".gz")):
        try:
            if path.is_file():
                return path
        except OSError as error:
            raise UserError(f"{folder} cannot be read: {error.strerror}.") from error
    return None


def _read(path: Path, axes: int) -> NDArray[Any]:
    """Read an IDX file of bytes: two zeros, type 8, number of axes, sizes (big-endian), data."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.read(4 + 4 * axes)
            if len(header) < 4 + 4 * axes or header[:4] != bytes([0, 0, 8, axes]):
                raise UserError(f"{path.name} is not an IDX file of {axes} axes.", _AGAIN)
            shape = np.frombuffer(header, ">u4", offset=4).astype(int).tolist()
            size = int(np.prod(shape, dtype=object))
            content = file.read(size + 1) if size <= MOST_BYTES else b""
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path.name} cannot be read: {error}.", _AGAIN) from error
    if len(content) != size:
        raise UserError(f"{path.name} is cut off, or longer than its header says.", _AGAIN)
    return np.frombuffer(content, np.uint8).reshape(shape)


_AGAIN = "Fetch the file again, or choose another folder."
