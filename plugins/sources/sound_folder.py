"""A folder of sound files, one subfolder a class, or names that begin with the class."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np

from plugins.sources._class_folders import (
    check_classes,
    divide,
    list_files,
    list_named_files,
    open_root,
)
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.sounds import read_sound, resampled
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.document.experiment import Split

WHAT = "sound files"


class _Sound(NamedTuple):
    part: str
    label: str
    path: str
    steps: int
    channels: int
    rate: int


class SoundFolder(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sounds of any length; a sample of sound is a step, the folder is only read."""

    id: ClassVar[str] = "sound_folder"
    title: ClassVar[str] = "A folder of sound files"
    help: ClassVar[str] = (
        "WAV, FLAC, OGG, MP3 or AIFF. One subfolder for each class, named as the class; or train, "
        "validation and test subfolders that hold the class folders; or all in one folder, with "
        "names that begin with the class."
    )
    kind: ClassVar[Kind] = "series"

    lasting_names: ClassVar[bool] = True

    folder: Annotated[
        str, param("Folder", "Holds one folder per class; it is only read", path="folder")
    ] = ""
    named_by: Annotated[
        Literal["folder", "file_name"],
        param("Class from", "The subfolder; or the file's name, up to its first _"),
    ] = "folder"
    sample_rate: Annotated[
        Size | None,
        param(
            "Sample rate",
            "Resample every sound to this; empty: that of most files, and others are left out",
            unit="Hz",
        ),
    ] = None

    def open(self, split: Split) -> Opened:
        """List the folder and read the heads; sounds unlike most others are left out."""
        named = self.named_by == "file_name"
        root = open_root(self.folder, WHAT, named=named)
        bad: list[BadFile] = []
        files = list_named_files if named else list_files
        heads = [_head(root, *listed, bad) for listed in files(root, bad)]
        found = [sound for sound in heads if sound is not None]
        sounds, rate = _alike(found, self.sample_rate, bad)
        classes = tuple(sorted({sound.label for sound in sounds}))
        check_classes(root, classes, len(bad), WHAT, named=named)
        targets = np.array([classes.index(sound.label) for sound in sounds], np.int64)
        parts = divide([sound.part for sound in sounds], targets, split)
        return Opened(
            splits={
                name: SoundSamples(
                    str(root), [sounds[n] for n in part.tolist()], targets[part], rate
                )
                for name, part in parts.items()
            },
            classes=classes,
            bad_files=tuple(bad),
            fingerprint=fingerprint(*(_state(root, sound) for sound in sounds), str(rate).encode()),
        )


class SoundSamples:
    """Sounds of one split, read from their files when they are wanted.

    Attributes:
        sample_rate: samples a second of all of them.
    """

    def __init__(
        self, root: str, sounds: Sequence[_Sound], targets: NDArray[np.int64], rate: int
    ) -> None:
        self._root = root
        self._paths = [sound.path for sound in sounds]
        self._shapes = np.array(
            [(max(round(s.steps * rate / s.rate), 1), s.channels) for s in sounds], np.int64
        )
        self._targets = targets
        self.sample_rate = rate

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, index: int) -> NDArray[Any]:
        """Return one sound, time × channels, −1…1; raises UserError."""
        path = os.path.join(self._root, self._paths[index])
        try:
            return resampled(*read_sound(path), self.sample_rate)
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
    import soundfile

    try:
        with open(root / path, "rb") as file, soundfile.SoundFile(file) as sound:
            steps, channels, rate = sound.frames, sound.channels, int(sound.samplerate)
            if steps:
                sound.seek(steps - 1)  # fails in a FLAC file that is cut off
                steps *= len(sound.read(1)) > 0
        if not steps:
            raise ValueError("it holds no sound")
        if _is_cut_off(root / path):
            raise ValueError("it is cut off")
    except soundfile.SoundFileError as error:
        bad.append(BadFile(path, _reason(root / path, error)))
        return None
    except (OSError, ValueError) as error:
        bad.append(BadFile(path, getattr(error, "strerror", "") or str(error)))
        return None
    return _Sound(part, label, path, steps, channels, rate)


def _reason(path: Path, error: Exception) -> str:
    with open(path, "rb") as file:
        head = file.read(4)
    if head in (b"RIFF", b"fLaC", b"OggS", b"FORM"):
        return "it is cut off"
    reason = str(error).split(": ")[-1].rstrip(".")
    return f"it is no sound file ({reason})" if head else "it is empty"


def _is_cut_off(path: Path) -> bool:
    """Tell whether a WAV file promises more than it holds, of which soundfile is silent."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        if file.read(4) != b"RIFF":
            return False
        file.seek(12)
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            if head[:4] == b"data":
                return length != 2**32 - 1 and file.tell() + length > size
            file.seek(length + length % 2, os.SEEK_CUR)
    return False


def _alike(
    sounds: Sequence[_Sound], wanted: int | None, bad: list[BadFile]
) -> tuple[list[_Sound], int]:
    """Keep the sounds of the commonest number of channels, and rate unless one is wanted."""
    kinds = Counter((wanted or sound.rate, sound.channels) for sound in sounds)
    if not kinds:
        return [], wanted or 1
    (rate, channels), _ = kinds.most_common(1)[0]
    kept = []
    for sound in sounds:
        if sound.rate != rate and not wanted:
            reason = (
                f"it has {sound.rate} samples a second, most others {rate}; set a sample rate "
                "to use both"
            )
        elif sound.channels != channels:
            reason = f"it has {sound.channels} channels, most others {channels}"
        else:
            kept.append(sound)
            continue
        bad.append(BadFile(sound.path, reason))
    return kept, rate


def _state(root: Path, sound: _Sound) -> bytes:
    status = (root / sound.path).stat()
    return f"{sound.path} {status.st_size} {status.st_mtime_ns}".encode()
