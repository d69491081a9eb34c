from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter

from widgets.excerpt import paint_excerpt


@pytest.mark.parametrize(
    "text",
    ["", "one", "many words " * 40, "w" * 400, "two\nlines\tand  gaps", "漢字" * 90, "é\u202e"],
)
def test_a_text_stays_in_its_box(qapp, text):
    image = QImage(120, 90, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.setPen("white")
    box = QRect(20, 20, 80, 3 * painter.fontMetrics().lineSpacing())
    paint_excerpt(painter, box, text)
    painter.end()
    around = box.adjusted(-2, -2, 3, 3)
    lit = [
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixel(x, y) & 0xFFFFFF
    ]
    assert all(around.contains(x, y) for x, y in lit)
    assert bool(lit) == bool(text.strip())
