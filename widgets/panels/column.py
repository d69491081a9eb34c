"""A scrolling column of parts with headings: what most side panels are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from PySide6.QtCore import QSize

MARGIN = 14


class ScrollColumn(QScrollArea):
    """Parts below each other; scrolls down, never sideways."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = QWidget(self)
        self.column = QVBoxLayout(self._content)
        self.column.setContentsMargins(MARGIN, 12, MARGIN, MARGIN)
        self.column.setSpacing(8)
        self.column.addStretch(1)
        self.setWidget(self._content)

    def add(self, part: QWidget, space_above: int = 0) -> None:
        """Put a part at the end."""
        if space_above:
            self.column.insertSpacing(self.column.count() - 1, space_above)
        self.column.insertWidget(self.column.count() - 1, part)

    def minimumSizeHint(self) -> QSize:
        """Return a width at which nothing is cut off, and any height."""
        hint = super().minimumSizeHint()
        hint.setHeight(80)
        return hint


def heading(text: str, parent: QWidget | None = None) -> QLabel:
    """Return the title of a section."""
    label = QLabel(text, parent)
    label.setProperty("heading", True)
    return label


def wrapped(text: str = "", parent: QWidget | None = None, *, soft: bool = True) -> QLabel:
    """Return a text that breaks into lines, in the soft colour."""
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setProperty("soft", soft)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def rule(parent: QWidget | None = None) -> QFrame:
    """Return a thin line between sections."""
    line = QFrame(parent)
    line.setProperty("rule", True)
    return line
