"""The worker's end of events.jsonl."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from workbench.files import unwritable
from workbench.runs import events as ev
from workbench.runs.log import LineWriter

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder

RESERVE_BYTES = 64 * 1024


class EventLog:
    """Appends events, and keeps a little of the disk back to say that it is full.

    Raises:
        UserError: events cannot be written: the disk is full, the folder is read-only.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._path = folder.events
        self._reserve = folder.path / ".reserve"
        try:
            self._writer = LineWriter(folder.events)
        except OSError as error:
            raise unwritable(folder.events, error) from error
        with contextlib.suppress(OSError), self._reserve.open("wb") as file:
            file.write(b"\0" * RESERVE_BYTES)

    def write(self, kind: type[Any], /, **fields: Any) -> None:
        """Append one event of now; raises UserError when that is impossible."""
        event = kind(time=time.time(), **fields)
        try:
            self._writer.write(ev.encode(event), durable=kind in (ev.Finished, ev.Failed))
        except OSError as error:
            raise unwritable(self._path, error) from error

    def release_reserve(self) -> None:
        """Give back the space that was kept for last words."""
        with contextlib.suppress(OSError):
            self._reserve.unlink()

    def close(self) -> None:
        """Close the file."""
        self.release_reserve()
        self._writer.close()
