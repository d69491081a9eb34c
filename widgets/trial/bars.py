"""Classes with their probabilities; a click asks what speaks for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.texts import percent
from widgets.theme import FONT_SIZE, ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from widgets.theme import Theme
    from workbench.inspecting.answers import Answered

ROW = 34
BAR = 6


class ProbabilityBars(QWidget):
    """One row a class, the likeliest first.

    Signals:
        chosen(int): number of the class that was clicked, or reached with the arrow keys.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("probabilities")
        self.setAccessibleName("Classes and their probabilities")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._theme = theme
        self._answered: Answered | None = None
        self._row = 0
        self._hovered = -1
        theme.changed.connect(self.update)

    def show_answer(self, answered: Answered | None, target: int | None) -> None:
        """Show an answer, and mark the class that is explained."""
        self._answered = answered
        targets = answered.targets if answered is not None else ()
        self._row = targets.index(target) if target in targets else 0
        described = (self.describe(row) for row in range(len(targets)))
        self.setAccessibleDescription(", ".join(described))
        self.updateGeometry()
        self.update()

    def is_of(self, answered: Answered) -> bool:
        """Whether this very answer is shown."""
        return answered is self._answered

    def describe(self, row: int) -> str:
        """Return a row in words."""
        if self._answered is None:
            return ""
        return f"{self._name(row)} {percent(self._answered.probabilities[row])}"

    def _name(self, row: int) -> str:
        """Return a class, with a mark where it holds because several may."""
        assert self._answered is not None
        threshold = self._answered.threshold
        holds = threshold and self._answered.probabilities[row] >= threshold
        return f"{'✓ ' if holds else ''}{self._answered.labels[row]}"

    def row_rect(self, row: int) -> QRectF:
        """Return where a row is."""
        return QRectF(0, row * ROW, self.width(), ROW)

    def sizeHint(self) -> QSize:
        """Return the height of all rows."""
        return QSize(180, ROW * len(self._answered.labels) if self._answered else 0)

    def minimumSizeHint(self) -> QSize:
        """Return the height of all rows; the column scrolls."""
        return QSize(110, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name, share and bar of each class."""
        if self._answered is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, probability in enumerate(self._answered.probabilities):
            self._paint_row(painter, row, probability)

    def _paint_row(self, painter: QPainter, row: int, probability: float) -> None:
        colors, box = self._theme.colors, self.row_rect(row)
        is_chosen = row == self._row
        painter.setPen(Qt.PenStyle.NoPen)
        if row == self._hovered or (is_chosen and self.hasFocus()):
            painter.setBrush(QColor(colors.field_hover))
            painter.drawRoundedRect(box.adjusted(0, 1, 0, -1), 5, 5)
        line = box.adjusted(8, 4, -8, -12)
        share = percent(probability)
        weight = QFont.Weight.DemiBold if is_chosen else QFont.Weight.Normal
        painter.setFont(ui_font(FONT_SIZE, weight))
        painter.setPen(QColor(colors.text if is_chosen else colors.text_soft))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, share)
        room = int(line.width()) - painter.fontMetrics().horizontalAdvance(share) - 8
        assert self._answered is not None
        name = painter.fontMetrics().elidedText(self._name(row), Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, middle, name)
        groove = QRectF(line.left(), box.bottom() - BAR - 5, line.width(), BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.border))
        painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
        filled = max(groove.width() * probability, BAR if probability > 0.005 else 0)
        painter.setBrush(QColor(colors.accent if is_chosen else colors.text_faint))
        painter.drawRoundedRect(QRectF(groove.left(), groove.top(), filled, BAR), BAR / 2, BAR / 2)
        if self._answered.threshold:
            x = groove.left() + groove.width() * self._answered.threshold
            painter.fillRect(QRectF(x - 1, groove.top() - 3, 2, BAR + 6), QColor(colors.text_soft))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up the row under the mouse."""
        self._hover(int(event.position().y()) // ROW)

    def leaveEvent(self, event: object) -> None:
        """Light up none."""
        self._hover(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked class."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(int(event.position().y()) // ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the classes with the arrow keys."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._choose(self._row + step)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.update()

    def _choose(self, row: int) -> None:
        targets = self._answered.targets if self._answered is not None else ()
        if 0 <= row < len(targets) and row != self._row:
            self._row = row
            self.update()
            self.chosen.emit(targets[row])
