"""The beginning of a text, painted in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QTextLayout, QTextOption

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter


def paint_excerpt(painter: QPainter, box: QRect, text: str) -> None:
    """Paint as many whole lines as fit into a box, in the painter's font and colour.

    A text that is longer ends in dots.
    """
    metrics = painter.fontMetrics()
    lines = max(box.height() // metrics.lineSpacing(), 1)
    layout = QTextLayout(" ".join(text.split()), painter.font())
    option = QTextOption(Qt.AlignmentFlag.AlignLeft)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    for number in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(box.width())
        begin = line.textStart()
        part = layout.text()[begin : begin + line.textLength()]
        if number == lines - 1:
            rest = layout.text()[begin:]
            part = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, box.width())
        top = box.top() + number * metrics.lineSpacing() + metrics.ascent()
        painter.drawText(QPointF(box.left(), top), part.rstrip())
    layout.endLayout()
