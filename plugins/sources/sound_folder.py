"""A folder of WAV files, one subfolder a class."""

from __future__ import annotations

import os
import wave
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import numpy as np

from plugins.sources._class_folders import check_classes, divide, list_files, open_root
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.series import read_wav
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.document.experiment import Split


class _Sound(NamedTuple):
    part: str
    label: str
    path: str
    steps: int
    channels: int
    rate: int


class SoundFolder(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """WAV files of one sample rate; a sample of sound is a step, the folder is only read."""

    id: ClassVar[str] = "sound_folder"
    title: ClassVar[str] = "A folder of WAV files"
    help: ClassVar[str] = (
        "One subfolder for each class, named as the class; or train, validation and test "
        "subfolders that hold the class folders."
    )
    kind: ClassVar[Kind] = "series"

    folder: Annotated[
        str, param("Folder", "Holds one folder per class; it is only read", path="folder")
    ] = ""

    def open(self, split: Split) -> Opened:
        """List the folder and read the heads; sounds unlike most others are left out."""
        root = open_root(self.folder, "WAV files")
        bad: list[BadFile] = []
        sounds = _alike([_head(root, *listed, bad) for listed in list_files(root, bad)], bad)
        classes = tuple(sorted({sound.label for sound in sounds}))
        check_classes(root, classes, len(bad), "WAV files")
        targets = np.array([classes.index(sound.label) for sound in sounds], np.int64)
        parts = divide([sound.part for sound in sounds], targets, split)
        return Opened(
            splits={
                name: SoundSamples(str(root), [sounds[n] for n in part.tolist()], targets[part])
                for name, part in parts.items()
            },
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(*(_state(root, sound) for sound in sounds)),
        )


class SoundSamples:
    """Sounds of one split, read from their files when they are wanted."""

    def __init__(self, root: str, sounds: Sequence[_Sound], targets: NDArray[np.int64]) -> None:
        self._root = root
        self._paths = [sound.path for sound in sounds]
        self._shapes = np.array([(sound.steps, sound.channels) for sound in sounds], np.int64)
        self._targets = targets

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, index: int) -> NDArray[Any]:
        """Return one sound, time × channels, −1…1; raises UserError."""
        path = os.path.join(self._root, self._paths[index])
        try:
            return read_wav(path)[0]
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(f"{path} cannot be used: {words}.") from error

    def name(self, index: int) -> str:
        """Return the path below the folder."""
        return self._paths[index]

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class numbers of all sounds."""
        return self._targets

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Length and channels of every sound."""
        return self._shapes


def _head(root: Path, part: str, label: str, path: str, bad: list[BadFile]) -> _Sound | None:
    """Return what the head of a file says, without reading the sound; None for a bad file."""
    try:
        with wave.open(str(root / path), "rb") as file:
            steps, channels = file.getnframes(), file.getnchannels()
            needed, rate = steps * channels * file.getsampwidth(), file.getframerate()
        if not steps:
            raise ValueError("it holds no sound")
        if (root / path).stat().st_size < needed:
            raise ValueError("it is cut off")
    except (OSError, EOFError, wave.Error, ValueError) as error:
        words = getattr(error, "strerror", "") or str(error) or "it is cut off"
        bad.append(BadFile(path, words))
        return None
    return _Sound(part, label, path, steps, channels, rate)


def _alike(sounds: Sequence[_Sound | None], bad: list[BadFile]) -> list[_Sound]:
    """Keep the sounds of the commonest sample rate and number of channels."""
    usable = [sound for sound in sounds if sound is not None]
    kinds = Counter((sound.rate, sound.channels) for sound in usable)
    if not kinds:
        return []
    (rate, channels), _ = kinds.most_common(1)[0]
    kept = []
    for sound in usable:
        if sound.rate != rate:
            reason = f"it has {sound.rate} samples a second, most others {rate}"
        elif sound.channels != channels:
            reason = f"it has {sound.channels} channels, most others {channels}"
        else:
            kept.append(sound)
            continue
        bad.append(BadFile(sound.path, reason))
    return kept


def _state(root: Path, sound: _Sound) -> bytes:
    status = (root / sound.path).stat()
    return f"{sound.path} {status.st_size} {status.st_mtime_ns}".encode()
