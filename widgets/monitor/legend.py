"""Names of a plot's lines, and their values where the mouse is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from widgets.theme import ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme

LINE = 18
ROW = 17
PAD = 8


@dataclass(frozen=True)
class Entry:
    """One row: a piece of line, a name and, while the mouse is there, a value."""

    color: str
    text: str
    value: str = ""
    is_dashed: bool = False


class Legend(QWidget):
    """A small quiet box in a corner of a plot."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("legend")
        self.setAccessibleName("Legend")
        self._theme = theme
        self._font = ui_font(8.5)
        self.entries: tuple[Entry, ...] = ()
        self.heading = ""
        self.hide()

    def show_entries(self, entries: tuple[Entry, ...], heading: str = "") -> None:
        """Show these rows below a heading, or nothing."""
        if (entries, heading) != (self.entries, self.heading):
            self.entries, self.heading = entries, heading
            self.resize(*self._size())
            self.update()
        self.setVisible(bool(entries))

    def place(self, area: QRectF, at_bottom: bool) -> None:
        """Stand in the right corner of an area, at its top or bottom."""
        y = area.bottom() - self.height() - 6 if at_bottom else area.top() + 6
        self.move(int(area.right() - self.width() - 8), int(y))

    def _size(self) -> tuple[int, int]:
        metrics = QFontMetricsF(self._font)
        names = max((metrics.horizontalAdvance(entry.text) for entry in self.entries), default=0)
        values = max((metrics.horizontalAdvance(entry.value) for entry in self.entries), default=0)
        width = 2 * PAD + LINE + 6 + names + (14 + values if values else 0)
        width = max(width, 2 * PAD + metrics.horizontalAdvance(self.heading))
        rows = len(self.entries) + bool(self.heading)
        return int(width + 1), rows * ROW + PAD

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box and its rows."""
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(colors.panel)
        ground.setAlpha(225)
        painter.setBrush(ground)
        painter.setPen(QPen(QColor(colors.border), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.setFont(self._font)
        y = PAD / 2
        if self.heading:
            painter.setPen(QColor(colors.text_soft))
            painter.drawText(QRectF(PAD, y, self.width(), ROW), _MIDDLE, self.heading)
            y += ROW
        for entry in self.entries:
            self._paint_row(painter, entry, y)
            y += ROW

    def _paint_row(self, painter: QPainter, entry: Entry, y: float) -> None:
        pen = QPen(QColor(entry.color), 2)
        if entry.is_dashed:
            pen.setDashPattern([2.5, 1.5])
        painter.setPen(pen)
        middle = y + ROW / 2
        painter.drawLine(QPointF(PAD, middle), QPointF(PAD + LINE, middle))
        painter.setPen(QColor(self._theme.colors.text))
        left = PAD + LINE + 6
        painter.drawText(QRectF(left, y, self.width(), ROW), _MIDDLE, entry.text)
        box = QRectF(left, y, self.width() - left - PAD, ROW)
        painter.drawText(box, _MIDDLE_RIGHT, entry.value)


_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_MIDDLE_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
