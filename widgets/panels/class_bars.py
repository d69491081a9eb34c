"""Samples per class in each split, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.texts import grouped
from workbench.plugin_api.data import SPLITS

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QHelpEvent, QPaintEvent

    from widgets.theme import Theme
    from workbench.plugin_api.data import DataInfo

MOST_CLASSES = 100
ROW = 20
LEGEND = 22


class ClassBars(QWidget):
    """One row a class; the parts of a bar are the splits."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("classBars")
        self.setAccessibleName("Samples per class")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._rows: list[tuple[str, tuple[int, ...]]] = []
        self._splits: tuple[str, ...] = ()
        self._more = 0
        theme.changed.connect(self.update)

    def show_info(self, info: DataInfo | None) -> None:
        """Show another data set."""
        self._splits = tuple(s for s in SPLITS if info is not None and s in info.class_counts)
        classes = info.classes if self._splits else ()
        counts = [info.class_counts[split] for split in self._splits]
        self._rows = [
            (name, tuple(split[index] for split in counts))
            for index, name in enumerate(classes[:MOST_CLASSES])
        ]
        self._more = len(classes) - len(self._rows)
        described = (f"{name}: {sum(parts)}" for name, parts in self._rows)
        self.setAccessibleDescription(", ".join(described))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of all rows and of the legend."""
        rows = len(self._rows) + bool(self._more)
        return QSize(140, ROW * rows + LEGEND)

    def minimumSizeHint(self) -> QSize:
        """Return the height of all rows; the panel scrolls."""
        return QSize(80, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Show the exact counts in a tool tip."""
        if event.type() == event.Type.ToolTip:
            self._set_tip(event)
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows in sight, and the legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((sum(parts) for _, parts in self._rows), default=0)
        metrics = painter.fontMetrics()
        names = max((metrics.horizontalAdvance(name) for name, _ in self._rows), default=0)
        label = min(names + 8, self.width() // 3)
        number = metrics.horizontalAdvance(grouped(most)) + 6
        for index, (name, parts) in enumerate(self._rows):
            area = QRectF(0, index * ROW, self.width(), ROW)
            if not area.intersects(QRectF(event.rect())):
                continue
            self._paint_row(painter, area, name, parts, (label, number, most))
        painter.setPen(QColor(self._theme.colors.text_soft))
        if self._more:
            area = QRectF(0, len(self._rows) * ROW, self.width(), ROW)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, f"and {self._more} more")
        self._paint_legend(painter)

    def _paint_row(
        self,
        painter: QPainter,
        area: QRectF,
        name: str,
        parts: tuple[int, ...],
        room: tuple[int, int, int],
    ) -> None:
        label, number, most = room
        colors = self._theme.colors
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.text))
        text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, label - 6)
        painter.drawText(QRectF(0, area.top(), label, ROW), middle, text)
        left, whole = float(label), self.width() - label - number
        for split, count in enumerate(parts):
            width = whole * count / max(most, 1)
            bar = QRectF(left, area.top() + 6, max(width - 1, 0), ROW - 12)
            painter.fillRect(bar, QColor(colors.series[split]))
            left += width
        painter.setPen(QColor(colors.text_soft))
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, grouped(sum(parts)))

    def _paint_legend(self, painter: QPainter) -> None:
        colors = self._theme.colors
        left, top = 0.0, self.height() - LEGEND + 4
        for index, split in enumerate(self._splits):
            painter.fillRect(QRectF(left, top + 5, 8, 8), QColor(colors.series[index]))
            painter.setPen(QColor(colors.text_soft))
            area = QRectF(left + 12, top, self.width() - left, 18)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, split)
            left += 22 + painter.fontMetrics().horizontalAdvance(split)

    def _set_tip(self, event: QHelpEvent) -> None:
        row = event.pos().y() // ROW
        tip = ""
        if 0 <= row < len(self._rows):
            name, parts = self._rows[row]
            counts = zip(self._splits, parts, strict=True)
            tip = f"{name}: " + ", ".join(f"{grouped(count)} {split}" for split, count in counts)
        self.setToolTip(tip)
