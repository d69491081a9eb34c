"""A search box on the canvas: type a few letters of a layer, press Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from widgets.canvas.face import OTHER_COLOR
from widgets.layer_search import by_category, search
from widgets.swatch import swatch
from widgets.theme import CATEGORY_COLORS

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.catalog import Catalog

PROMPT = "Add a layer"
_ROWS = 8


class QuickAdd(QFrame):
    """Lists the layers that match.

    Signals:
        chosen(str): id of a layer class; the box is closed already.
        closed: without a choice or after it.
    """

    chosen = Signal(str)
    closed = Signal()

    def __init__(self, catalog: Catalog, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("quick_add")
        self.setAccessibleName("Add a layer")
        self._layers = [kind for group in by_category(catalog.layers).values() for kind in group]
        self._theme = theme
        self._field = QLineEdit(placeholderText=PROMPT)
        self._field.setObjectName("quick_add_field")
        self._field.setAccessibleName("Name of the layer to add")
        self._list = QListWidget()
        self._list.setObjectName("quick_add_list")
        self._list.setAccessibleName("Matching layers")
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setIconSize(QSize(10, 10))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self._field.textChanged.connect(self._on_text_changed)
        self._field.installEventFilter(self)
        self._list.itemClicked.connect(self._on_clicked)
        self.hide()

    def open(self, at: QPoint, prompt: str = PROMPT) -> None:
        """Show the box near a point of the parent, empty and ready to type in."""
        self._restyle()
        self._field.setPlaceholderText(prompt)
        self._field.clear()
        self._on_text_changed("")
        self.setFixedWidth(250)
        area = self.parentWidget().rect()
        height = self.sizeHint().height()
        self.resize(250, height)
        left = min(at.x(), area.width() - self.width() - 8)
        top = min(at.y(), area.height() - height - 8)
        self.move(max(left, 8), max(top, 8))
        self.show()
        self.raise_()
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_box(self) -> None:
        """Hide the box."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let arrows move in the list while one types; close when the focus goes elsewhere."""
        if event.type() == QEvent.Type.FocusOut:
            self.close_box()
        if event.type() != QEvent.Type.KeyPress:
            return False
        key = event.key()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            step = 1 if key == Qt.Key.Key_Down else -1
            self._list.setCurrentRow((self._list.currentRow() + step) % max(self._list.count(), 1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab):
            self._choose(self._list.currentItem())
        elif key == Qt.Key.Key_Escape:
            self.close_box()
        else:
            return False
        return True

    def _on_text_changed(self, text: str) -> None:
        self._list.clear()
        for kind in search(self._layers, text):
            color = CATEGORY_COLORS.get(kind.category, OTHER_COLOR)
            item = QListWidgetItem(swatch(color), kind.title)
            item.setData(Qt.ItemDataRole.UserRole, kind.id)
            item.setToolTip(kind.help)
            self._list.addItem(item)
        if not self._list.count():
            item = QListWidgetItem(f"No layer is called “{text.strip()}”.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        self._list.setCurrentRow(0)
        rows = min(self._list.count(), _ROWS)
        self._list.setFixedHeight(rows * max(self._list.sizeHintForRow(0), 20) + 4)
        self.adjustSize()

    def _on_clicked(self, item: QListWidgetItem) -> None:
        self._choose(item)

    def _choose(self, item: QListWidgetItem | None) -> None:
        type_id = item.data(Qt.ItemDataRole.UserRole) if item else None
        if type_id:
            self.close_box()
            self.chosen.emit(type_id)

    def _restyle(self) -> None:
        colors = self._theme.colors
        self.setStyleSheet(
            f"#quick_add {{ background: {colors.panel}; border: 1px solid {colors.border};"
            " border-radius: 8px; }"
        )
