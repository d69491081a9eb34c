"""Importing a network into the open experiment: list, import, take over; never blocking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
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
from workbench.document.experiment import Experiment
from workbench.errors import UserError
from workbench.reading import Refused
from workbench.session.helper import Helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.analysis.import_report import ImportReport
    from workbench.plugin_api.importer import Architecture
    from workbench.session.document import DocumentSession

COMMAND = (sys.executable, "-P", "-m", "workbench.worker.adopter")


class ModelImport:
    """Asks a process of its own, which is ended by `cancel` and by `close`.

    Signals:
        changed(): read `models`, `doing`, `report` and `error`.
    """

    changed = Signal()

    def __init__(self, document: DocumentSession, command: Sequence[str] = COMMAND) -> None:
        self._document = document
        self._helper = Helper(command, Reply, "imports networks", (Importing,))
        self._asked = 0
        self.models: tuple[Architecture, ...] | None = None
        self.missing: dict[str, str] = {}
        self.doing = ""
        self.report: ImportReport | None = None
        self.error: UserError | None = None

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
    ) -> None:
        """Import a network; the experiment is edited, as one step of undo, when it is there."""
        self.report = self.error = None
        self.doing = "Starting"
        self._ask(
            ImportModel(
                source=source,
                architecture=architecture,
                published=published,
                classes=classes,
                freeze=freeze,
                base=self._document.experiment,
                folder=str(preferences.weights_folder()),
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
                self._edit(reply.experiment)
                self.report = reply.report
            case Refused():
                self.error = UserError(reply.message, reply.hint)
        self.doing = ""

    def _edit(self, imported: Experiment) -> None:
        """Put the network in the place of the one before; data source and training stay."""
        title, name = f"Import {imported.name}", self._document.experiment.name
        if name != Experiment().name:
            imported = msgspec.structs.replace(imported, name=name)
        self._document.edit(lambda _: imported, title)
