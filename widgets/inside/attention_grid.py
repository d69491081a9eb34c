"""The attention of all heads of all layers at a glance; one is chosen to be seen in large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.monitor.colormap import viridis
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from widgets.theme import Theme

GAP = 6
HEAD = 18
MOST_LABEL = 140
LARGEST = 180.0
STRETCH = 2.0
"""How much longer one side of a cell may be, where there is room."""
MOVES = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


def attention_pixels(shares: NDArray[np.float32], ground: str) -> tuple[NDArray[np.uint32], float]:
    """Return a map's colours, 0xffRRGGBB, and its largest share, which is the brightest.

    Args:
        shares: queries × keys; nan where a query may not look.
        ground: colour of the latter.
    """
    most = float(np.nanmax(shares)) if not np.isnan(shares).all() else 1.0
    levels = np.rint(np.nan_to_num(shares) / (most or 1.0) * 255).astype(np.uint8)
    return np.where(
        np.isnan(shares), np.uint32(int("ff" + ground[1:], 16)), viridis()[levels]
    ), most


class AttentionGrid(QWidget):
    """A small map for each head, a row a layer; the mouse or the arrow keys and Enter choose one.

    Signals:
        chosen(str, int): layer and head.
    """

    chosen = Signal(str, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._maps: list[tuple[str, NDArray[np.float32]]] = []
        self._describe: Callable[[str, int], str] = lambda layer, head: f"{layer} {head}"
        self._marked: tuple[int, int] | None = None
        theme.changed.connect(self.update)

    def show_maps(
        self, maps: Mapping[str, NDArray[np.float32]], describe: Callable[[str, int], str]
    ) -> None:
        """Show other maps.

        Args:
            maps: layer to heads × queries × keys.
            describe: a layer's head in words.
        """
        self._maps, self._describe = list(maps.items()), describe
        if self._marked is not None and not self._holds(self._marked):
            self._marked = None
        self.update()

    @property
    def layers(self) -> list[str]:
        """The layers that are shown, from above."""
        return [layer for layer, _ in self._maps]

    def minimumSizeHint(self) -> QSize:
        """Room for a few maps."""
        return QSize(160, 60)

    def cell_rect(self, row: int, head: int) -> QRectF:
        """Return where the map of a layer's head is."""
        sizes = [self._size(shares) for _, shares in self._maps]
        pitch = max(width for width, _ in sizes) + GAP
        above = sum(height + GAP for _, height in sizes[:row])
        return QRectF(QPointF(self._left() + head * pitch, HEAD + above), QSizeF(*sizes[row]))

    def _size(self, shares: NDArray[np.float32]) -> tuple[float, float]:
        """Return how wide and high each map of a layer is; its cells are nearly squares."""
        heads, rows, columns = shares.shape
        most = max(len(one) for _, one in self._maps)
        wide = (self.width() - self._left()) / max(most, heads) - GAP
        tall = (self.height() - HEAD) / len(self._maps) - GAP
        width, height = max(min(wide, LARGEST), 1.0), max(min(tall, LARGEST), 1.0)
        pitch = min(width / columns, height / rows) * STRETCH
        return min(width, pitch * columns), min(height, pitch * rows)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw all maps, the layers' names on the left and the heads' numbers above."""
        painter = QPainter(self)
        painter.setFont(ui_font(8.5))
        colors = self._theme.colors
        middle = Qt.AlignmentFlag.AlignVCenter
        for row, (layer, shares) in enumerate(self._maps):
            first = self.cell_rect(row, 0)
            place = QRectF(0, first.top(), self._left() - GAP, first.height())
            painter.setPen(QColor(colors.text_soft))
            name = painter.fontMetrics().elidedText(
                layer.replace("/", " · "), Qt.TextElideMode.ElideMiddle, int(place.width())
            )
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | middle, name)
            for head, one in enumerate(shares):
                box = self.cell_rect(row, head)
                if row == 0 and box.width() >= HEAD:
                    above = QRectF(box.left(), 0, box.width(), HEAD)
                    painter.drawText(above, Qt.AlignmentFlag.AlignHCenter | middle, str(head + 1))
                self._paint_map(painter, box, one)
        if self._marked is not None:
            painter.setPen(QPen(QColor(colors.accent), 2))
            painter.drawRect(self.cell_rect(*self._marked).adjusted(-2, -2, 2, 2))

    def _paint_map(self, painter: QPainter, box: QRectF, shares: NDArray[np.float32]) -> None:
        pixels, _ = attention_pixels(shares, self._theme.colors.panel)
        rows, columns = pixels.shape
        data = np.ascontiguousarray(pixels).tobytes()
        image = QImage(data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
        smooth = rows > box.height() or columns > box.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(box, image)

    def _left(self) -> int:
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(layer) for layer in self.layers), default=0)
        return min(widest, MOST_LABEL) + 2 * GAP

    def _holds(self, place: tuple[int, int]) -> bool:
        row, head = place
        return 0 <= row < len(self._maps) and 0 <= head < len(self._maps[row][1])

    def _at(self, place: QPointF) -> tuple[int, int] | None:
        for row, (_, shares) in enumerate(self._maps):
            for head in range(len(shares)):
                if self.cell_rect(row, head).contains(place):
                    return row, head
        return None

    def _mark(self, place: tuple[int, int] | None) -> None:
        if place != self._marked:
            self._marked = place
            self.update()

    def _choose(self, place: tuple[int, int] | None) -> None:
        if place is not None:
            self.chosen.emit(self.layers[place[0]], place[1])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the map under the mouse and say what it is."""
        found = self._at(event.position())
        self._mark(found)
        text = self._describe(self.layers[found[0]], found[1]) if found is not None else ""
        QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the map that was clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the mark, or choose what is marked."""
        move = MOVES.get(Qt.Key(event.key()))
        if move is not None:
            row, head = self._marked or (0, -1 if move == (0, 1) else 0)
            wanted = (row + move[0], head + move[1])
            if self._holds(wanted):
                self._mark(wanted)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self._marked)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: object) -> None:
        """Mark nothing."""
        self._mark(None)
