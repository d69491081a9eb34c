"""The process that exports: it is started, listened to and, if need be, ended."""

from __future__ import annotations

import sys

import msgspec
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from workbench.runs import exports

GRACE_MILLISECONDS = 4000
"""What a cancelled export may take to end its children and to clear away what is unfinished."""


class ExportProcess(QObject):
    """Runs `workbench export` and hears its lines as they come.

    Signals:
        told(Event): a line of `workbench.runs.exports`.
        ended(str): it is gone; why, if it ended before its time.
    """

    told = Signal(object)
    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.was_cancelled = False
        self._rest = b""
        self._error = ""
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._on_output)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._kill = QTimer(self)
        self._kill.setSingleShot(True)
        self._kill.setInterval(GRACE_MILLISECONDS)
        self._kill.timeout.connect(self._process.kill)

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def pid(self) -> int:
        """Number of the process; 0 when there is none."""
        return self._process.processId()

    def start(self, arguments: list[str]) -> None:
        """Start `workbench export` with these arguments."""
        self.was_cancelled, self._rest, self._error = False, b"", ""
        command = ["-P", "-m", "workbench", "export", *arguments, "--json", "--progress"]
        self._process.start(sys.executable, command)

    def cancel(self) -> None:
        """Ask it to end with its children; end it by force if it does not."""
        if self.is_running:
            self.was_cancelled = True
            self._process.terminate()
            self._kill.start()

    def _on_output(self) -> None:
        *lines, self._rest = (
            self._rest + bytes(self._process.readAllStandardOutput().data())
        ).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = exports.decode(line)
        except msgspec.DecodeError:
            self._error = _error_in(line) or self._error
        else:
            self.told.emit(event)

    def _on_finished(self, status: int, _how: QProcess.ExitStatus) -> None:
        self._kill.stop()
        self._on_output()
        self._take(self._rest)
        if self.was_cancelled:
            self.ended.emit("")
        elif status in (0, 3):  # 3: some formats failed, and said so
            self.ended.emit(self._error)
        else:
            self.ended.emit(self._error or self._last_words(status))

    def _last_words(self, status: int) -> str:
        said = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
        return last[:300] or f"The export ended with status {status}."

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.ended.emit("The export could not be started: Python was not found.")


class _Refusal(msgspec.Struct):
    error: str
    hint: str = ""


def _error_in(line: bytes) -> str:
    try:
        found = msgspec.json.decode(line, type=_Refusal)
    except msgspec.DecodeError:
        return ""
    return f"{found.error} {found.hint}".strip()
