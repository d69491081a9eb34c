"""A picture beside what its pixels add to the score of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.monitor.colormap import diverged

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.inspecting import Seen

GAP = 12


class PictureView(QWidget):
    """Two pictures of one size."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picture")
        self.setAccessibleName("Picture and what each pixel adds to the score")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._picture: NDArray[np.uint8] | None = None
        self._values: NDArray[np.float32] | None = None
        theme.changed.connect(self.update)

    def show_picture(self, seen: Seen, values: NDArray[np.float32] | None) -> None:
        """Show a picture; without values it stands alone."""
        picture = seen.picture
        self._picture = None if picture is None else picture.unpack().astype(np.uint8)
        self._values = values
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for two small pictures."""
        return QSize(160, 80)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both."""
        if self._picture is None:
            return
        painter = QPainter(self)
        height, width, _ = self._picture.shape
        scale = min((self.width() - GAP) / 2 / width, self.height() / height)
        size = (width * scale, height * scale)
        smooth = scale < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        image = QImage(
            self._picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
        )
        painter.drawImage(QRectF(0, 0, *size), image)
        if self._values is not None:
            most = float(np.abs(self._values).max())
            pixels = diverged(self._values, most, self._theme.colors.field)
            rows, columns = pixels.shape
            heat = QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32)
            painter.drawImage(QRectF(size[0] + GAP, 0, *size), heat)
        painter.setPen(Qt.PenStyle.NoPen)
