"""The command palette: one field that finds commands, layers and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from widgets.fuzzy import NO_MATCH, score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from widgets.theme import Theme

ROWS = 12
ENTRY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Entry:
    """One line of the palette.

    Attributes:
        kind: what it is, "Command", "Layer", "Setting" …
        hint: shown at the right: keys, or where it stands.
        run: does it.
        words: other words it is found by.
    """

    title: str
    kind: str
    run: Callable[[], object]
    hint: str = ""
    words: str = ""
    enabled: bool = True


class CommandPalette(QDialog):
    """Lists what matches, best first; Enter does it, Escape closes."""

    def __init__(self, entries: Sequence[Entry], theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("commandPalette")
        self.setAccessibleName("Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._entries = entries
        self._field = QLineEdit(self)
        self._field.setObjectName("paletteField")
        self._field.setAccessibleName("Search")
        self._field.setPlaceholderText("Search layers, commands, settings")
        self._list = QListWidget(self)
        self._list.setObjectName("paletteList")
        self._list.setAccessibleName("Matches")
        self._list.setItemDelegate(_EntryDelegate(theme, self._list))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self._field)
        column.addWidget(self._list)
        column.addStretch(1)
        self._field.textChanged.connect(self._show_matches)
        self._field.installEventFilter(self)
        self._list.itemClicked.connect(self._run)
        colors = theme.colors
        self.setStyleSheet(
            f"#commandPalette {{ background: {colors.panel}; border: 1px solid {colors.border}; }}"
        )
        self._show_matches("")

    def open_above(self, window: QWidget) -> None:
        """Show the palette at the upper middle of a window, ready to type in."""
        width = min(560, window.width() - 80)
        self.setFixedWidth(width)
        self._fit_height()
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - width) // 2, corner.y() + 6)
        self.show()
        self._field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys move in the list while one types."""
        if event.type() != QEvent.Type.KeyPress:
            return False
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: ROWS,
            Qt.Key.Key_PageUp: -ROWS,
        }
        if event.key() in steps:
            row = self._list.currentRow() + steps[event.key()]
            self._list.setCurrentRow(max(0, min(row, self._list.count() - 1)))
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self._list.currentItem())
            return True
        return False

    def _show_matches(self, text: str) -> None:
        ranked = [(self._score(text, entry), entry) for entry in self._entries]
        found = [pair for pair in ranked if pair[0] != NO_MATCH]
        found.sort(key=lambda pair: -pair[0])
        self._list.clear()
        for _, entry in found[:200]:
            item = QListWidgetItem(entry.title)
            item.setData(ENTRY, entry)
            if not entry.enabled:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        if not found:
            item = QListWidgetItem(f"Nothing is called “{text.strip()}”.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        self._list.setCurrentRow(0)
        self._fit_height()

    def _fit_height(self) -> None:
        """Be as high as the matches, up to a dozen; the field stays where it is."""
        rows = min(self._list.count(), ROWS)
        self._list.setFixedHeight(max(self._list.sizeHintForRow(0), 1) * rows + 4)
        self.layout().activate()  # else the old, larger minimum still holds
        self.resize(self.width(), self.layout().totalMinimumSize().height())

    def _score(self, text: str, entry: Entry) -> int:
        by_title = score(text, entry.title)
        by_words = score(text, f"{entry.kind} {entry.title} {entry.words}") - 150
        best = max(by_title, by_words if by_words >= 0 else NO_MATCH)
        return best if best == NO_MATCH or entry.enabled else best - 500

    def _run(self, item: QListWidgetItem | None) -> None:
        entry = item.data(ENTRY) if item is not None else None
        if entry is not None and entry.enabled:
            self.close()
            entry.run()


class _EntryDelegate(QStyledItemDelegate):
    """Paints a title, with its kind and its keys at the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the height of one line."""
        return QSize(100, option.fontMetrics.height() + 13)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint one line."""
        entry = index.data(ENTRY)
        if entry is None:
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        option.text = ""
        option.widget.style().drawControl(
            option.widget.style().ControlElement.CE_ItemViewItem, option, painter, option.widget
        )
        colors = self._theme.colors
        area = option.rect.adjusted(9, 0, -9, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        metrics = option.fontMetrics
        right = entry.hint or entry.kind
        painter.setPen(QColor(colors.text_faint))
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, right)
        room = QRect(area)
        room.setRight(area.right() - metrics.horizontalAdvance(right) - 16)
        painter.setPen(QColor(colors.text if entry.enabled else colors.text_faint))
        title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, title)
