"""Starts workers as processes of this machine that outlive whoever started them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, ClassVar

import msgspec
import psutil

from workbench.errors import UserError
from workbench.plugin_api.launcher import Launcher, Readiness

if TYPE_CHECKING:
    from pathlib import Path

_MODULE = "workbench.worker"
_LOG = "stderr.log"
_LONGEST_LOG = 2**18


class LocalLauncher(Launcher):
    """Runs `python -m workbench.worker FOLDER` in a session of its own."""

    id: ClassVar[str] = "local"
    title: ClassVar[str] = "This computer"

    def __init__(self) -> None:
        self._workers: dict[Path, subprocess.Popen[bytes]] = {}
        self._waiting: dict[str, _Waiting] = {}

    def submit(self, run_folder: Path, backend: str = "") -> None:
        """Hand the folder to the worker that waits with the backend, or start one."""
        folder = run_folder.resolve()
        process = self._hand_over(folder, backend)
        if process is None:
            shorten(folder / _LOG)
            try:
                with (folder / _LOG).open("ab") as log:
                    process = _start([str(folder)], stderr=log.fileno())
            except OSError as error:
                raise UserError(
                    f"The training process could not be started: {error.strerror or error}.",
                    "Look at the rights and the free space of the run's folder.",
                ) from error
        self._workers[folder] = process

    def cancel(self, run_folder: Path, pid: int = 0) -> None:
        """Kill the worker and the processes that load data for it."""
        process = self._workers.get(run_folder.resolve())
        if process is not None and process.poll() is None:
            _kill_tree(process.pid)
        elif pid and _is_worker(pid):
            _kill_tree(pid)

    def failure(self, run_folder: Path) -> str:
        """Return how a worker of this process ended, with the last line it printed."""
        process = self._workers.get(run_folder.resolve())
        code = process.poll() if process is not None else None
        if code is None:
            return ""
        last = _last_line(run_folder / _LOG)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        return f"The training process {how}" + (f": {last}" if last else ".")

    def warm_up(self, backend: str) -> None:
        """Start a worker that imports the backend and waits for a folder's path."""
        known = self._waiting.get(backend)
        if known is not None and known.process.poll() is None:
            return
        with contextlib.suppress(OSError):  # without one, the next run only starts more slowly
            self._waiting[backend] = _Waiting(backend)

    def readiness(self, backend: str) -> Readiness:
        """Return what the waiting worker has said of its backend."""
        waiting = self._waiting.get(backend)
        return Readiness() if waiting is None else waiting.readiness

    def cool_down(self, backend: str) -> None:
        """End a waiting worker by closing its input."""
        waiting = self._waiting.pop(backend, None)
        if waiting is not None:
            waiting.close()

    def close(self) -> None:
        """End all waiting workers."""
        for backend in list(self._waiting):
            self.cool_down(backend)

    def _hand_over(self, folder: Path, backend: str) -> subprocess.Popen[bytes] | None:
        waiting = self._waiting.pop(backend, None)
        if waiting is None:
            return None
        return waiting.process if waiting.take(folder) else None


class _Waiting:
    """A worker that imports a backend, says in one line how that went, and waits for a folder.

    Attributes:
        readiness: what it has said; a thread that reads its line replaces it.
    """

    def __init__(self, backend: str) -> None:
        pipe = subprocess.PIPE
        self.process = _start(["--wait", backend], stdin=pipe, stdout=pipe)
        self.readiness = Readiness(state="warming")
        threading.Thread(target=self._listen, name=f"warming {backend}", daemon=True).start()

    def take(self, folder: Path) -> bool:
        """Give the worker its folder; whether it lives and could be told."""
        if self.process.poll() is not None or self.readiness.state == "broken":
            self.close()
            return False
        stream = self.process.stdin
        assert stream is not None
        try:
            stream.write(os.fsencode(folder) + b"\n")
            stream.close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Tell the worker that nobody wants it any more."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream, contextlib.suppress(OSError):
            line = stream.readline()
        try:
            self.readiness = msgspec.json.decode(line, type=Readiness)
        except msgspec.DecodeError:
            status = self.process.wait()
            text = f"The process that imports the framework ended with status {status}."
            self.readiness = Readiness(state="broken" if status else "none", message=text)


def shorten(log: Path) -> None:
    """Keep only the end of a log that has grown long."""
    with contextlib.suppress(OSError):
        if log.exists() and log.stat().st_size > _LONGEST_LOG:
            log.write_bytes(log.read_bytes()[-_LONGEST_LOG // 4 :])


def _start(
    arguments: list[str],
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a detached worker. It takes no module from the folder in which it is started."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=os.name == "posix",
        creationflags=flags,
    )
    # Somebody has to wait for a child's end, or it stays as a zombie.
    threading.Thread(target=process.wait, name=f"worker {process.pid}", daemon=True).start()
    return process


def _is_worker(pid: int) -> bool:
    """Whether a process is a worker, not another one that got its number later."""
    try:
        return _MODULE in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.Error):
        worker = psutil.Process(pid)
        for process in (*worker.children(recursive=True), worker):
            with contextlib.suppress(psutil.Error):
                process.kill()


def _last_line(log: Path) -> str:
    try:
        lines = log.read_bytes()[-8192:].decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]
