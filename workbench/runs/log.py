"""Append lines to a file that others tail; a torn last line is dropped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class LineWriter:
    """Appends whole lines. A line torn by a crash is cut off before the first append."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+", buffering=0)
        self._cut_torn_line()

    def write(self, line: bytes, *, durable: bool = False) -> None:
        """Append one line that ends in a newline; durable: it survives a power cut.

        Raises:
            OSError: nothing was appended, not even a part of the line.
        """
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError:
            if written:
                self._file.truncate(self._file.seek(0, os.SEEK_END) - written)
            raise
        if durable:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _cut_torn_line(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            self._file.truncate(end)


class LineTail:
    """Reads the whole lines that were appended since the last call.

    Args:
        offset: bytes at the beginning that are of no interest any more.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset

    @property
    def offset(self) -> int:
        """Bytes that have been read."""
        return self._offset

    def read(self, limit: int = 8 * 2**20) -> list[bytes]:
        """Return new lines without their newlines, about `limit` bytes at most.

        An unfinished last line waits for its end. A file that does not exist yet has no lines.
        """
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset = 0
                file.seek(self._offset)
                block = file.read(limit)
                while block and b"\n" not in block and (more := file.read(limit)):
                    block += more
        except FileNotFoundError:
            return []
        whole = block.rfind(b"\n") + 1
        self._offset += whole
        return block[:whole].splitlines()
