"""Several layers at once: what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton, QWidget

from widgets.panels.column import ScrollColumn, heading, wrapped
from widgets.texts import counted
from workbench.document.edits import remove_nodes, update_node

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment
    from workbench.session import Session


MOST_NAMES = 12


class SelectionCard(ScrollColumn):
    """Freezes, unfreezes or removes all selected layers in one step."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("selectionCard", parent)
        self._session = session
        self._ids: tuple[str, ...] = ()
        self._title = heading("", self)
        self._names = wrapped("", self)
        self._facts = wrapped("", self)
        for part in (self._title, self._facts, self._names):
            self.add(part)
        for name, text, slot in (
            ("freezeAll", "Freeze", lambda: self._set_trainable(False)),
            ("unfreezeAll", "Unfreeze", lambda: self._set_trainable(True)),
            ("removeAll", "Remove", self._remove),
        ):
            button = QPushButton(text, self)
            button.setObjectName(name)
            button.clicked.connect(slot)
            self.add(button)

    def show_nodes(self, ids: tuple[str, ...]) -> None:
        """Show these layers."""
        self._ids = ids
        found = self._session.document.report.resolution.by_id
        known = [found[node_id] for node_id in ids if node_id in found]
        group = self._session.document.group
        layers = counted(len(ids), "layer")
        self._title.setText(group.replace("/", " / ") or layers)
        names = ", ".join(ids[:MOST_NAMES])
        more = f" and {len(ids) - MOST_NAMES} more" if len(ids) > MOST_NAMES else ""
        self._names.setText(names + more)
        parameters = counted(sum(node.parameters for node in known), "parameter")
        frozen = sum(not self._session.document.experiment.graph[i].trainable for i in ids)
        parts = (layers if group else "", parameters, f"{frozen} frozen" if frozen else "")
        self._facts.setText(", ".join(part for part in parts if part))

    def _set_trainable(self, trainable: bool) -> None:
        ids = self._ids

        def change(experiment: Experiment) -> Experiment:
            for node_id in ids:
                experiment = update_node(experiment, node_id, trainable=trainable)
            return experiment

        verb = "Unfreeze" if trainable else "Freeze"
        title = f"{verb} {counted(len(ids), 'layer')}"
        self._session.attempt(lambda: self._session.document.edit(change, title))

    def _remove(self) -> None:
        ids = self._ids
        title = f"Remove {counted(len(ids), 'layer')}"
        self._session.attempt(
            lambda: self._session.document.edit(lambda e: remove_nodes(e, ids), title)
        )
