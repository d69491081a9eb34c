"""A picture, and beside it the same below what speaks for and against classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.theme import ui_font
from workbench.inspecting.heat import heat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.inspecting.answers import Seen

GAP = 12
CAPTION = 20


@dataclass(frozen=True)
class Reasons:
    """What lies over a picture.

    Attributes:
        caption: a line below it.
        values: rows × columns over the whole picture; None: not known yet.
    """

    caption: str
    values: NDArray[np.float32] | None


class PictureView(QWidget):
    """Pictures of one size side by side: the plain one first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picture")
        self.setAccessibleName("Picture and what in it speaks for the classes")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._picture: QImage | None = None
        self._caption = ""
        self._reasons: list[tuple[Reasons, QImage | None]] = []
        self._opacity = 0.65
        theme.changed.connect(self.update)

    def show_picture(self, seen: Seen, reasons: Sequence[Reasons], caption: str = "") -> None:
        """Show a picture with one copy for each of the reasons."""
        pixels = None if seen.picture is None else seen.picture.unpack().astype(np.uint8)
        self._picture = None
        if pixels is not None:
            height, width, _ = pixels.shape
            image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
            self._picture = image.copy()
        self._caption = caption
        self._reasons = [(each, _colored(each.values)) for each in reasons]
        self.setAccessibleDescription(", ".join(each.caption for each in reasons))
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Cover the picture more or less strongly, 0 to 1."""
        self._opacity = opacity
        self.update()

    @property
    def reasons(self) -> list[Reasons]:
        """What is shown over the picture."""
        return [each for each, _ in self._reasons]

    def minimumSizeHint(self) -> QSize:
        """Room for small pictures."""
        return QSize(160, 80)

    def box(self, number: int) -> QRectF:
        """Return where a picture is: 0 is the plain one."""
        if self._picture is None:
            return QRectF()
        count = 1 + len(self._reasons)
        wide, high = self._picture.width(), self._picture.height()
        room = (self.width() - GAP * (count - 1)) / count
        scale = max(min(room / wide, (self.height() - CAPTION) / high), 0.01)
        if scale > 2:
            scale = float(int(scale))
        left = (self.width() - count * wide * scale - GAP * (count - 1)) / 2
        return QRectF(
            round(left + number * (wide * scale + GAP)), 0, round(wide * scale), round(high * scale)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw all, each with its caption."""
        if self._picture is None:
            return
        painter = QPainter(self)
        smooth = QPainter.RenderHint.SmoothPixmapTransform
        for number in range(1 + len(self._reasons)):
            box = self.box(number)
            painter.setRenderHint(smooth, box.width() < 2 * self._picture.width())
            painter.drawImage(box, self._picture)
            image = self._reasons[number - 1][1] if number else None
            if image is not None:
                is_coarse = image.height() < self._picture.height()
                painter.setRenderHint(smooth, is_coarse or box.width() < image.width())
                painter.setOpacity(self._opacity)
                painter.drawImage(box, image)
                painter.setOpacity(1.0)
            self._paint_caption(painter, box, number)

    def _paint_caption(self, painter: QPainter, box: QRectF, number: int) -> None:
        text = self._reasons[number - 1][0].caption if number else self._caption
        painter.setFont(ui_font(9, QFont.Weight.Medium if number else QFont.Weight.Normal))
        colors = self._theme.colors
        painter.setPen(QColor(colors.text if number else colors.text_soft))
        line = QRectF(box.left() - GAP / 2, box.bottom() + 3, box.width() + GAP, CAPTION - 3)
        shown = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, int(line.width())
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, shown)


def _colored(values: NDArray[np.float32] | None) -> QImage | None:
    if values is None or values.ndim != 2:
        return None
    pixels = np.ascontiguousarray(heat(values))
    rows, columns, _ = pixels.shape
    image = QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
