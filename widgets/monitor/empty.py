"""What a panel says while it has nothing to show: an icon, a sentence and a next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from widgets.theme import Theme

WIDTH = 420


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
        self._hint.setFixedWidth(WIDTH)
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
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
        self._hint.setMinimumHeight(max(self._hint.heightForWidth(WIDTH), 0))
        self.setAccessibleName(f"{title}. {hint}")

    def _on_theme_changed(self) -> None:
        icon = self._theme.icon(self._icon, self._theme.colors.text_faint)
        self._picture.setPixmap(icon.pixmap(28, 28))
