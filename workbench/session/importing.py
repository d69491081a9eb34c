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
    from workbench.document.graph import LoRA
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
        self._generation = document.generation

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
        lora: LoRA | None = None,
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
        self._generation = self._document.generation
        beside = landing is not None and bool(self._base.graph.nodes)
        self._ask(
            ImportModel(
                source=source,
                architecture=architecture,
                published=published,
                classes=0 if beside else classes,
                freeze="" if beside else freeze,
                lora=None if beside else lora,
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
            if isinstance(reply, ModelsListed):
                self.models, self.missing = reply.models, reply.missing
                self.changed.emit()
            elif reply.id == self._asked:
                self._take(reply)
                self.changed.emit()

    def _ask(self, request: ListModels | ImportModel) -> None:
        self._asked = self._helper.ask(request)

    def _take(self, reply: Reply) -> None:
        match reply:
            case Importing():
                self.doing = reply.words
                return
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
            self._check_place()
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
        prepared = self._document.experiment.data.preprocessing
        is_prepared = prepared == reply.experiment.data.preprocessing != base.data.preprocessing
        where = "beside the network" if landing and base.graph.nodes else "on the canvas"
        self.messaged.emit(_told(reply.report, where, is_prepared=is_prepared))

    def _check_place(self) -> None:
        """Raise a UserError where the network would land in something else than was meant."""
        if self._generation != self._document.generation:
            raise UserError(
                "Another experiment was opened while the network was imported.",
                "Import it once more to have it here.",
            )
        present, was_empty = self._document.experiment, not self._base.graph.nodes
        if self._landing is not None and was_empty and present.graph.nodes:
            raise UserError(
                "Layers were added while the network was imported.",
                "Import it once more to have it beside them.",
            )

    def _fail(self, error: UserError) -> None:
        self.error = error
        self.messaged.emit(Message("error", error.message, error.hint))


def _told(report: ImportReport, where: str, *, is_prepared: bool) -> Message:
    """Return what a person has to know of an import at once; the rest is in the report."""
    hints = []
    if report.head:
        hints.append(report.head)
    if report.preparation and is_prepared:
        hints.append(f"The data are prepared as it was trained: {report.preparation}.")
    elif report.preparation:
        hints.append(
            f"It was trained with: {report.preparation}. How the data are prepared has not changed."
        )
    if report.whole:
        hints.append(f"It is one block: {report.whole}.")
    return Message("info", f"{report.origin} is {where}.", " ".join(hints))
