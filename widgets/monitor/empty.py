"""What a panel says while it has nothing to show: an icon, a sentence and a next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from widgets.theme import Theme

WIDTH = 420
LOW = 120
"""Height below which the icon is left out and the hint is given a single line."""
LOW_WIDTH = 760
UNBOUNDED = 16_777_215
"""Qt's QWIDGETSIZE_MAX."""


class EmptyState(QWidget):
    """A quiet centred message."""

    def __init__(
        self, theme: Theme, icon: str, title: str, hint: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("empty")
        self._theme = theme
        self._icon = icon
        self._picture = QLabel()
        self._title = QLabel()
        self._title.setProperty("heading", True)
        self._hint = QLabel()
        self._hint.setProperty("soft", True)
        self._hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 4, 9, 4)
        layout.setSpacing(6)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        layout.addStretch(1)
        for label in (self._picture, self._title, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        self.show_text(title, hint)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_text(self, title: str, hint: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._hint.setText(hint)
        self.setAccessibleName(f"{title}. {hint}")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say it in less room where there is less."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        is_low = self.height() < LOW
        self._picture.setVisible(not is_low)
        width = max(min(LOW_WIDTH if is_low else WIDTH, self.width() - 24), 80)
        self._hint.setMinimumSize(0, 0)  # a label's height for a width keeps to its bounds
        self._hint.setMaximumHeight(UNBOUNDED)
        self._hint.setFixedSize(width, max(self._hint.heightForWidth(width), 0))

    def _on_theme_changed(self) -> None:
        icon = self._theme.icon(self._icon, self._theme.colors.text_faint)
        self._picture.setPixmap(icon.pixmap(28, 28))
