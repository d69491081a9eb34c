"""The Layer tab: everything about what is selected on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QStackedLayout, QWidget

from widgets.panels.layer_card import LayerCard
from widgets.panels.network_card import NetworkCard
from widgets.panels.selection_card import SelectionCard

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.session import Session


class Inspector(QWidget):
    """Shows one layer, several, or the whole network when none is selected."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector")
        self.setAccessibleName("Layer")
        self._session = session
        self._layer = LayerCard(session, theme, self)
        self._several = SelectionCard(session, self)
        self._network = NetworkCard(session, self)
        self._cards = QStackedLayout(self)
        for card in (self._layer, self._several, self._network):
            self._cards.addWidget(card)
        session.document.selection_changed.connect(self.refresh)
        session.document.report_changed.connect(self.refresh)
        session.run.updated.connect(self._on_run_updated)
        session.run.opened.connect(self._on_run_updated)
        self.refresh()

    def refresh(self) -> None:
        """Show what is selected."""
        selection = self._session.document.selection
        if len(selection) == 1:
            self._layer.show_node(selection[0])
            self._cards.setCurrentWidget(self._layer)
        elif selection:
            self._several.show_nodes(selection)
            self._cards.setCurrentWidget(self._several)
        else:
            self._network.refresh()
            self._cards.setCurrentWidget(self._network)

    def _on_run_updated(self) -> None:
        if self.isVisible() and self._cards.currentWidget() is self._layer:
            self._layer.show_weights()
