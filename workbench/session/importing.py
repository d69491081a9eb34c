"""Importing a network into the open experiment: list, import, take over; never blocking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from psygnal import Signal

from workbench import preferences
from workbench.adopting import (
    Importing,
    ImportModel,
    ListModels,
    ModelImported,
    ModelsListed,
    Reply,
)
from workbench.document.joining import Landing, added_nodes, joined, replaced
from workbench.errors import UserError
from workbench.reading import Refused
from workbench.session.helper import Helper
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.analysis.import_report import ImportReport
    from workbench.plugin_api.importer import Architecture
    from workbench.session.document import DocumentSession

COMMAND = (sys.executable, "-P", "-m", "workbench.worker.adopter")


class ModelImport:
    """Asks a process of its own, which ends with an import, by `cancel` and by `close`.

    The experiment may be edited while an import goes on; the network is put into it as it is then.

    Signals:
        changed(): read `models`, `doing`, `report` and `error`.
        messaged(Message): what became of an import.
    """

    changed = Signal()
    messaged = Signal(Message)

    def __init__(self, document: DocumentSession, command: Sequence[str] = COMMAND) -> None:
        self._document = document
        self._helper = Helper(command, Reply, "imports networks", (Importing,))
        self._asked = 0
        self.models: tuple[Architecture, ...] | None = None
        self.missing: dict[str, str] = {}
        self.doing = ""
        self.report: ImportReport | None = None
        self.error: UserError | None = None
        self._base = document.experiment
        self._landing: Landing | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an import goes on."""
        return bool(self.doing)

    def look(self) -> None:
        """Ask which networks there are."""
        self._ask(ListModels())

    def start(
        self,
        source: str,
        *,
        architecture: str = "",
        published: str = "",
        classes: int = 0,
        freeze: str = "",
        landing: Landing | None = None,
    ) -> None:
        """Import a network; the experiment is edited, as one step of undo, when it is there.

        Args:
            landing: where on the canvas it is put: as the network, if there is none yet, else
                beside it. None: it takes the place of the network, wherever that was.
        """
        self.report = self.error = None
        self.doing = "Starting"
        self._base, self._landing = self._document.experiment, landing
        beside = landing is not None and bool(self._base.graph.nodes)
        self._ask(
            ImportModel(
                source=source,
                architecture=architecture,
                published=published,
                classes=0 if beside else classes,
                freeze="" if beside else freeze,
                base=self._base,
                folder=str(preferences.weights_folder()),
                beside=beside,
            )
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Give up what goes on; nothing of the experiment has changed."""
        self._helper.close()
        self.doing = ""
        self.changed.emit()

    def close(self) -> None:
        """End the process."""
        self.doing = ""
        self._helper.close()

    def tick(self) -> None:
        """Take over what has been answered."""
        for reply in self._helper.replies():
            if reply.id == self._asked:
                self._take(reply)
                self.changed.emit()

    def _ask(self, request: ListModels | ImportModel) -> None:
        self._asked = self._helper.ask(request)

    def _take(self, reply: Reply) -> None:
        match reply:
            case Importing():
                self.doing = reply.words
                return
            case ModelsListed():
                self.models, self.missing = reply.models, reply.missing
            case ModelImported():
                self._helper.close()  # frameworks take memory that nobody needs now
                self._edit(reply)
            case Refused():
                self._helper.close()
                self._fail(UserError(reply.message, reply.hint))
        self.doing = ""

    def _edit(self, reply: ModelImported) -> None:
        """Put the network into the experiment as one step of undo."""
        landing, base = self._landing, self._base
        try:
            if landing is not None and base.graph.nodes:
                added = added_nodes(base, reply.experiment)
                known = set(self._document.experiment.graph.by_id)
                title = f"Add {added[0].group.partition('/')[0]}"
                self._document.edit(
                    lambda present: joined(present, base, reply.experiment, landing), title
                )
                after = self._document.experiment.graph
                self._document.select(n.id for n in after.nodes if n.id not in known)
            else:
                title = f"Import {reply.experiment.name}"
                self._document.edit(
                    lambda present: replaced(present, base, reply.experiment, landing), title
                )
        except UserError as error:
            self._fail(error)
            return
        self.report = reply.report
        self.messaged.emit(_told(reply.report, beside=bool(landing and base.graph.nodes)))

    def _fail(self, error: UserError) -> None:
        self.error = error
        self.messaged.emit(Message("error", error.message, error.hint))


def _told(report: ImportReport, *, beside: bool) -> Message:
    """Return what a person has to know of an import at once; the rest is in the report."""
    hints = []
    if report.head:
        hints.append(report.head)
    if report.preparation and beside:
        hints.append(
            f"It was made for pictures prepared so: {report.preparation}. How the data are "
            "prepared has not changed."
        )
    elif report.preparation:
        hints.append(f"The data are prepared as it was trained: {report.preparation}.")
    if report.whole:
        hints.append(f"It is one block: {report.whole}.")
    where = "beside the network" if beside else "on the canvas"
    return Message("info", f"{report.origin} is {where}.", " ".join(hints))
