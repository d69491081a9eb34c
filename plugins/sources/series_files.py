"""Labelled series in the files of the UCR and UEA archives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from plugins.sources._series import open_series
from plugins.sources._ts_files import read_series_file
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugins.sources._ts_files import SeriesFile
    from workbench.document.experiment import Split

SUFFIXES = (".ts", ".arff")


class SeriesFiles(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One or several channels, equally long or not; a file …_TEST beside …_TRAIN is the test."""

    id: ClassVar[str] = "series_files"
    title: ClassVar[str] = "Series in .ts or .arff files"
    help: ClassVar[str] = (
        "A file of the UCR or UEA archive with one class label or number for each series; if its "
        "name ends in _TRAIN, the file with _TEST instead becomes the test split."
    )
    kind: ClassVar[Kind] = "series"

    file: Annotated[str, param("File", "A .ts or .arff file; it is only read", path="file")] = ""

    def open(self, split: Split) -> Opened:
        """Read the files; the test split is the _TEST file if there is one."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a .ts or .arff file.")
        path = Path(self.file).expanduser()
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(f"{path.name} is neither .ts nor .arff.", "Choose another file.")
        files = [(path, read_series_file(path))]
        test = _test_file(path)
        if test is not None:
            files.append((test, read_series_file(test)))
        _same_channels(files)
        classes, targets = _targets(path, [found for _, found in files])
        return open_series(
            [one for _, found in files for one in found.series],
            targets,
            classes,
            [f"{at.name}, line {line}" for at, found in files for line in found.lines],
            split,
            train_count=len(files[0][1].series),
            bad=[
                BadFile(f"{at.name}, line {line}", reason)
                for at, found in files
                for line, reason in found.bad
            ],
        )


def _test_file(path: Path) -> Path | None:
    for train, test in (("_TRAIN", "_TEST"), ("_train", "_test"), ("_Train", "_Test")):
        if path.stem.endswith(train):
            found = path.with_name(path.stem.removesuffix(train) + test + path.suffix)
            return found if found.is_file() else None
    return None


def _targets(path: Path, files: list[SeriesFile]) -> tuple[tuple[str, ...], NDArray[Any]]:
    """Return classes and their numbers; no classes and series × 1 where numbers are to be learned.

    Raises:
        UserError: one file has classes and the other numbers; all series are of one class.
    """
    labels = [label for found in files for label in found.labels]
    if len({found.is_numbered for found in files}) > 1:
        raise UserError(
            f"{path.name} and its _TEST file do not have the same to learn.",
            "Fetch both files again from the same place.",
        )
    if files[0].is_numbered:
        return (), np.array([[float(label)] for label in labels], np.float32)
    classes = _classes(path, files)
    numbers = {label: number for number, label in enumerate(classes)}
    return classes, np.array([numbers[label] for label in labels], np.int64)


def _classes(path: Path, files: list[SeriesFile]) -> tuple[str, ...]:
    """Return the classes in the order of the head; those that no series has are left out."""
    used = {label for found in files for label in found.labels}
    listed = [label for found in files for label in found.classes if label in used]
    classes = tuple(dict.fromkeys(listed))
    if len(set(files[0].labels)) < 2:
        raise UserError(
            f"All series in {path.name} are of one class, “{files[0].labels[0]}”.",
            "Choose data with at least two classes.",
        )
    return classes


def _same_channels(files: list[tuple[Path, SeriesFile]]) -> None:
    channels = [found.series[0].shape[1] for _, found in files]
    if len(set(channels)) > 1:
        raise UserError(
            f"{files[0][0].name} has {channels[0]} channels, {files[1][0].name} {channels[1]}.",
            "Fetch both files again from the same place.",
        )
