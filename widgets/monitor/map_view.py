"""Draws one layer's output: a grid of maps, one map enlarged, or bars."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.monitor import mosaic
from widgets.monitor.colormap import viridis
from widgets.monitor.labels import value_text
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from widgets.theme import Theme
    from workbench.runs.probes import LayerMaps

GAP = 4
SCALE_HEIGHT = 26


class MapView(QWidget):
    """Shows every channel, or one of them; a click goes from the one to the other."""

    channel_chosen = Signal(object)
    """Number of the channel that was clicked; None: show all."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("maps")
        self.setAccessibleName("Feature maps")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._maps: LayerMaps | None = None
        self._names: Sequence[str] = ()
        self._channel: int | None = None
        self._common = False
        self._message = ""
        self._image: QImage | None = None
        self._grid: mosaic.Grid | None = None

    def minimumSizeHint(self) -> QSize:
        """Room for a few maps."""
        return QSize(160, 60)

    def show_maps(
        self, maps: LayerMaps, channel: int | None, *, common: bool, names: Sequence[str] = ()
    ) -> None:
        """Show a layer: all channels (None) or one; names are those of a vector's entries."""
        if channel is not None and channel >= len(maps.maps):
            channel = None
        self._maps, self._channel, self._common = maps, channel, common
        self._names, self._message = names, ""
        self._image = None
        self.update()

    def show_message(self, text: str) -> None:
        """Show a sentence instead of maps."""
        self._maps, self._message, self._image = None, text, None
        self.update()

    @property
    def is_vector(self) -> bool:
        """Whether bars are drawn."""
        return self._maps is not None and self._maps.maps.shape[1:] == (1, 1)

    def cell_rect(self, index: int) -> QRectF:
        """Return where a channel's map is, in the widget's coordinates."""
        self._compose()
        if self._grid is None:
            return QRectF()
        ratio = self.devicePixelRatioF()
        return QRectF(*(value / ratio for value in self._grid.cell(index)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what there is."""
        painter = QPainter(self)
        if self._maps is None:
            painter.setPen(QColor(self._theme.colors.text_faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 0, -12, 0), flags, self._message)
        elif self.is_vector:
            self._paint_bars(painter, self._maps)
        else:
            self._compose()
            if self._image is not None:
                painter.drawImage(0, 0, self._image)
            if self._channel is not None:
                self._paint_scale(painter, self._maps, self._channel)

    def _compose(self) -> None:
        """Make the picture of all shown maps, in device pixels."""
        maps = self._maps
        if self._image is not None or maps is None or self.is_vector:
            return
        ratio = self.devicePixelRatioF()
        height = self.height() - (SCALE_HEIGHT if self._channel is not None else 0)
        channels = np.arange(len(maps.maps))
        if self._channel is not None:
            channels = channels[self._channel : self._channel + 1]
        wide, tall = _as_picture(maps).maps.shape[:0:-1]
        self._grid = mosaic.fit(
            len(channels),
            min(max(wide / tall, 0.2), 5.0),
            max(int(self.width() * ratio), 1),
            max(int(height * ratio), 1),
            round(GAP * ratio),
        )
        ground = QColor(self._theme.colors.panel).rgb()
        pixels = mosaic.paint(_as_picture(maps), channels, self._grid, ground, common=self._common)
        rows, columns = pixels.shape
        image = QImage(pixels.data, columns, rows, columns * 4, QImage.Format.Format_RGB32)
        self._image = image.copy()
        self._image.setDevicePixelRatio(ratio)

    def _paint_scale(self, painter: QPainter, maps: LayerMaps, channel: int) -> None:
        """Draw the range of an enlarged map below it."""
        table = viridis()
        bar = QImage(table.tobytes(), 256, 1, 1024, QImage.Format.Format_RGB32).copy()
        top = self.height() - SCALE_HEIGHT + 8
        painter.setFont(ui_font(8.5))
        painter.setPen(QColor(self._theme.colors.text_soft))
        low, high = value_text(float(maps.low[channel])), value_text(float(maps.high[channel]))
        metrics = painter.fontMetrics()
        left = metrics.horizontalAdvance(low) + 8
        painter.drawText(0, top + 10, low)
        width = max(min(self.width() - left - metrics.horizontalAdvance(high) - 8, 180), 20)
        painter.drawImage(QRect(left, top, width, 10), bar)
        painter.drawText(left + width + 8, top + 10, high)

    def _paint_bars(self, painter: QPainter, maps: LayerMaps) -> None:
        values = maps.low
        colors = self._theme.colors
        area = QRectF(self.rect()).adjusted(0, 6, 0, -20)
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        span = (high - low) or 1.0
        zero = area.bottom() + low / span * area.height()
        pitch = area.width() / len(values)
        painter.setPen(Qt.PenStyle.NoPen)
        for index, value in enumerate(values):
            chosen = self._channel is None or index == self._channel
            painter.setBrush(QColor(colors.accent if chosen else colors.border))
            top = zero - float(value) / span * area.height()
            width = max(pitch - (2 if pitch > 5 else 0.5), 0.5)
            bar = QRectF(area.left() + index * pitch, min(top, zero), width, abs(zero - top))
            painter.drawRect(bar)
        painter.fillRect(QRectF(area.left(), zero, area.width(), 1), QColor(colors.edge))
        self._paint_names(painter, area, pitch, len(values))

    def _paint_names(self, painter: QPainter, area: QRectF, pitch: float, count: int) -> None:
        painter.setFont(ui_font(8.5))
        painter.setPen(QColor(self._theme.colors.text_soft))
        metrics = painter.fontMetrics()
        names = self._names or [str(index) for index in range(count)]
        widest = max(metrics.horizontalAdvance(name) for name in names)
        every = max(int(np.ceil((min(widest, 60) + 6) / pitch)), 1)
        for index in range(0, count, every):
            name = metrics.elidedText(
                names[index], Qt.TextElideMode.ElideRight, int(pitch * every) - 2
            )
            box = QRectF(area.left() + index * pitch, area.bottom() + 3, pitch * every, 16)
            side = Qt.AlignmentFlag.AlignHCenter if every == 1 else Qt.AlignmentFlag.AlignLeft
            painter.drawText(box, side, name)

    def _channel_at(self, place: QPoint) -> int | None:
        if self._maps is None:
            return None
        if self.is_vector:
            index = int(place.x() / max(self.width(), 1) * len(self._maps.maps))
            return min(max(index, 0), len(self._maps.maps) - 1)
        ratio = self.devicePixelRatioF()
        found = self._grid.at(place.x() * ratio, place.y() * ratio) if self._grid else None
        return self._channel if found is not None and self._channel is not None else found

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Enlarge the clicked map, or show all again."""
        channel = self._channel_at(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or channel is None:
            return
        self.channel_chosen.emit(channel if self._channel is None else None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which channel is under the mouse, and its range."""
        channel = self._channel_at(event.position().toPoint())
        if channel is None or self._maps is None:
            QToolTip.hideText()
            return
        QToolTip.showText(event.globalPosition().toPoint(), self.describe(channel), self)

    def describe(self, channel: int) -> str:
        """Return a channel's name and values in words."""
        maps = self._maps
        if maps is None:
            return ""
        low, high = value_text(float(maps.low[channel])), value_text(float(maps.high[channel]))
        if self.is_vector:
            name = self._names[channel] if self._names else f"Unit {channel}"
            return f"{name}: {low}"
        return f"Channel {channel}: {low} to {high}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the channels with the arrow keys; Escape shows all."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape and self._channel is not None:
            self.channel_chosen.emit(None)
        elif step and self._channel is not None and self._maps is not None:
            self.channel_chosen.emit((self._channel + step) % len(self._maps.maps))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the maps out anew."""
        super().resizeEvent(event)
        self._image = None


def _as_picture(maps: LayerMaps) -> LayerMaps:
    """Return the maps of a sequence lying down: time runs to the right."""
    if maps.maps.shape[2] != 1 or maps.maps.shape[1] == 1:
        return maps
    return replace(maps, maps=maps.maps.transpose(0, 2, 1))
