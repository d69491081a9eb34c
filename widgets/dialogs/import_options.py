"""What becomes of an imported network: its head, what is frozen, adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from widgets.number_field import NumberField
from widgets.panels.adapters_form import RANK
from widgets.texts import counted
from workbench.document.graph import LoRA

if TYPE_CHECKING:
    from workbench.plugin_api.importer import Architecture

ALL_BUT_HEAD = "all-but-head"
USUAL_RANK = 8
NO_MATRIX = "Adapters change dense layers and attention; before its head this network has neither."
NO_HEAD = "Adapters are trained together with a head, and this network has none."
TRAINED = "The adapters and the head are trained; everything else is frozen."


class ImportOptions(QWidget):
    """Three choices in a row, and below it a line that says what they mean or why one cannot be.

    Args:
        classes: of the data; without two there is no choice of a new head.
    """

    def __init__(self, classes: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = classes if classes > 1 else 0
        self._found: Architecture | None = None
        self._rank = USUAL_RANK
        words = f"New head for the {counted(classes, 'class', 'classes')} of the data"
        self._head = self._box("newHead", words)
        self._head.setChecked(bool(self._classes))
        self._head.setVisible(bool(self._classes))
        self._freeze = self._box("freezeBody", "Freeze all but the head")
        self._adapt = self._box("adaptBody", "Fine-tune with adapters, rank")
        self._field = NumberField(RANK, self)
        self._field.setObjectName("adaptRank")
        self._field.setAccessibleName("Rank of the adapters")
        self._field.setToolTip(RANK.help)
        self._field.setFixedWidth(52)
        self._field.show_number(self._rank)
        self._field.number_edited.connect(self._on_rank)
        self._field.text_rejected.connect(lambda words: self._note.setText(words))
        self._note = QLabel(" ", self)
        self._note.setObjectName("adaptNote")
        self._note.setProperty("soft", True)
        self._lay_out()
        for box in (self._head, self._freeze, self._adapt):
            box.toggled.connect(self._show)
        self._show()

    @property
    def classes(self) -> int:
        """Outputs that the head gets; 0 leaves it."""
        return self._classes if self._head.isChecked() else 0

    @property
    def lora(self) -> LoRA | None:
        """Adapters that the body gets."""
        is_on = self._adapt.isChecked() and self._adapt.isEnabled()
        return LoRA(rank=self._rank, alpha=2.0 * self._rank) if is_on else None

    @property
    def freeze(self) -> str:
        """What is frozen; adapters leave nothing else to be trained anyway."""
        return ALL_BUT_HEAD if self._freeze.isChecked() and self.lora is None else ""

    def show_network(self, found: Architecture | None) -> None:
        """Offer what can be done with a network; of a file that is known when it is read."""
        self._found = found
        self._show()

    def _box(self, name: str, words: str) -> QCheckBox:
        box = QCheckBox(words, self)
        box.setObjectName(name)
        return box

    def _lay_out(self) -> None:
        adapt = QHBoxLayout()
        adapt.setSpacing(6)
        adapt.addWidget(self._adapt)
        adapt.addWidget(self._field)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(self._head)
        row.addWidget(self._freeze)
        row.addLayout(adapt)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._note)

    def _on_rank(self, rank: int) -> None:
        self._rank = rank
        self._show()

    def _show(self) -> None:
        why_not = self._why_no_adapters()
        self._adapt.setEnabled(not why_not)
        self._adapt.setToolTip(why_not or RANK.help)
        has_adapters = self.lora is not None
        self._field.setEnabled(has_adapters)
        self._freeze.setEnabled(not has_adapters)
        self._note.setText(why_not or (TRAINED if has_adapters else " "))

    def _why_no_adapters(self) -> str:
        if self._found is None:
            return ""
        if self._found.adaptable is False:
            return NO_MATRIX
        return NO_HEAD if not (self._found.classes or self.classes) else ""
