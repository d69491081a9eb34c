"""The Log tab: what the program and the run have said, and what the worker printed."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from widgets.panels.column import wrapped
from widgets.theme import mono_font
from workbench.runs.journal import Line

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QHideEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session
    from workbench.session.message import Message

TAIL_BYTES = 64_000
MOST_LINES = 5000
POLL_MILLISECONDS = 1000


class LogPanel(QWidget):
    """What was said so far, then lines as they come; output is read on a thread of its own."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log")
        self.setAccessibleName("Log")
        self._session = session
        self._tail: FileTail | None = None
        self._told = 0
        self._text = QPlainTextEdit(self)
        self._text.setObjectName("logText")
        self._text.setAccessibleName("Log")
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(MOST_LINES)
        self._text.setProperty("log", True)
        self._text.setFont(mono_font())
        self._text.setPlaceholderText("Messages and the output of training appear here.")
        self._where = wrapped("", self)
        clear = QPushButton("Clear", self)
        clear.setObjectName("clearLog")
        clear.clicked.connect(self._text.clear)
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 8, 2)
        head.addWidget(self._where, 1)
        head.addWidget(clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._text, 1)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._take_output)
        session.messaged.connect(self._on_message)
        session.run.opened.connect(self._on_run_opened)
        session.run.updated.connect(self._on_run_updated)
        for when, message in session.messages:  # of before anybody looked
            self._append(_line_of(when, message))
        self._on_run_opened()

    def showEvent(self, event: QShowEvent) -> None:
        """Follow the worker's output while somebody looks."""
        super().showEvent(event)
        self._timer.start(POLL_MILLISECONDS)
        self._take_output()

    def hideEvent(self, event: QHideEvent) -> None:
        """Let the file be."""
        self._timer.stop()
        super().hideEvent(event)

    def _on_message(self, message: Message) -> None:
        self._append(_line_of(time.time(), message))

    def _on_run_opened(self) -> None:
        folder = self._session.run.folder
        self._told = 0
        self._tail = FileTail(folder.stderr) if folder else None
        self._where.setText(str(folder.path) if folder else "No run is shown")
        if folder:
            self._append(Line(time.time(), f"Run {folder.name}"))
            self._on_run_updated()

    def _on_run_updated(self) -> None:
        state = self._session.run.state
        fresh = state.told - self._told
        self._told = state.told
        for line in state.journal[-fresh:] if fresh > 0 else ():
            self._append(line)

    def _take_output(self) -> None:
        if self._tail is not None:
            for line in self._tail.new_lines():
                self._append(Line(time.time(), f"worker: {line}"))

    def _append(self, line: Line) -> None:
        bar = self._text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        source = f"{line.severity}: " if line.severity else ""
        self._text.appendPlainText(f"{_stamp(line.time)}  {source}{line.text}")
        if at_end:
            self._text.moveCursor(QTextCursor.MoveOperation.End)


def _line_of(when: float, message: Message) -> Line:
    return Line(when, f"{message.text} {message.hint}".strip(), message.severity)


def _stamp(seconds: float) -> str:
    """Return the time of day, with the date where that is not today's."""
    then = datetime.fromtimestamp(seconds)
    today = then.date() == datetime.now().date()
    return then.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


class FileTail:
    """Hands out the lines that were added to a text file, read on another thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._lines: SimpleQueue[list[str]] = SimpleQueue()
        self._reading: threading.Thread | None = None

    def new_lines(self) -> list[str]:
        """Return what was read since the last call, and read on."""
        found: list[str] = []
        while True:
            try:
                found += self._lines.get_nowait()
            except Empty:
                break
        if self._reading is None or not self._reading.is_alive():
            self._reading = threading.Thread(target=self._read, name="log tail", daemon=True)
            self._reading.start()
        return found

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                start = self._offset if self._offset <= size else 0
                file.seek(max(start, size - TAIL_BYTES))
                block = file.read()
        except OSError:
            return
        whole = block.rfind(b"\n") + 1
        self._offset = size - len(block) + whole
        if whole:
            self._lines.put(block[:whole].decode(errors="replace").splitlines())
