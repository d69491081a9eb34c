"""Commands for a network that was trained before: what is frozen, adapters, rates by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from workbench.analysis import adapting, retraining

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from workbench.document.experiment import Experiment
    from workbench.document.graph import LoRA
    from workbench.session import Session

SMALLEST, LARGEST, SUGGESTED = 0.0001, 1.0, 0.1


class RetrainingCommands:
    """Each is one step of undo; what cannot be done is told in the message bar."""

    def __init__(self, session: Session, window: QWidget) -> None:
        self._session = session
        self._window = window

    @property
    def has_weights(self) -> bool:
        """Whether there is anything to freeze."""
        return bool(self._session.document.report.network.parameters)

    @property
    def has_selection(self) -> bool:
        """Whether a layer is selected."""
        return bool(self._session.document.selection)

    def freeze_body(self) -> bool:
        """Freeze all but the last layer that decides the number of outputs."""
        network = self._session.document.report.network
        return self._edit(lambda e: retraining.freeze_body(e, network), "Freeze all but the head")

    @property
    def has_adapters(self) -> bool:
        """Whether a layer has LoRA adapters."""
        return any(node.lora for node in self._session.document.experiment.graph.nodes)

    def add_adapters_dialog(self) -> None:
        """Ask for rank and place of adapters, and add them."""
        from widgets.dialogs.add_adapters import AddAdapters

        dialog = AddAdapters(self._session, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.add_adapters(dialog.lora))
        dialog.open()

    def load_adapters_dialog(self) -> None:
        """Ask for a file of adapters, and apply it."""
        from widgets.dialogs.load_adapters import LoadAdapters

        LoadAdapters(self._session, self._window).open()

    def add_adapters(self, lora: LoRA) -> bool:
        """Train adapters and the head instead of the body; what had adapters gets new ones."""
        network = self._session.document.report.network
        return self._edit(lambda e: adapting.add_adapters(e, network, lora), "Add LoRA adapters")

    def remove_adapters(self) -> bool:
        """Train the layers themselves again."""
        return self._edit(adapting.remove_adapters, "Remove LoRA adapters")

    def spread_rates_dialog(self) -> None:
        """Ask for the first layer's share of the learning rate, and spread rates over the depth."""
        share, accepted = QInputDialog.getDouble(
            self._window,
            "Smaller rates for earlier layers",
            "The last layer keeps the learning rate. Share of it for the first layer\n"
            "(those between fall evenly; 1 gives all layers the same):",
            SUGGESTED,
            SMALLEST,
            LARGEST,
            4,
        )
        if accepted:
            self.spread_rates(share)

    def spread_rates(self, share: float) -> bool:
        """Give the first layer a share of the learning rate, and those between theirs."""
        network = self._session.document.report.network
        return self._edit(
            lambda e: retraining.spread_rates(e, network, share), "Spread learning rates"
        )

    def _edit(self, change: Callable[[Experiment], Experiment], title: str) -> bool:
        return self._session.attempt(lambda: self._session.document.edit(change, title))
