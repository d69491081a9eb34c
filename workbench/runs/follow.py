"""Follows a run for the window: a thread tails its events and probes its lock."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import msgspec

from workbench.runs import events
from workbench.runs.control import is_running
from workbench.runs.log import LineTail

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder

TAIL_SECONDS = 1 / 20
PROBE_SECONDS = 0.5

_BLOCK = 2**18  # bytes read at once: small, so that stopping and handing over never take long
_CHUNK = 200  # events handed over at once
_WAITING = 200  # chunks that may wait for the window


class Follower:
    """Tails one run on a thread of its own until it is closed.

    Attributes:
        is_running: whether a worker lives, as the lock told it half a second ago at most.
        skipped: lines that could not be decoded; a newer version may have written them.
        error: why the thread ended, if it ended by itself.
        has_caught_up: whether all that stood in the log when following began has been queued.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.is_running = is_running(folder)
        self.skipped = 0
        self.error: Exception | None = None
        self.has_caught_up = False
        self._chunks: SimpleQueue[list[events.Event]] = SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"follow {folder.name}", daemon=True)
        self._thread.start()

    def next_chunk(self) -> list[events.Event]:
        """Return some more events in their order; none when there are no new ones."""
        try:
            return self._chunks.get_nowait()
        except Empty:
            return []

    def close(self) -> None:
        """Stop following; the thread ends by itself, soon."""
        self._closed.set()

    def join(self, seconds: float | None = None) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._tail()
        except Exception as error:
            self.error = error  # reported by whoever ticks; a dead thread is never silent

    def _tail(self) -> None:
        tail = LineTail(self.folder.events)
        since_probe = 0.0
        while not self._closed.is_set():
            lines = tail.read(_BLOCK)
            self._queue(lines)
            if lines:
                continue
            self.has_caught_up = True
            self._closed.wait(TAIL_SECONDS)
            since_probe += TAIL_SECONDS
            if since_probe >= PROBE_SECONDS:
                since_probe = 0.0
                self._probe(tail)

    def _probe(self, tail: LineTail) -> None:
        running = is_running(self.folder)
        if self.is_running and not running:  # its last words come before the news of its end
            while lines := tail.read(_BLOCK):
                self._queue(lines)
        self.is_running = running

    def _queue(self, lines: list[bytes]) -> None:
        for start in range(0, len(lines), _CHUNK):
            chunk = self._decoded(lines[start : start + _CHUNK])
            if chunk:
                self._chunks.put(chunk)
            while self._chunks.qsize() > _WAITING and not self._closed.wait(TAIL_SECONDS):
                pass

    def _decoded(self, lines: list[bytes]) -> list[events.Event]:
        chunk: list[events.Event] = []
        for line in lines:
            try:
                chunk.append(events.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.skipped += bool(line.strip())
        return chunk
