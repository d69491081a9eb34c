"""A small bar that finds layers by name, kind or shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from widgets.canvas.scene import NetworkScene
    from widgets.theme import Theme


class FindBar(QFrame):
    """Outlines all matches and steps through them.

    Signals:
        reached(str): id of the match to show.
        closed: the search is over.
    """

    reached = Signal(str)
    closed = Signal()

    def __init__(self, scene: NetworkScene, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("find_bar")
        self.setAccessibleName("Find layers")
        self._scene = scene
        self._theme = theme
        self._found: list[str] = []
        self._current = -1
        self._field = QLineEdit(placeholderText="Find layers")
        self._field.setObjectName("find_field")
        self._field.setAccessibleName("Name, kind or shape to find")
        self._field.setFixedWidth(190)
        self._count = QLabel()
        self._count.setObjectName("find_count")
        self._count.setProperty("soft", True)
        self._count.setMinimumWidth(64)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self._field)
        layout.addWidget(self._count)
        for text, tip, step in (("↑", "Previous match", -1), ("↓", "Next match", 1)):
            layout.addWidget(self._button(text, tip, lambda _=False, by=step: self.step(by)))
        layout.addWidget(self._button("✕", "Close", lambda _=False: self.close_bar()))
        self._field.textChanged.connect(self._on_text_changed)
        scene.mirrored.connect(self._on_mirrored)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.hide()

    def open(self) -> None:
        """Show the bar at the top right of its parent and select what it holds."""
        self.adjustSize()
        self.place()
        self.show()
        self.raise_()
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()
        self._on_text_changed(self._field.text())

    def place(self) -> None:
        """Keep to the top right corner."""
        self.move(self.parentWidget().width() - self.width() - 12, 12)

    def close_bar(self) -> None:
        """Hide the bar and the outlines."""
        self.closed.emit()
        self.hide()
        self._scene.mark_found(())

    def step(self, by: int) -> None:
        """Go to the next match, or back."""
        if self._found:
            self._current = (self._current + by) % len(self._found)
            self._show_count()
            self.reached.emit(self._found[self._current])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with Enter and the arrows, close with Esc."""
        back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step(-1 if back else 1)
        elif event.key() == Qt.Key.Key_Down:
            self.step(1)
        elif event.key() == Qt.Key.Key_Up:
            self.step(-1)
        elif event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        else:
            super().keyPressEvent(event)

    def _on_text_changed(self, text: str) -> None:
        self._search(text)
        self._current = -1
        if self._found:
            self.step(1)
        self._show_count()

    def _on_mirrored(self) -> None:
        if self.isVisible():
            self._search(self._field.text())
            self._current = min(self._current, len(self._found) - 1)
            self._show_count()

    def _search(self, text: str) -> None:
        wanted = "".join(text.casefold().split())
        ids = [node.id for node in self._scene.folding.whole.nodes] if wanted else []
        self._found = [i for i in ids if wanted in self._words(i)]
        self._scene.mark_found(self._found)

    def _words(self, node_id: str) -> str:
        face, node = self._scene.face(node_id), self._scene.folding.whole[node_id]
        parts = (node_id, node.group, face.title, node.type, face.summary, face.shape)
        words = "|".join(parts).casefold()
        return "".join(words.split()) + "|" + "".join(face.shape.split()).replace("×", "x")

    def _show_count(self) -> None:
        if not self._field.text().strip():
            self._count.setText("")
        elif self._found:
            self._count.setText(f"{self._current + 1} of {len(self._found)}")
        else:
            self._count.setText("No match")

    def _button(self, text: str, tip: str, action: object) -> QToolButton:
        button = QToolButton(text=text)
        button.setProperty("flat", True)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(action)
        return button

    def _restyle(self) -> None:
        colors = self._theme.colors
        self.setStyleSheet(
            f"#find_bar {{ background: {colors.panel}; border: 1px solid {colors.border};"
            " border-radius: 8px; }"
        )
