"""Files that a plug-in makes of others and may lose at any time: to be made again."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from filelock import FileLock

from workbench.preferences import caches_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLDEST = 30 * 24 * 3600
"""Seconds after its last use that a file is thrown away."""


def cached(kind: str, name: str, make: Callable[[Path], None]) -> Path:
    """Return the file of a name, made now unless it is there already.

    Several processes may ask for one file at once; one of them makes it.

    Args:
        kind: subfolder; files of it that nobody has used for a month are thrown away.
        name: of the file; whatever its content depends on must be part of it.
        make: writes the file at the path that it is given.

    Raises:
        OSError: there is no room, or no right to write.
    """
    folder = caches_folder() / kind
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with FileLock(folder / "lock"):
        if path.exists():
            os.utime(path)
            return path
        _throw_away_old(folder)
        unfinished = path.with_name(f"{name}.part")
        try:
            make(unfinished)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    return path


def _throw_away_old(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "lock" and time.time() - path.stat().st_mtime > OLDEST:
            path.unlink(missing_ok=True)
