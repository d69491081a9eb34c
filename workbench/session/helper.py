"""The window's end of a helper process: starts it, asks it, never waits for it."""

from __future__ import annotations

import contextlib
import itertools
import math
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.reading import Refused, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRIES = 2
"""A request that ends the process twice is not sent a third time."""


@dataclass
class _Asked:
    request: msgspec.Struct
    since: float
    tries: int = 0


class Helper:
    """Asks a process that is started by the first request and replaced when it dies.

    All methods are called on one thread; a thread of its own fills the queue of replies.

    Args:
        command: what starts the process.
        replies: union of what it answers.
        work: what it does, in words: "The process that … ended unexpectedly."
        interim: replies that are followed by more for the same request.
    """

    def __init__(
        self, command: Sequence[str], replies: Any, work: str, interim: tuple[type, ...] = ()
    ) -> None:
        self._command = command
        self._kinds = replies
        self._work = work
        self._interim = interim
        self._ids = itertools.count(1)
        self._pending: dict[int, _Asked] = {}
        self._replies: queue.SimpleQueue[tuple[subprocess.Popen[bytes], Any]] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: msgspec.Struct) -> int:
        """Send a request and return its number; the answer comes from `replies`."""
        number = next(self._ids)
        asked = _Asked(msgspec.structs.replace(request, id=number), time.monotonic())
        self._pending[number] = asked
        self._send(asked)
        return number

    def replies(self) -> list[Any]:
        """Return what has been answered since the last call."""
        found: list[Any] = []
        while not self._replies.empty():
            process, reply = self._replies.get()
            if process is not self._process:
                continue  # an old process' last words
            if reply is None:
                self._end()
                found += self._send_again()
            elif reply.id in self._pending:
                found.append(reply)
                if not isinstance(reply, self._interim):
                    del self._pending[reply.id]
        return found

    def close(self) -> None:
        """End the process; nothing is answered any more."""
        self._pending.clear()
        self._end()

    def drop(self, number: int, patience: float = 0.0) -> None:
        """Let go of one request.

        Args:
            patience: seconds after which it is ended, with the process; others are asked again.
        """
        asked = self._pending.pop(number, None)
        if asked is not None and time.monotonic() - asked.since >= patience:
            self._end()
            for other in self._pending.values():
                self._send(other)

    def forget(self, drop: Callable[[Any], bool], patience: float = math.inf) -> None:
        """Let go of requests that nobody wants answered any more.

        Args:
            drop: tells which.
            patience: seconds after which such a request is ended, with the process if need be.
        """
        old = [number for number, asked in self._pending.items() if drop(asked.request)]
        dropped = [self._pending.pop(number) for number in old]
        if any(time.monotonic() - asked.since > patience for asked in dropped):
            self._end()
            for asked in self._pending.values():
                self._send(asked)

    def _send(self, asked: _Asked) -> None:
        asked.tries += 1
        process = self._process or self._start()
        with contextlib.suppress(OSError):  # it has died: its reader thread will say so
            assert process.stdin is not None
            send(process.stdin, asked.request)

    def _send_again(self) -> list[Any]:
        """Ask a new process what the dead one owed; give up on what was asked twice."""
        refused: list[Any] = []
        for number, asked in list(self._pending.items()):
            if asked.tries < TRIES:
                self._send(asked)
                continue
            del self._pending[number]
            refused.append(
                Refused(
                    id=number,
                    message=f"The process that {self._work} ended unexpectedly.",
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
            target=_listen, args=(self._process, self._kinds, self._replies), daemon=True
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
    kinds: Any,
    replies: queue.SimpleQueue[tuple[subprocess.Popen[bytes], Any]],
) -> None:
    decoder = msgspec.msgpack.Decoder(kinds)
    assert process.stdout is not None
    with process.stdout as stream, contextlib.suppress(EOFError, OSError, msgspec.DecodeError):
        while True:
            replies.put((process, decoder.decode(receive(stream))))
    replies.put((process, None))
