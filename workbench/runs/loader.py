"""Reads files on a background thread and keeps the last few of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_WANTED = 8  # while a slider is dragged, only what was asked for last is worth reading


class Loader(Generic[T]):
    """A small cache of files of one kind, filled in the background, newest wish first.

    `get`, `refresh`, `tick` and `close` are called on one thread.

    Args:
        read: reads one file; raises UserError when it cannot.
        capacity: files kept.
    """

    def __init__(self, read: Callable[[Path], T], capacity: int = 24) -> None:
        self._read = read
        self._capacity = capacity
        self._cache: OrderedDict[Path, T | None] = OrderedDict()
        self._stale: set[Path] = set()
        self._pending: set[Path] = set()
        self._wanted: OrderedDict[Path, None] = OrderedDict()
        self._loaded: SimpleQueue[tuple[Path, T | UserError]] = SimpleQueue()
        self._change = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.errors: list[UserError] = []

    def get(self, path: Path) -> T | None:
        """Return a file's content if it is loaded, perhaps an older one; else want it."""
        if path in self._cache:
            self._cache.move_to_end(path)
            if path not in self._stale:
                return self._cache[path]
        self._want(path)
        return self._cache.get(path)

    def refresh(self, path: Path) -> None:
        """Read a file again when it is next asked for: it has been replaced."""
        self._stale.add(path)

    def tick(self) -> bool:
        """Take over what has been read; whether anything was."""
        arrived = False
        while True:
            try:
                path, content = self._loaded.get_nowait()
            except Empty:
                return arrived
            arrived = True
            self._take(path, content)

    def close(self) -> None:
        """End the thread."""
        with self._change:
            self._closed = True
            self._change.notify()

    def _want(self, path: Path) -> None:
        if path in self._pending:
            return
        self._pending.add(path)
        self._stale.discard(path)
        with self._change:
            self._wanted[path] = None
            while len(self._wanted) > _WANTED:
                dropped, _ = self._wanted.popitem(last=False)
                self._pending.discard(dropped)
            self._change.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="load files", daemon=True)
            self._thread.start()

    def _take(self, path: Path, content: T | UserError) -> None:
        self._pending.discard(path)
        if isinstance(content, UserError):
            self._cache.setdefault(path, None)  # an older content is better than none
            if path.exists():  # what was thinned out is gone on purpose; what is there is damaged
                self.errors.append(content)
        else:
            self._cache[path] = content
        self._cache.move_to_end(path)
        while len(self._cache) > self._capacity:
            self._cache.popitem(last=False)

    def _run(self) -> None:
        while (path := self._next()) is not None:
            try:
                content: T | UserError = self._read(path)
            except UserError as error:
                content = error
            except Exception as error:
                content = UserError(f"{path.name} cannot be read: {error}.")
            self._loaded.put((path, content))

    def _next(self) -> Path | None:
        with self._change:
            while not self._wanted and not self._closed:
                self._change.wait()
            return None if self._closed else self._wanted.popitem()[0]
