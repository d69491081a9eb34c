"""Training samples alike to one, found by a process that a cancel ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.errors import UserError
from workbench.inspecting.network import Network, Progressed
from workbench.inspecting.projection import FindSimilar, ProjectionReply, Similar
from workbench.reading import Refused
from workbench.session.helper import Helper
from workbench.session.projection import COMMAND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.inspecting.network import Sample
    from workbench.session.run import RunSession

COUNT = 12


class Similarity:
    """The training samples that a layer of the shown network finds most alike to a sample.

    Signals:
        changed(): read the attributes.

    Attributes:
        sample, node: what was asked last; None and empty: nothing.
        found: the answer; None: not yet, or none.
        error: why there is none.
        progress: how far it is; None: nothing is being worked out.
    """

    changed = Signal()
    sample: Sample | None
    found: Similar | None
    error: UserError | None
    progress: Progressed | None

    def __init__(self, run: RunSession, command: Sequence[str] = COMMAND) -> None:
        self._run = run
        self._helper = Helper(command, ProjectionReply, "compares samples", (Progressed,))
        self._number = 0
        self._forget()
        run.opened.connect(self._on_opened)

    def find(self, sample: Sample, node: str, count: int = COUNT) -> None:
        """Find the samples of the training split that are most alike; what was asked is void."""
        folder = self._run.folder
        if folder is None:
            return
        self.cancel()
        self._forget()
        self.sample, self.node = sample, node
        network = Network(run=str(folder.path))
        request = FindSimilar(network=network, sample=sample, node=node, count=count)
        self._number = self._helper.ask(request)
        self.progress = Progressed(id=self._number, share=-1.0, doing="Starting")
        self.changed.emit()

    def cancel(self) -> None:
        """End what is being worked out, at once."""
        if self.progress is not None:
            self._helper.close()
            self._forget()
            self.changed.emit()

    def clear(self) -> None:
        """Forget the answer: another sample is looked at."""
        self.cancel()
        if self.sample is not None:
            self._forget()
            self.changed.emit()

    def tick(self) -> None:
        """Take over what the process has answered."""
        for reply in self._helper.replies():
            if reply.id != self._number:
                continue
            match reply:
                case Progressed():
                    self.progress = reply
                case Similar():
                    self.found, self.progress = reply, None
                case Refused():
                    self.error, self.progress = UserError(reply.message, reply.hint), None
            self.changed.emit()

    def close(self) -> None:
        """End the process."""
        self._helper.close()

    def _forget(self) -> None:
        self.sample = self.found = self.error = self.progress = None
        self.node = ""

    def _on_opened(self) -> None:
        self._helper.close()
        self._forget()
        self.changed.emit()
