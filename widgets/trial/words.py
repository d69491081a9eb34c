"""A text whose words are coloured by what each adds to the score of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.monitor.colormap import diverged
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

    from widgets.theme import Theme
    from workbench.plugin_api.preprocessing import Word

POINTS = 12
PADDING = 3
LINE = 32
STRONGEST = 0.65
"""Share of the full colour behind the word that adds most, so that it stays readable."""


class WordFlow(QWidget):
    """Words one after another, as they were written; a dotted line marks unknown ones."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("words")
        self.setAccessibleName("Words and what each adds to the score")
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._theme = theme
        self._words: Sequence[Word] = ()
        self._values: NDArray[np.float32] | None = None
        self._rest = ""
        self._boxes: list[QRect] = []
        self._height = LINE
        theme.changed.connect(self.update)

    def show_words(
        self, words: Sequence[Word], values: NDArray[np.float32] | None, rest: str = ""
    ) -> None:
        """Show a text; without values it is not coloured yet.

        Args:
            rest: what the network did not get.
        """
        self._words, self._rest = words, rest
        self._values = None if values is None else values[: len(words)]
        described = (self.describe(number) for number in range(len(words)))
        self.setAccessibleDescription(", ".join(described))
        self._flow(self.width())
        self.updateGeometry()
        self.update()

    def describe(self, number: int) -> str:
        """Return a word and what it adds."""
        word = self._words[number]
        text = (
            f"{word.text.strip()}"
            if self._values is None
            else (f"{word.text.strip()}: {self._values[number]:+.3f}")
        )
        return text if word.is_known else f"{text} (not in the vocabulary)"

    def word_rect(self, number: int) -> QRect:
        """Return where a word is."""
        return self._boxes[number]

    def hasHeightForWidth(self) -> bool:
        """Lines wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines."""
        return _laid_out(self._words, self._rest, width)[1]

    def sizeHint(self) -> QSize:
        """Return the size at the present width."""
        return QSize(300, self.heightForWidth(max(self.width(), 120)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the lines anew."""
        super().resizeEvent(event)
        self._flow(self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the words in sight."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font(POINTS))
        colors = self._theme.colors
        grounds = self._grounds()
        for number, (word, box) in enumerate(zip(self._words, self._boxes, strict=False)):
            if not box.intersects(event.rect()):
                continue
            painter.setPen(Qt.PenStyle.NoPen)
            if grounds is not None:
                painter.setBrush(QColor.fromRgb(int(grounds[number])))
                painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor(colors.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _shown(word))
            if not word.is_known:
                painter.setPen(QPen(QColor(colors.text_soft), 1, Qt.PenStyle.DotLine))
                y = box.bottom() - 2
                painter.drawLine(box.left() + PADDING, y, box.right() - PADDING, y)
        if self._rest and len(self._boxes) > len(self._words):
            painter.setPen(QColor(colors.text_faint))
            painter.drawText(self._boxes[-1], Qt.AlignmentFlag.AlignCenter, self._rest)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the word under the mouse adds."""
        place = event.position().toPoint()
        found = self._word_at(place)
        if found is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), self.describe(found), self)

    def _word_at(self, place: QPoint) -> int | None:
        boxes = self._boxes[: len(self._words)]
        return next((n for n, box in enumerate(boxes) if box.contains(place)), None)

    def _grounds(self) -> NDArray[np.uint32] | None:
        if self._values is None or not len(self._values):
            return None
        most = float(np.abs(self._values).max()) / STRONGEST
        return diverged(self._values, most, self._theme.colors.panel)

    def _flow(self, width: int) -> None:
        self._boxes, self._height = _laid_out(self._words, self._rest, width)


def _laid_out(words: Sequence[Word], rest: str, width: int) -> tuple[list[QRect], int]:
    """Return a box for each word, one more for the rest if there is any, and the height."""
    metrics = QFontMetrics(ui_font(POINTS))
    space = metrics.horizontalAdvance(" ")
    boxes: list[QRect] = []
    x = y = end = 0
    for word in words:
        is_apart = word.start > end or word.text[:1].isspace()
        across = metrics.horizontalAdvance(_shown(word)) + 2 * PADDING
        x += (space if is_apart else 1) if boxes else 0
        if x + across > width and x:
            x, y = 0, y + LINE
        boxes.append(QRect(x, y + 3, across, LINE - 6))
        x, end = x + across, word.start + len(word.text)
    if rest:
        across = metrics.horizontalAdvance(rest) + 2 * PADDING
        if x + space + across > width and x:
            x, y = -space, y + LINE
        boxes.append(QRect(x + space, y + 3, across, LINE - 6))
    return boxes, y + LINE


def _shown(word: Word) -> str:
    return word.text.strip() or "␣"
