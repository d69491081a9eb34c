"""What a person prefers on this machine, kept between starts; never part of an experiment."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

import msgspec
import platformdirs

from workbench.errors import UserError
from workbench.files import write_atomically

APP = "neural-workbench"


class Preferences(msgspec.Struct, kw_only=True):
    """Settings of the program; unknown ones in the file are ignored."""

    theme: Literal["system", "dark", "light"] = "system"
    recent: list[str] = []
    runs_folder: str = ""
    export_folder: str = ""
    keys: dict[str, str] = {}
    window: str = ""
    welcome: bool = True

    def remember(self, path: Path) -> None:
        """Put an experiment first in the list of recent ones."""
        text = str(path.resolve())
        self.recent = [text, *(other for other in self.recent if other != text)][:12]


def config_folder() -> Path:
    """Folder of preferences and recovery files; WORKBENCH_HOME moves it."""
    home = os.environ.get("WORKBENCH_HOME")
    return Path(home) if home else Path(platformdirs.user_config_dir(APP))


def default_runs_folder() -> Path:
    """Where runs go unless the preferences or the command line say otherwise."""
    home = os.environ.get("WORKBENCH_HOME")
    return Path(home) / "runs" if home else Path(platformdirs.user_documents_dir()) / APP / "runs"


def weights_folder() -> Path:
    """Where weights that were loaded into experiments are kept, each named after its content."""
    home = os.environ.get("WORKBENCH_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir(APP))) / "weights"


def caches_folder() -> Path:
    """Return the folder of files that can be made again at any time."""
    home = os.environ.get("WORKBENCH_HOME")
    return Path(home) / "caches" if home else Path(platformdirs.user_cache_dir(APP))


def kept_weights() -> tuple[int, int]:
    """Return how many files lie in the folder of loaded weights, and their bytes."""
    sizes = []
    for path in _weights_files():
        with contextlib.suppress(OSError):
            sizes.append(path.stat().st_size)
    return len(sizes), sum(sizes)


def clear_weights(keep: str = "") -> None:
    """Delete loaded weights; experiments that start from them need them loaded again.

    Args:
        keep: name without suffix of the one that stays, since it is in use.
    """
    for path in _weights_files():
        if path.stem != keep:
            with contextlib.suppress(OSError):
                path.unlink()


def _weights_files() -> list[Path]:
    try:
        return list(weights_folder().glob("*.safetensors"))
    except OSError:
        return []


def load() -> Preferences:
    """Read the preferences; a missing or broken file gives the defaults."""
    try:
        return msgspec.json.decode(
            (config_folder() / "preferences.json").read_bytes(), type=Preferences
        )
    except (OSError, msgspec.DecodeError):
        return Preferences()


def save(preferences: Preferences) -> None:
    """Write the preferences; a full or read-only disk is no reason to stop working."""
    with contextlib.suppress(OSError, UserError):
        folder = config_folder()
        folder.mkdir(parents=True, exist_ok=True)
        content = msgspec.json.format(msgspec.json.encode(preferences))
        write_atomically(folder / "preferences.json", content)
