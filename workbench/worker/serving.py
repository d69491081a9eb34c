"""The life of a helper process: requests come in on one pipe, answers go out on another."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from workbench.reading import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

R = TypeVar("R", bound=msgspec.Struct, contravariant=True)


class Answerer(Protocol[R]):
    """Answers one request after the other."""

    def answer(self, request: R, /) -> msgspec.Struct:
        """Return the answer; whatever goes wrong is an answer too."""
        ...


def serve(
    kinds: Any,
    make: Callable[[Callable[[msgspec.Struct], None]], Answerer[R]],
    choose: Callable[[Sequence[R]], Iterable[R]],
) -> None:
    """Answer requests from standard input on standard output until it is closed.

    Args:
        kinds: union of the requests.
        make: returns what answers; gets a function that sends something in between.
        choose: returns those of all waiting requests that are still wanted.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window, which ends us
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the cores are for training
    # Frames keep the real standard output; what plug-ins print goes to the log.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests: queue.SimpleQueue[R] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, kinds, requests), daemon=True).start()
    answerer = make(lambda message: send(output, message))
    while True:
        waiting = [requests.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(requests.get_nowait())
        for request in choose(waiting):
            send(output, answerer.answer(request))


def _listen(stream: IO[bytes], kinds: Any, requests: queue.SimpleQueue[R]) -> None:
    """Queue requests until the other end is gone; then nobody wants the rest."""
    decoder = msgspec.msgpack.Decoder(kinds)
    with contextlib.suppress(EOFError, msgspec.DecodeError, OSError):
        while True:
            requests.put(decoder.decode(receive(stream)))
    os._exit(0)
