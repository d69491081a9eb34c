"""A folder of pictures, one subfolder a class."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from plugins.sources._class_folders import check_classes, divide, list_files, open_root
from workbench.plugin_api import pictures
from workbench.plugin_api.data import BadFile
from workbench.plugin_api.parameters import param
from workbench.plugin_api.picture_files import PictureFile, look_at
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.picture_files import Kind


class ImageFolder(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures of any size and mode; the folder is only read."""

    id: ClassVar[str] = "image_folder"
    title: ClassVar[str] = "A folder of pictures"
    help: ClassVar[str] = (
        "One subfolder for each class, named as the class; or train, validation and test "
        "subfolders that hold the class folders."
    )

    lasting_names: ClassVar[bool] = True

    folder: Annotated[
        str, param("Folder", "Holds one folder per class; it is only read", path="folder")
    ] = ""

    def open(self, split: Split) -> Opened:
        """List the folder, check the files, and divide what can be used."""
        root = open_root(self.folder, "pictures")
        bad: list[BadFile] = []
        listed = list_files(root, bad)
        files = look_at(root, [path for _, _, path in listed])
        bad += [BadFile(file.path, file.reason) for file in files if file.reason]
        usable = [
            (part, label, file)
            for (part, label, _), file in zip(listed, files, strict=True)
            if not file.reason
        ]
        classes = tuple(sorted({label for _, label, _ in usable}))
        check_classes(root, classes, len(bad), "pictures")
        empty = sorted({label for _, label, _ in listed} - set(classes))
        bad += [BadFile(label, "no picture of this class can be used") for label in empty]
        return Opened(
            splits=_divide(root, usable, classes, split),
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(
                *(f"{file.path} {file.size} {file.modified}".encode() for _, _, file in usable)
            ),
        )


class FolderSamples:
    """Pictures of one split, read from their files when they are wanted."""

    def __init__(
        self, root: Path, files: Sequence[PictureFile], targets: NDArray[np.int64], kind: Kind
    ) -> None:
        self._root = str(root)
        self._paths = [file.path for file in files]
        self._kind = kind
        self._targets = targets
        channels = 3 if kind == "colour" else 1
        self._shapes = np.array([(file.height, file.width, channels) for file in files], np.int64)

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, index: int) -> NDArray[Any]:
        """Return a picture with the channels and the dtype that all pictures here have."""
        picture = pictures.read_picture(os.path.join(self._root, self._paths[index]))
        if picture.dtype == np.uint16 and self._kind != "grey16":
            picture = np.rint(picture / 257).astype(np.uint8)
        elif picture.dtype == np.uint8 and self._kind == "grey16":
            picture = picture.astype(np.uint16) * 257
        return pictures.with_channels(picture, 3 if self._kind == "colour" else 1)

    def name(self, index: int) -> str:
        """Return the path below the folder."""
        return self._paths[index]

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all pictures."""
        return self._targets

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Height, width and channels of every picture as `read` returns it."""
        return self._shapes


def _divide(
    root: Path,
    usable: Sequence[tuple[str, str, PictureFile]],
    classes: tuple[str, ...],
    split: Split,
) -> dict[SplitName, FolderSamples]:
    numbers = {label: number for number, label in enumerate(classes)}
    files = [file for _, _, file in usable]
    targets = np.array([numbers[label] for _, label, _ in usable], np.int64)
    kind = common_kind(files)
    return {
        name: FolderSamples(root, [files[n] for n in part.tolist()], targets[part], kind)
        for name, part in divide([part for part, *_ in usable], targets, split).items()
    }


def common_kind(files: Sequence[PictureFile]) -> Kind:
    """Return what all pictures are read as: colour if any is, 16-bit grey only if all are."""
    kinds = {file.kind for file in files}
    if "colour" in kinds:
        return "colour"
    return "grey16" if kinds == {"grey16"} else "grey"
