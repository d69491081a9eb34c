"""A line for one number out of so many: typed, or stepped with the arrow keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QLineEdit, QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

WIDTH = 64


class IndexField(QLineEdit):
    """From 0 to one less than there are.

    Signals:
        chosen(int): a person gave another number.
    """

    chosen = Signal(int)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setToolTip(f"{title}: type it, or step with the arrow keys")
        self.setFixedWidth(WIDTH)
        self._value, self._count = 0, 1
        self.editingFinished.connect(self._on_finished)
        self.show_index(0, 1)

    @property
    def value(self) -> int:
        """The number."""
        return self._value

    def show_index(self, value: int, count: int) -> None:
        """Show a number out of `count`; emits nothing."""
        self._count = max(count, 1)
        self._value = min(max(value, 0), self._count - 1)
        self.setValidator(QIntValidator(0, self._count - 1, self))
        self.setText(str(self._value))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step up and down."""
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._go_to(self._value + step)

    def _on_finished(self) -> None:
        if self.text():
            self._go_to(int(self.text()))
        else:
            self.setText(str(self._value))

    def _go_to(self, value: int) -> None:
        bounded = min(max(value, 0), self._count - 1)
        self.setText(str(bounded))
        if bounded != self._value:
            self._value = bounded
            self.chosen.emit(bounded)
