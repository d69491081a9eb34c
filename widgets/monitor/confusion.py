"""The confusion matrix: what was taken for what, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.texts import grouped, percent
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from widgets.theme import Theme

WIDEST_LABEL = 92
SMALLEST_NUMBER = 17
SMALLEST_LABEL = 11
LARGEST_CELL = 64
HIGHEST_LABEL = 56
MOST_ANSWER_NAMES = 30

Cell = tuple[int, int]


class ConfusionView(QWidget):
    """Rows are the true classes, columns the answers; colours are shares of a row."""

    cell_chosen = Signal(object)
    """(true class, answer), or None when the choice is taken back."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("confusion")
        self.setAccessibleName("Confusion matrix")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._classes: Sequence[str] = ()
        self._image: QImage | None = None
        self.chosen: Cell | None = None
        theme.changed.connect(self._on_theme_changed)

    def minimumSizeHint(self) -> QSize:
        """Room for a matrix that can be read."""
        return QSize(180, 140)

    def show_matrix(self, counts: NDArray[np.int64], classes: Sequence[str]) -> None:
        """Show a matrix, classes × classes; an empty one shows nothing."""
        if self._counts.shape == counts.shape and np.array_equal(self._counts, counts):
            if tuple(classes) == tuple(self._classes):
                return
        else:
            self.chosen = None
        self._counts, self._classes, self._image = counts, classes, None
        self.update()

    def choose(self, cell: Cell | None) -> None:
        """Mark a cell, or none."""
        self.chosen = cell
        self.update()
        self.cell_chosen.emit(cell)

    def cell_rect(self, true: int, answer: int) -> QRectF:
        """Return where a cell is, in the widget's coordinates."""
        left, top, side = self._layout()
        return QRectF(left + answer * side, top + true * side, side, side)

    def describe(self, true: int, answer: int) -> str:
        """Return a cell in words."""
        count, total = int(self._counts[true, answer]), int(self._counts[true].sum())
        share = percent(count / total if total else 0)
        names = self._classes
        verb = "recognised" if true == answer else f"taken for {names[answer]}"
        return f"{names[true]} {verb}: {grouped(count)} of {grouped(total)} ({share})"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw cells, counts and names."""
        if not len(self._counts):
            return
        painter = QPainter(self)
        left, top, side = self._layout()
        size = len(self._counts)
        if self._image is None:
            self._image = self._colored()
        painter.drawImage(QRectF(left, top, size * side, size * side), self._image)
        self._paint_lines(painter, left, top, side)
        if side >= SMALLEST_NUMBER:
            self._paint_counts(painter, left, top, side)
        if side >= SMALLEST_LABEL:
            self._paint_names(painter, left, top, side)
        self._paint_titles(painter, left, top, side)
        if self.chosen is not None:
            painter.setPen(QPen(QColor(self._theme.colors.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.cell_rect(*self.chosen).adjusted(0, 0, -1, -1))

    def _layout(self) -> tuple[float, float, float]:
        """Return left and top of the matrix and the side of a cell, whole pixels if possible."""
        size = max(len(self._counts), 1)
        names = self._name_width()
        width, height = self.width() - names - 24.0, self.height() - 6.0
        side = min(width / size, (height - 38.0) / size, LARGEST_CELL)
        side = min(side, (height - self._foot(side)) / size)
        side = float(int(side)) if side >= 4 else max(side, 1.0)
        left = names + 22 + max((width - size * side) / 2, 0)
        return left, 4.0, side

    def _name_width(self) -> float:
        metrics = QFontMetricsF(_font())
        widest = max((metrics.horizontalAdvance(name) for name in self._classes), default=0.0)
        return min(widest, WIDEST_LABEL)

    def _foot(self, side: float = 0.0) -> float:
        """Return the height below the matrix: a title, and names, lying or standing."""
        if len(self._counts) > MOST_ANSWER_NAMES:
            return 20.0
        return 38.0 if self._names_fit(side) else 24.0 + min(self._name_width(), HIGHEST_LABEL)

    def _names_fit(self, side: float) -> bool:
        metrics = QFontMetricsF(_font())
        return all(metrics.horizontalAdvance(name) <= side - 2 for name in self._classes)

    def _colored(self) -> QImage:
        """Mix each cell from the ground and a colour: right answers and mistakes differ."""
        counts = self._counts.astype(np.float64)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        # The square root lets a few mistakes among many right answers be seen.
        weight = np.sqrt(shares)[..., None]
        colors = self._theme.colors
        ground, right, wrong = (
            np.array(QColor(name).getRgb()[:3], np.float64)
            for name in (colors.field, colors.accent, colors.error)
        )
        is_right = np.eye(len(counts), dtype=bool)[..., None]
        mixed = ground + (np.where(is_right, right, wrong) - ground) * weight * 0.85
        pixels = np.ascontiguousarray(np.rint(mixed).astype(np.uint8))
        size = len(counts)
        return QImage(pixels.data, size, size, 3 * size, QImage.Format.Format_RGB888).copy()

    def _paint_lines(self, painter: QPainter, left: float, top: float, side: float) -> None:
        if side < 6:
            return
        painter.setPen(QPen(QColor(self._theme.colors.panel), 1))
        size = len(self._counts)
        for index in range(size + 1):
            at = index * side
            painter.drawLine(QPointF(left + at, top), QPointF(left + at, top + size * side))
            painter.drawLine(QPointF(left, top + at), QPointF(left + size * side, top + at))

    def _paint_counts(self, painter: QPainter, left: float, top: float, side: float) -> None:
        longest = len(str(int(self._counts.max())))
        painter.setFont(ui_font(min(8.5, side * 0.95 / max(longest, 2))))
        colors = self._theme.colors
        strong, soft, on_accent = map(QColor, (colors.text, colors.text_faint, colors.accent_text))
        totals = self._counts.sum(1)
        for (true, answer), count in np.ndenumerate(self._counts):
            is_full = true == answer and count * 3 > totals[true]
            painter.setPen(on_accent if is_full else strong if count else soft)
            box = QRectF(left + answer * side, top + true * side, side, side)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(count) if count else "·")

    def _paint_names(self, painter: QPainter, left: float, top: float, side: float) -> None:
        painter.setFont(_font())
        painter.setPen(QColor(self._theme.colors.text_soft))
        metrics = painter.fontMetrics()
        elide = Qt.TextElideMode.ElideRight
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        bottom = top + len(self._counts) * side
        for index, name in enumerate(self._classes):
            row = QRectF(left - WIDEST_LABEL - 6, top + index * side, WIDEST_LABEL, side)
            painter.drawText(row, right, metrics.elidedText(name, elide, WIDEST_LABEL))
        if len(self._counts) > MOST_ANSWER_NAMES:
            return
        if self._names_fit(side):
            for index, name in enumerate(self._classes):
                column = QRectF(left + index * side, bottom + 3, side, 15)
                painter.drawText(column, Qt.AlignmentFlag.AlignCenter, name)
            return
        for index, name in enumerate(self._classes):
            painter.save()
            painter.translate(left + (index + 0.5) * side, bottom + 4)
            painter.rotate(-90)
            column = QRectF(-HIGHEST_LABEL, -8, HIGHEST_LABEL, 16)
            painter.drawText(column, right, metrics.elidedText(name, elide, HIGHEST_LABEL))
            painter.restore()

    def _paint_titles(self, painter: QPainter, left: float, top: float, side: float) -> None:
        painter.setFont(_font(QFont.Weight.Medium))
        painter.setPen(QColor(self._theme.colors.text_soft))
        extent = len(self._counts) * side
        foot = QRectF(left, top + extent + self._foot(side) - 18, extent, 16)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, "Answer")
        painter.save()
        names = self._name_width() if side >= SMALLEST_LABEL else 0
        painter.translate(left - names - 20, top + extent / 2)
        painter.rotate(-90)
        painter.drawText(QRectF(-60, -8, 120, 16), Qt.AlignmentFlag.AlignCenter, "True class")
        painter.restore()

    def _cell_at(self, place: QPointF) -> Cell | None:
        left, top, side = self._layout()
        answer, true = int((place.x() - left) // side), int((place.y() - top) // side)
        size = len(self._counts)
        return (true, answer) if 0 <= answer < size and 0 <= true < size else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what a cell means."""
        cell = self._cell_at(event.position())
        if cell is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), self.describe(*cell), self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a cell; the chosen one again: none."""
        cell = self._cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton:
            self.choose(None if cell == self.chosen else cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the choice with the arrow keys; Escape takes it back."""
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        move = moves.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape and self.chosen is not None:
            self.choose(None)
        elif move is not None and len(self._counts):
            last = len(self._counts) - 1
            true, answer = self.chosen or (0, 0)
            down, across = move if self.chosen is not None else (0, 0)
            self.choose((min(max(true + down, 0), last), min(max(answer + across, 0), last)))
        else:
            super().keyPressEvent(event)

    def _on_theme_changed(self) -> None:
        self._image = None
        self.update()


def _font(weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    return ui_font(8.5, weight)
