"""A labelled heat map: rows by columns, words or steps below, lines of a series above."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from widgets.theme import Theme

GAP = 6
LINE = 14
MOST_LABEL = 96
LEVEL = 34
"""Pixels a column below which words stand upright."""
SIGNAL = 0.28
"""Share of the height that the lines of a series take."""
WIDEST_CELL, TALLEST_CELL = 72.0, 40.0


@dataclass(frozen=True)
class Heat:
    """What a heat map shows.

    Attributes:
        pixels: rows × columns, 0xffRRGGBB.
        rows, columns: what stands along them; empty: numbers.
        describe: a cell, by row and column, in words.
        signal: time × channels, drawn above the columns.
    """

    pixels: NDArray[np.uint32]
    describe: Callable[[int, int], str]
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    signal: NDArray[np.float32] | None = field(default=None)


class HeatMap(QWidget):
    """Paints a Heat as large as fits; a cell under the mouse is described.

    Signals:
        clicked(int, int): row and column.
    """

    clicked = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._heat: Heat | None = None
        self._message = ""
        self._hovered: tuple[int, int] | None = None
        theme.changed.connect(self.update)

    def show_heat(self, heat: Heat) -> None:
        """Show another map."""
        self._heat, self._message = heat, ""
        self.update()

    def show_message(self, text: str) -> None:
        """Show a sentence instead of a map."""
        self._heat, self._message = None, text
        self.update()

    @property
    def heat(self) -> Heat | None:
        """What is shown."""
        return self._heat

    @property
    def message(self) -> str:
        """The sentence that is shown instead of a map."""
        return self._message

    def minimumSizeHint(self) -> QSize:
        """Room for a few cells."""
        return QSize(160, 60)

    def area(self) -> QRectF:
        """Return where the cells are."""
        heat = self._heat
        if heat is None:
            return QRectF()
        rows, columns = heat.pixels.shape
        metrics = QFontMetrics(ui_font(8.5))
        left = self._left(metrics)
        below = LINE + 2
        above = self.height() * SIGNAL if heat.signal is not None else LINE / 2
        wide = self.width() - left - GAP
        tall = self.height() - above - below
        is_matrix = bool(heat.rows)
        width = min(wide, columns * WIDEST_CELL) if is_matrix else wide
        height = min(tall, rows * TALLEST_CELL)
        if self._is_upright(width / columns, metrics):
            height = min(height, self.height() - above - self._upright(metrics))
        return QRectF(left, above, max(width, 1), max(height, 1))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where one cell is."""
        box = self.area()
        rows, columns = self._heat.pixels.shape if self._heat is not None else (1, 1)
        width, height = box.width() / columns, box.height() / rows
        return QRectF(box.left() + column * width, box.top() + row * height, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what there is."""
        painter = QPainter(self)
        heat = self._heat
        if heat is None:
            painter.setPen(QColor(self._theme.colors.text_faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 0, -12, 0), flags, self._message)
            return
        box = self.area()
        rows, columns = heat.pixels.shape
        data = np.ascontiguousarray(heat.pixels)
        image = QImage(data.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32)
        if rows > box.height() or columns > box.width():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, image)
        painter.setFont(ui_font(8.5))
        self._paint_rows(painter, heat, box)
        self._paint_columns(painter, heat, box)
        if heat.signal is not None:
            self._paint_signal(painter, heat.signal, box)
        if self._hovered is not None:
            painter.setPen(QPen(QColor(self._theme.colors.text), 1))
            painter.drawRect(self.cell_rect(*self._hovered))

    def _paint_rows(self, painter: QPainter, heat: Heat, box: QRectF) -> None:
        count = heat.pixels.shape[0]
        pitch = box.height() / count
        every = max(int(np.ceil(LINE / pitch)), 1)
        names = heat.rows or [str(number) for number in range(count)]
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row in self._labelled(count, every, self._hovered[0] if self._hovered else None):
            middle = box.top() + (row + 0.5) * pitch
            place = QRectF(0, middle - LINE / 2, box.left() - GAP, LINE)
            self._write(
                painter, place, flags, names[row], bool(self._hovered and self._hovered[0] == row)
            )

    def _paint_columns(self, painter: QPainter, heat: Heat, box: QRectF) -> None:
        count = heat.pixels.shape[1]
        pitch = box.width() / count
        hovered = self._hovered[1] if self._hovered else None
        metrics = painter.fontMetrics()
        names = heat.columns or [str(number) for number in range(count)]
        widest = max((metrics.horizontalAdvance(name) for name in names), default=1) + 6
        is_upright = self._is_upright(pitch, metrics)
        room = LINE if is_upright else widest if not heat.columns else min(widest, LEVEL)
        every = max(int(np.ceil(room / pitch)), 1)
        for column in self._labelled(count, every, hovered):
            middle = box.left() + (column + 0.5) * pitch
            is_hovered = column == hovered
            painter.save()
            painter.translate(middle, box.bottom() + 3)
            if is_upright:
                painter.rotate(90)
                place = QRectF(0, -LINE / 2, MOST_LABEL, LINE)
                flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            else:
                wide = max(pitch * every, room)
                place = QRectF(-wide / 2, 0, wide, LINE)
                flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
            self._write(painter, place, flags, names[column], is_hovered)
            painter.restore()

    def _paint_signal(self, painter: QPainter, signal: NDArray[np.float32], box: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = float(np.nanmin(signal)), float(np.nanmax(signal))
        tall = box.top() - 6
        pitch = box.width() / max(len(signal), 1)
        across = box.left() + (np.arange(len(signal)) + 0.5) * pitch
        series = self._theme.colors.series
        for channel, values in enumerate(signal.T):
            down = 3 + (high - values) / ((high - low) or 1.0) * (tall - 6)
            painter.setPen(QPen(QColor(series[channel % len(series)]), 1.1))
            points = zip(across.tolist(), down.tolist(), strict=True)
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _write(
        self, painter: QPainter, place: QRectF, flags: Qt.AlignmentFlag, name: str, strong: bool
    ) -> None:
        colors = self._theme.colors
        painter.setPen(QColor(colors.text if strong else colors.text_soft))
        text = painter.fontMetrics().elidedText(
            name, Qt.TextElideMode.ElideRight, int(place.width())
        )
        painter.drawText(place, flags, text)

    def _labelled(self, count: int, every: int, hovered: int | None) -> list[int]:
        """Return which labels there is room for; the hovered one in place of its neighbours."""
        shown = range(0, count, every)
        if hovered is None or every == 1:
            return list(shown)
        return [*(number for number in shown if abs(number - hovered) >= every), hovered]

    def _left(self, metrics: QFontMetrics) -> int:
        heat = self._heat
        if heat is None:
            return 0
        names = heat.rows or [str(heat.pixels.shape[0])]
        widest = max((metrics.horizontalAdvance(name) for name in names), default=0)
        return min(widest + 2, MOST_LABEL) + GAP  # names are measured a little narrower than drawn

    def _widest(self, metrics: QFontMetrics) -> int:
        names = self._heat.columns if self._heat is not None else ()
        widest = max((metrics.horizontalAdvance(name) for name in names), default=0) + 6
        return min(widest, MOST_LABEL)

    def _is_upright(self, pitch: float, metrics: QFontMetrics) -> bool:
        """Whether there is too little room for words side by side."""
        has_words = self._heat is not None and bool(self._heat.columns)
        return has_words and pitch < min(self._widest(metrics), LEVEL)

    def _upright(self, metrics: QFontMetrics) -> float:
        return min(self._widest(metrics) + 4, self.height() * 0.35)

    def _cell_at(self, place: QPointF) -> tuple[int, int] | None:
        box = self.area()
        if self._heat is None or not box.contains(place):
            return None
        rows, columns = self._heat.pixels.shape
        row = int((place.y() - box.top()) / box.height() * rows)
        column = int((place.x() - box.left()) / box.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the cell under the mouse is."""
        found = self._cell_at(event.position())
        if found != self._hovered:
            self._hovered = found
            self.update()
        if found is None or self._heat is None:
            QToolTip.hideText()
        else:
            text = self._heat.describe(*found)
            QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which cell was clicked."""
        found = self._cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.clicked.emit(*found)

    def leaveEvent(self, event: object) -> None:
        """Mark no cell."""
        self._hovered = None
        self.update()
