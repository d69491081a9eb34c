"""Recovery files: unsaved work that outlives a crash, one file a window."""

from __future__ import annotations

import contextlib
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from workbench.document.files import dumps, loads
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.preferences import config_folder

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment

_INTERVAL = 1.0  # seconds between two writes at least


class _Recovered(msgspec.Struct):
    path: str | None
    content: str


class Recovery:
    """Keeps the unsaved experiment of one window in a file until it is saved or closed.

    The file's lock is held through the operating system, so a file whose lock is free was left
    by a window that did not come to its end.

    Args:
        folder: where recovery files lie; the user's own unless a test says otherwise.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._name = uuid.uuid4().hex
        self._lock: FileLock | None = None
        self._pending: tuple[Experiment, Path | None] | None = None
        self._written = 0.0

    def note(self, experiment: Experiment, path: Path | None) -> None:
        """Remember the newest unsaved value; `tick` writes it."""
        self._pending = (experiment, path)

    def tick(self) -> None:
        """Write what was noted, at most once a second."""
        if time.monotonic() - self._written >= _INTERVAL:
            self.write()

    def write(self) -> None:
        """Write what was noted, if anything was. A disk that refuses is no reason to stop."""
        if self._pending is None:
            return
        experiment, path = self._pending
        self._pending = None
        self._written = time.monotonic()
        with contextlib.suppress(UserError, OSError):
            kept = _Recovered(str(path) if path else None, dumps(experiment).decode())
            self._claim()
            write_atomically(self._file, msgspec.json.encode(kept), durable=False)

    def discard(self) -> None:
        """Forget what was noted and written: it is saved, or nobody wants it."""
        self._pending = None
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)
        _release(self._lock)
        self._lock = None

    @property
    def age(self) -> float | None:
        """Seconds since unsaved work was last written; None: there is nothing on disk."""
        return None if self._lock is None else time.monotonic() - self._written

    @property
    def _file(self) -> Path:
        return (self._folder or recovery_folder()) / f"{self._name}.json"

    def _claim(self) -> None:
        if self._lock is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._file.with_suffix(".lock"))
            lock.acquire(blocking=False)
            self._lock = lock


def recovery_folder() -> Path:
    """Return the folder of recovery files."""
    return config_folder() / "recovery"


def recoverable(folder: Path | None = None) -> tuple[Experiment, Path | None] | None:
    """Take over the newest unsaved experiment that a window left behind without closing.

    It is handed out once: from then on it is the caller's, who shows it as unsaved. The file
    stays beside the others as NAME.taken, in case it was turned down by mistake.

    Returns:
        The experiment, and the file it was opened from if it had one; None for nothing to recover.
    """
    folder = folder or recovery_folder()
    for file in sorted(folder.glob("*.json"), key=_age):
        lock = FileLock(file.with_suffix(".lock"))
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            continue  # that window is alive
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=_Recovered)
            experiment = loads(kept.content.encode())
        except (OSError, msgspec.DecodeError, UnicodeError, UserError):
            continue  # torn by the crash itself
        finally:
            _set_aside(folder, file)
            _release(lock)
        return experiment, Path(kept.path) if kept.path else None
    return None


def _age(file: Path) -> float:
    try:
        return -file.stat().st_mtime
    except OSError:
        return 0.0


def _set_aside(folder: Path, file: Path) -> None:
    with contextlib.suppress(OSError):
        for older in sorted(folder.glob("*.taken"), key=_age)[9:]:
            older.unlink()
        file.replace(file.with_suffix(".taken"))


def _release(lock: FileLock) -> None:
    lock.release()
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
