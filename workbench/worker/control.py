"""What a person or the system asks of a running worker."""

from __future__ import annotations

import signal
import time
import zlib
from typing import TYPE_CHECKING

import msgspec

from workbench.runs import commands as cmd
from workbench.runs.log import LineTail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from workbench.runs.commands import Command

INTERVAL = 0.05
"""Seconds between two looks at the commands while waiting."""


class Control:
    """Reads commands.jsonl as it grows, and turns SIGTERM and SIGINT into a stop.

    Attributes:
        stop: whether to finish the step, save and end.
        paused: whether to wait.
        save: whether a checkpoint was asked for; whoever saves resets it.
        watch: the last Watch command; None before the first.
        learning_rates: rates that were asked for and not yet taken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tail = LineTail(path)
        self.stop = False
        self.paused = False
        self.save = False
        self.watch: cmd.Watch | None = None
        self.learning_rates: list[float] = []

    def listen_to_signals(self) -> None:
        """Stop on SIGTERM and Ctrl-C; only the main thread may call this."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def skip(self, size: int, checksum: int) -> None:
        """Pass over commands that an earlier worker has obeyed; a Watch among them still holds.

        Args:
            size, checksum: of what it had read; if the file begins otherwise, nothing is skipped.
        """
        try:
            start = self._path.read_bytes()[:size]
        except OSError:
            return
        if len(start) < size or zlib.crc32(start) != checksum:
            return
        for command in _decoded(start.splitlines()):
            if isinstance(command, cmd.Watch):
                self.watch = command
        self._tail = LineTail(self._path, size)

    def mark(self) -> tuple[int, int]:
        """Return size and checksum of what was read, for `skip`."""
        size = self._tail.offset
        try:
            return size, zlib.crc32(self._path.read_bytes()[:size])
        except OSError:
            return 0, 0

    def poll(self) -> None:
        """Take in new commands; lines that are none are passed over."""
        for command in _decoded(self._tail.read()):
            self._obey(command)

    def wait_while_paused(self, idle: Callable[[], None]) -> None:
        """Sleep until told to go on or to stop; `idle` is called after every look."""
        while self.paused and not self.stop:
            time.sleep(INTERVAL)
            self.poll()
            idle()

    def _obey(self, command: Command) -> None:
        match command:
            case cmd.Stop():
                self.stop = True
            case cmd.Pause():
                self.paused = True
            case cmd.Resume():
                self.paused = False
            case cmd.Save():
                self.save = True
            case cmd.Watch():
                self.watch = command
            case cmd.SetLearningRate(learning_rate=rate) if rate > 0:
                self.learning_rates.append(rate)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop = True


def _decoded(lines: list[bytes]) -> Iterator[Command]:
    for line in lines:
        try:
            yield cmd.decode(line)
        except msgspec.DecodeError:
            continue
