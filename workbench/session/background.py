"""Work on a thread, its outcome on the thread that ticks."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Background:
    """Runs jobs on daemon threads and calls back from `tick`."""

    def __init__(self) -> None:
        self._done: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do `work` elsewhere; `done` or `failed` is called from a later `tick`."""

        def job() -> None:
            try:
                outcome = work()
            except Exception as caught:
                error = caught
                self._done.put(lambda: failed(error))
            else:
                self._done.put(lambda: done(outcome))

        threading.Thread(target=job, name="background", daemon=True).start()

    def tick(self) -> None:
        """Call back for what has been done."""
        while True:
            try:
                call = self._done.get_nowait()
            except Empty:
                return
            call()
