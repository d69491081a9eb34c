"""Asks for the rank of LoRA adapters and what they change, and says what will be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from widgets.fields import set_property
from widgets.forms import StructForm
from widgets.panels.adapters_form import ALPHA, RANK
from workbench.analysis.adapting import EVERY, USUAL, adapters_in_words, add_adapters
from workbench.analysis.shapes import resolve
from workbench.document.edits import EditError
from workbench.document.graph import LoRA
from workbench.plugin_api.parameters import Field

if TYPE_CHECKING:
    from typing import Any

    from workbench.session import Session

ATTENTION, ALL = "Queries and values of attention", "Every dense and attention matrix"
FIELDS = (
    RANK,
    ALPHA,
    Field(name="on", kind="choice", title="They change", choices=(ATTENTION, ALL)),
)
_WIDTH = 440
_ABOUT = (
    "Each adapted matrix stays as it is; a product of two small matrices is added to it and "
    "trained instead, together with the head. Everything else is frozen. Exports have the product "
    "merged into the matrix."
)


class AddAdapters(QDialog):
    """Rank, alpha and a choice; the last line says what comes of it at once."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("addAdapters")
        self.setWindowTitle("Add LoRA adapters")
        self.setMinimumWidth(_WIDTH)
        self._session = session
        self._form = StructForm(FIELDS, self)
        self._told = QLabel(self)
        self._told.setObjectName("adaptersTold")
        self._told.setWordWrap(True)
        self._told.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self._buttons = QDialogButtonBox(self)
        self._add = self._buttons.addButton("Add", QDialogButtonBox.ButtonRole.AcceptRole)
        self._add.setProperty("primary", True)
        self._buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._values: dict[str, Any] = {"rank": 8, "alpha": 16.0, "on": ATTENTION}
        if not self._adapts(USUAL):
            self._values["on"] = ALL
        self._form.show_values(self._values)
        self._form.changed.connect(self._on_changed)
        self._lay_out()
        self._tell()

    @property
    def lora(self) -> LoRA:
        """What was chosen."""
        on = USUAL if self._values["on"] == ATTENTION else EVERY
        return LoRA(rank=self._values["rank"], alpha=self._values["alpha"], on=on)

    def _lay_out(self) -> None:
        about = QLabel(_ABOUT, self)
        about.setWordWrap(True)
        about.setProperty("soft", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(12)
        for part in (about, self._form, self._told, self._buttons):
            layout.addWidget(part)

    def _on_changed(self, name: str, value: Any) -> None:
        if name == "rank" and self._values["alpha"] == 2 * self._values["rank"]:
            self._values["alpha"] = 2.0 * value  # they grow together until a person parts them
        self._values[name] = value
        self._form.show_values(self._values)
        self._tell()

    def _tell(self) -> None:
        document = self._session.document
        experiment, network = document.experiment, document.report.network
        try:
            adapted = add_adapters(experiment, network, self.lora)
        except EditError as error:
            self._told.setText(str(error))
            set_property(self._told, "severity", "error")
            self._add.setEnabled(False)
            return
        kind = network.inputs[0].output if network.inputs else None
        found = resolve(adapted.graph, self._session.catalog, kind).network
        self._told.setText(adapters_in_words(found))
        set_property(self._told, "severity", "")
        self._add.setEnabled(True)

    def _adapts(self, on: tuple[str, ...]) -> bool:
        document = self._session.document
        try:
            add_adapters(document.experiment, document.report.network, LoRA(on=on))
        except EditError:
            return False
        return True
