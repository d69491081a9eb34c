"""Vectors of the shown run in a plane, worked out by a process that a cancel ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.inspecting.network import Network, Progressed
from workbench.inspecting.projection import (
    FindNeighbours,
    Method,
    Neighbours,
    Project,
    Projected,
    ProjectionReply,
)
from workbench.reading import Refused
from workbench.session.helper import Helper
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.session.run import RunSession

COMMAND = (sys.executable, "-P", "-m", "workbench.worker.projector")


class Projection:
    """The last projection, and the neighbours of one of its points.

    Signals:
        changed(): read the attributes.
        messaged(Message): it could not be made.

    Attributes:
        asked: what is shown or being worked out.
        progress: how far it is; None: nothing is being worked out.
    """

    changed = Signal()
    messaged = Signal(Message)

    def __init__(self, run: RunSession, command: Sequence[str] = COMMAND) -> None:
        self._run = run
        self._helper = Helper(command, ProjectionReply, "projects vectors", (Progressed,))
        self._number = self._neighbours_number = 0
        self.asked: Project | None = None
        self.progress: Progressed | None = None
        self.projected: Projected | None = None
        self.neighbours: Neighbours | None = None
        run.opened.connect(self._on_opened)

    def start(self, node: str, *, tokens: bool, method: Method) -> None:
        """Project a layer's table of tokens, or its outputs for the validation samples."""
        folder = self._run.folder
        if folder is None:
            return
        self.cancel()
        network = Network(run=str(folder.path))
        self.asked = Project(network=network, node=node, tokens=tokens, method=method)
        self.projected = self.neighbours = None
        self._number = self._helper.ask(self.asked)
        self.progress = Progressed(id=self._number, share=-1.0, doing="Starting")
        self.changed.emit()

    def cancel(self) -> None:
        """End what is being worked out, at once."""
        if self.progress is not None:
            self._helper.close()
            self.progress = self.asked = None
            self.changed.emit()

    def find_neighbours(self, index: int) -> None:
        """Say which points are most alike to one."""
        if self.projected is not None and self.progress is None:
            self._neighbours_number = self._helper.ask(FindNeighbours(index=index))

    def tick(self) -> None:
        """Take over what the process has answered."""
        for reply in self._helper.replies():
            if reply.id in (self._number, self._neighbours_number):
                self._take(reply)

    def close(self) -> None:
        """End the process."""
        self._helper.close()

    def _take(self, reply: ProjectionReply) -> None:
        match reply:
            case Progressed():
                self.progress = reply
            case Projected():
                self.projected, self.progress = reply, None
            case Neighbours():
                self.neighbours = reply
            case Refused():
                if reply.id == self._number:
                    self.progress = self.asked = None
                self.messaged.emit(Message("error", reply.message, reply.hint))
        self.changed.emit()

    def _on_opened(self) -> None:
        self._helper.close()
        self.asked = self.progress = None
        self.projected = self.neighbours = None
        self.changed.emit()
