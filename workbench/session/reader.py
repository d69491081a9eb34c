"""The window's end of the process that reads files: starts it, asks it, never waits for it."""

from __future__ import annotations

import contextlib
import itertools
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from workbench.reading import DescribeData, Importing, Refused, Reply, Request, receive, send

if TYPE_CHECKING:
    from collections.abc import Sequence

TRIES = 2
"""A request that ends the process twice is not sent a third time."""
PATIENCE = 2.0
"""Seconds that a description nobody wants any more may go on before it is ended."""
COMMAND = (sys.executable, "-P", "-m", "workbench.worker.reader")


@dataclass
class _Asked:
    request: Request
    since: float
    tries: int = 0


class Reader:
    """Asks a helper process that is started by the first request and replaced when it dies.

    All methods are called on one thread; a thread of its own fills the queue of replies.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._ids = itertools.count(1)
        self._pending: dict[int, _Asked] = {}
        self._replies: queue.SimpleQueue[tuple[subprocess.Popen[bytes], Reply | None]] = (
            queue.SimpleQueue()
        )
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Request) -> int:
        """Send a request and return its number; the answer comes from `replies`."""
        request = msgspec.structs.replace(request, id=next(self._ids))
        if isinstance(request, DescribeData):
            self._drop_descriptions()
        asked = _Asked(request, time.monotonic())
        self._pending[request.id] = asked
        self._send(asked)
        return request.id

    def replies(self) -> list[Reply]:
        """Return what has been answered since the last call."""
        found: list[Reply] = []
        while not self._replies.empty():
            process, reply = self._replies.get()
            if process is not self._process:
                continue  # an old process' last words
            if reply is None:
                self._end()
                found += self._send_again()
            elif reply.id in self._pending:
                if not isinstance(reply, Importing):  # the answer is still to come
                    del self._pending[reply.id]
                found.append(reply)
        return found

    def close(self) -> None:
        """End the process; nothing is answered any more."""
        self._pending.clear()
        self._end()

    def _drop_descriptions(self) -> None:
        """Forget older descriptions; one that takes its time is ended with its process."""
        old = [n for n, asked in self._pending.items() if isinstance(asked.request, DescribeData)]
        dropped = [self._pending.pop(number) for number in old]
        if any(time.monotonic() - asked.since > PATIENCE for asked in dropped):
            self._end()
            for asked in self._pending.values():
                self._send(asked)

    def _send(self, asked: _Asked) -> None:
        asked.tries += 1
        process = self._process or self._start()
        with contextlib.suppress(OSError):  # it has died: its reader thread will say so
            assert process.stdin is not None
            send(process.stdin, asked.request)

    def _send_again(self) -> list[Reply]:
        """Ask a new process what the dead one owed; give up on what was asked twice."""
        refused: list[Reply] = []
        for number, asked in list(self._pending.items()):
            if asked.tries < TRIES:
                self._send(asked)
                continue
            del self._pending[number]
            refused.append(
                Refused(
                    id=number,
                    message="The process that reads files ended unexpectedly.",
                    hint="There may be too little memory. Close what you can, and try again.",
                )
            )
        return refused

    def _start(self) -> subprocess.Popen[bytes]:
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=flags,
        )
        threading.Thread(
            target=_listen, args=(self._process, self._replies), name="reader", daemon=True
        ).start()
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
            process.wait()


def _listen(
    process: subprocess.Popen[bytes],
    replies: queue.SimpleQueue[tuple[subprocess.Popen[bytes], Reply | None]],
) -> None:
    decoder = msgspec.msgpack.Decoder(Reply)
    assert process.stdout is not None
    with process.stdout as stream, contextlib.suppress(EOFError, OSError, msgspec.DecodeError):
        while True:
            replies.put((process, decoder.decode(receive(stream))))
    replies.put((process, None))
