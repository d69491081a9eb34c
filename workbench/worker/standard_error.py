"""Keeps what the worker and its libraries print in a file that cannot grow without end."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 2**20
KEPT = 2**18
"""What is left of a file that has grown too large: its end."""
INTERVAL = 5.0


class StandardError:
    """Sends standard error to a run's stderr.log, unless somebody else reads it.

    A terminal or a pipe stays as it is: a person, or a cluster's log, is at its other end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if _goes_nowhere() or self._is_already_there():
            with contextlib.suppress(OSError):
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
                os.dup2(handle, 2)
                os.close(handle)
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            cut(self._path)

    def _is_already_there(self) -> bool:
        with contextlib.suppress(OSError):
            return os.path.sameopenfile(2, 2) and os.path.samestat(os.fstat(2), self._path.stat())
        return False

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL):
            cut(self._path)


def cut(path: Path, largest: int = LARGEST, kept: int = KEPT) -> None:
    """Cut the beginning off a file that is too large; it may be open for appending."""
    with contextlib.suppress(OSError), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if size > largest:
            file.seek(size - kept)
            end = file.read()
            file.truncate(0)
            file.seek(0)
            file.write(b"(cut off)\n" + end)


def _goes_nowhere() -> bool:
    try:
        return os.path.samestat(os.fstat(2), os.stat(os.devnull))
    except OSError:
        return True
