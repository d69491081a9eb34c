"""Renaming a layer on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtWidgets import QLineEdit, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QFocusEvent, QKeyEvent


class RenameField(QLineEdit):
    """Enter renames, Esc leaves the name as it was; a name that is refused stays to be mended.

    Args:
        rename: called with the old and the new name; False keeps the field open.
    """

    def __init__(self, rename: Callable[[str, str], bool], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("canvas_rename")
        self.setAccessibleName("Name of the layer")
        self._rename = rename
        self._node_id = self._name = ""
        self.hide()

    def open(self, node_id: str, box: QRect, name: str = "") -> None:
        """Show the field over a layer, with its name to be replaced.

        Args:
            name: of what is renamed, where that is not the same as what `rename` is called with.
        """
        self._node_id, self._name = node_id, name or node_id
        self.setText(self._name)
        self.setGeometry(box.x() + 8, box.center().y() - 15, max(box.width() - 16, 140), 30)
        self.show()
        self.selectAll()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle Enter and Esc; the rest is typing."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            name = self.text().strip()
            if name == self._name or self._rename(self._node_id, name):
                self._close()
        elif event.key() == Qt.Key.Key_Escape:
            self._close()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Give up when the person turns to something else."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.hide()

    def event(self, event: QEvent) -> bool:
        """Keep the window's shortcuts from taking what is typed here."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        return super().event(event)

    def _close(self) -> None:
        self.parentWidget().setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()
