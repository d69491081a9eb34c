"""The LoRA adapters of one layer: none, or their rank, weight and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from PySide6.QtWidgets import QVBoxLayout, QWidget

from widgets.forms import StructForm
from workbench.analysis.adapting import EVERY, USUAL
from workbench.document.edits import update_node
from workbench.document.graph import LoRA
from workbench.errors import UserError
from workbench.plugin_api.parameters import Field

if TYPE_CHECKING:
    from workbench.document.graph import Node
    from workbench.plugin_api.network import ResolvedNode
    from workbench.session import Session

ALL = "All matrices"
_PLACES = {
    "Query, value": USUAL,
    "All attention": ("query", "key", "value", "output"),
    ALL: EVERY,
}
RANK = Field(
    name="rank",
    kind="int",
    title="Rank",
    help="Size of the small factors: the larger, the more they can change",
    minimum=1,
    maximum=4096,
)
ALPHA = Field(
    name="alpha",
    kind="float",
    title="Alpha",
    help="How much their product counts: it is multiplied by alpha ÷ rank",
    above=0,
)
_ON = (True,)
_FIELDS = (
    Field(
        name="has",
        kind="bool",
        title="LoRA adapters",
        help="Train small factors that are added to its matrices; its own weights stay",
    ),
    replace(RANK, shown_if=("has", _ON)),
    replace(ALPHA, shown_if=("has", _ON)),
    Field(
        name="on",
        kind="choice",
        title="They change",
        choices=tuple(_PLACES),
        shown_if=("has_choice", _ON),
    ),
)


class AdaptersForm(QWidget):
    """Shown for layers with a matrix that adapters could change."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("adaptersForm")
        self._session = session
        self._node_id = ""
        self._form = StructForm(_FIELDS, self)
        self._form.changed.connect(self._on_changed)
        self._form.sealed.connect(session.document.seal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._form)

    def show_node(self, node: Node, resolved: ResolvedNode | None) -> None:
        """Show a layer's adapters; hidden where it could have none."""
        self._node_id = node.id
        matrices = resolved.layer.projections(resolved.input_types) if resolved else {}
        self.setVisible(bool(matrices) or node.lora is not None)
        shown = node.lora or LoRA()
        roles = {role for matrix in matrices.values() for role in matrix.roles}
        on = shown.on or (USUAL if roles & {*USUAL} else EVERY)
        place = next((name for name, words in _PLACES.items() if words == on), "")
        has = node.lora is not None
        self._form.show_values(
            {
                "has": has,
                "rank": shown.rank,
                "alpha": shown.alpha,
                "has_choice": has and len(roles) > 1 and bool(place),
                "on": place or ALL,
            }
        )

    def _on_changed(self, name: str, value: Any) -> None:
        document, node_id = self._session.document, self._node_id
        lora = document.experiment.graph[node_id].lora
        changes: dict[str, Any] = {"lora": LoRA() if name == "has" and value else None}
        title = f"{'Add' if value else 'Remove'} adapters of {node_id}"
        if name == "has" and value:
            changes["trainable"] = True
        elif name != "has" and lora is not None:
            kept = {"rank": lora.rank, "alpha": lora.alpha, "on": lora.on}
            changes["lora"] = LoRA(**{**kept, name: _PLACES[value] if name == "on" else value})
            title = f"Change the adapters of {node_id}"
        try:
            document.edit(
                lambda e: update_node(e, node_id, **changes), title, f"{node_id}/lora/{name}"
            )
        except UserError as error:
            self._form.show_error(name, str(error))
