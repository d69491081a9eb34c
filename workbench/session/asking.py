"""One question at a time about the open experiment, answered in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.errors import UserError
from workbench.reading import Refused, Reply
from workbench.session.reader import COMMAND, Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.data import DataInfo
    from workbench.reading import Request
    from workbench.session.document import DocumentSession


class Asking:
    """Asks a process of its own, so that no file can harm the window or delay its pictures.

    Subclasses ask with `_ask` and use the answer in `_answered`.

    Signals:
        changed(): read `is_busy`, `error` and what the answer said.
    """

    changed = Signal()

    def __init__(
        self,
        document: DocumentSession,
        info: DataInfo | None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._document = document
        self._info = info
        self._reader = Reader(command)
        self._asked = 0
        self.error: UserError | None = None
        self.is_busy = False

    def tick(self) -> None:
        """Take over what has been answered."""
        for reply in self._reader.replies():
            if reply.id == self._asked:
                self.is_busy = False
                if isinstance(reply, Refused):
                    self.error = UserError(reply.message, reply.hint)
                else:
                    self._answered(reply)
                self.changed.emit()

    def close(self) -> None:
        """End the process; what was asked is not answered any more."""
        self.is_busy = False
        self._reader.close()

    def _ask(self, request: Request) -> None:
        """Ask something; an earlier question is dropped."""
        if self.is_busy:
            self._reader.close()  # nobody wants the answer, and it may take its time
        self.error = None
        self._asked = self._reader.ask(request)
        self.is_busy = True
        self.changed.emit()

    def _answered(self, reply: Reply) -> None:
        raise NotImplementedError
