"""What stands above results: which split, and other choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox

if TYPE_CHECKING:
    from collections.abc import Container

    from workbench.plugin_api.data import SplitName

SPLITS: tuple[tuple[SplitName, str], ...] = (("test", "Test"), ("validation", "Validation"))
NO_RUN = ("No run is shown yet", "Press Train (F5), or open a run from the Runs tab.")


def choice(name: str, title: str) -> QComboBox:
    """Return an empty list to choose from."""
    return named(QComboBox(), name, title)


def named(made: QComboBox, name: str, title: str) -> QComboBox:
    """Give a list its names for tests, for people and for screen readers."""
    made.setObjectName(name)
    made.setAccessibleName(title)
    made.setToolTip(title)
    return made


class SplitChoice(QComboBox):
    """The splits that were evaluated."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "split", "Split")

    @property
    def split(self) -> SplitName | None:
        """The chosen split; None while there is none."""
        found: SplitName | None = self.currentData()
        return found

    def offer(self, known: Container[str]) -> bool:
        """Offer those that are known, keeping the chosen one; returns whether they changed."""
        wanted = [(name, title) for name, title in SPLITS if name in known]
        if [self.itemData(i) for i in range(self.count())] == [name for name, _ in wanted]:
            return False
        kept = self.split
        self.blockSignals(True)
        self.clear()
        for name, title in wanted:
            self.addItem(title, name)
        self.setCurrentIndex(max(self.findData(kept), 0) if wanted else -1)
        self.blockSignals(False)
        return True
