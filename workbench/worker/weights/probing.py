"""Reads an HDF5 file once in a process of its own, before anybody else does.

The HDF5 library can run in circles for ever, or end its process, on a damaged file, and while it
does nothing else of the process gets a turn.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from workbench.errors import UserError
from workbench.worker.weights.file import damaged
from workbench.worker.weights.keras_file import open_h5, open_keras

SECONDS = 30.0
"""Time for a small file; a large one gets more."""
_BYTES_PER_SECOND = 20e6
_LARGEST_RATIO = 64
"""An array that is so much larger than its file is not read ahead: it may not fit in memory."""


def probe(path: Path, seconds: float = SECONDS) -> None:
    """Do nothing for a file that can be read, or whose reader says what is wrong with it.

    Raises:
        UserError: its reader finds no end, or dies of it.
    """
    allowed = seconds + path.stat().st_size / _BYTES_PER_SECOND
    command = [sys.executable, "-P", "-m", __name__, str(path.resolve()), str(allowed)]
    quiet = subprocess.DEVNULL
    status = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, check=False)
    if status.returncode:
        raise damaged(path.name, "its reader does not come to an end")


def main(name: str, seconds: str) -> None:
    """Read a file; this process ends by itself when that takes too long."""
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    path = Path(name)
    with contextlib.suppress(UserError):
        _read(path)
    os._exit(0)  # closing a damaged file can fail as well


def _read(path: Path) -> None:
    most = path.stat().st_size * _LARGEST_RATIO
    with (open_keras if zipfile.is_zipfile(path) else open_h5)(path) as file:
        for item in file.stored:
            if math.prod(item.shape) <= most:
                file.read(item)


if __name__ == "__main__":
    main(*sys.argv[1:])
