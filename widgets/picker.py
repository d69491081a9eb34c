"""A combo box whose list says more of each entry than the closed box has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QWidget

from widgets.fields import ComboBox

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex, QPersistentModelIndex
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QStyleOptionViewItem

DETAIL = Qt.ItemDataRole.UserRole + 1
"""What the list says beside an entry's title, in the soft colour."""
GAP = 24
EDGE = 10
LINE_HEIGHT = 9


class Picker(ComboBox):
    """Entries with a title, a value and a detail."""

    def __init__(self, name: str, title: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._tip = tip
        self.setToolTip(tip)
        self.setItemDelegate(_DetailDelegate(self))

    def add(self, title: str, value: object, detail: str = "", *, tip: str = "") -> None:
        """Put an entry at the end."""
        self.addItem(title, value)
        row = self.count() - 1
        self.setItemData(row, detail, DETAIL)
        self.setItemData(row, tip or detail, Qt.ItemDataRole.ToolTipRole)

    def grey(self, value: object) -> None:
        """Let an entry be seen but not chosen."""
        self.model().item(self.findData(value)).setEnabled(False)

    def choose(self, value: object) -> None:
        """Show an entry as the chosen one, and its detail as the tool tip."""
        row = self.findData(value)
        self.setCurrentIndex(row)
        detail = self.itemData(row, DETAIL)
        self.setToolTip(f"{self._tip}: {self.currentText()}, {detail}" if detail else self._tip)

    def fitting_width(self) -> int:
        """Return the width at which the chosen title is not cut."""
        return self.fontMetrics().horizontalAdvance(self.currentText()) + 36

    def showPopup(self) -> None:
        """Make the list as wide as its longest line."""
        width = max(
            (self.itemDelegate().width_of(self, row) for row in range(self.count())), default=0
        )
        self.view().setMinimumWidth(max(width, self.width()))
        super().showPopup()


class _DetailDelegate(QStyledItemDelegate):
    """Paints the detail at the right end of an entry."""

    def width_of(self, box: ComboBox, row: int) -> int:
        """Return the width of an entry with its detail."""
        metrics = box.fontMetrics()
        detail = box.itemData(row, DETAIL) or ""
        wide = metrics.horizontalAdvance(box.itemText(row)) + 2 * EDGE + 14
        return wide + (GAP + metrics.horizontalAdvance(detail) if detail else 0)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint the entry, then its detail; or the line between two groups."""
        if _is_line(index):
            middle = option.rect.center().y()
            painter.setPen(option.palette.color(QPalette.ColorRole.Mid))
            painter.drawLine(option.rect.left() + 4, middle, option.rect.right() - 4, middle)
            return
        super().paint(painter, option, index)
        detail = index.data(DETAIL)
        if not detail:
            return
        painter.save()
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        painter.setFont(option.font)
        where = QRect(option.rect).adjusted(0, 0, -EDGE, 0)
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(where, right, detail)
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return the size of an entry; a line is low."""
        hint = super().sizeHint(option, index)
        return QSize(hint.width(), LINE_HEIGHT) if _is_line(index) else hint


def _is_line(index: QModelIndex | QPersistentModelIndex) -> bool:
    return index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == "separator"
