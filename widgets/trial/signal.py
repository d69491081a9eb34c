"""A series as lines, each over what its steps add to the score of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.monitor.colormap import diverged
from widgets.monitor.labels import value_text
from widgets.monitor.plot_scale import linear_ticks
from widgets.texts import counted
from widgets.theme import ui_font

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from widgets.theme import Theme
    from workbench.inspecting.answers import Seen

LEFT = 34
AXIS = 22
LOWEST_ROW = 18
GAP = 3


class SignalView(QWidget):
    """Channels one below the other; where there is no room for all, those that add most."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("signal")
        self.setAccessibleName("Series and what each step adds to the score")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._theme = theme
        self._signal: NDArray[np.float32] | None = None
        self._values: NDArray[np.float32] | None = None
        self._seconds = 0.0
        self._steps = 0
        theme.changed.connect(self.update)

    def show_series(self, seen: Seen, values: NDArray[np.float32] | None) -> None:
        """Show a series; without values its ground is not coloured yet."""
        self._signal = seen.signal.unpack() if seen.signal is not None else None
        self._values = values
        self._steps = seen.steps
        self._seconds = seen.steps / seen.rate if seen.rate else 0.0
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for two channels."""
        return QSize(160, 2 * LOWEST_ROW + AXIS)

    @property
    def rows(self) -> list[int]:
        """Channels that are drawn, from the top."""
        if self._signal is None:
            return []
        room = max((self.height() - AXIS) // (LOWEST_ROW + GAP), 1)
        channels = np.arange(self._signal.shape[1])
        if len(channels) > room:
            strength = (
                self._signal.std(axis=0)
                if self._values is None
                else (np.abs(self._values).sum(axis=0))
            )
            channels = np.sort(np.argsort(-strength, kind="stable")[:room])
        return channels.tolist()

    def row_rect(self, row: int) -> QRectF:
        """Return where a row's plot is."""
        count = max(len(self.rows), 1)
        pitch = (self.height() - AXIS) / count
        return QRectF(LEFT, row * pitch, self.width() - LEFT - 6, pitch - GAP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw grounds, lines and the axis of time."""
        if self._signal is None:
            return
        painter = QPainter(self)
        painter.setFont(ui_font(8.5))
        rows = self.rows
        for row, channel in enumerate(rows):
            self._paint_row(painter, self.row_rect(row), channel)
        self._paint_axis(painter, len(rows))

    def _paint_row(self, painter: QPainter, box: QRectF, channel: int) -> None:
        colors = self._theme.colors
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._values is None:
            painter.fillRect(box, QColor(colors.field))
        else:
            most = float(np.abs(self._values).max())
            line = diverged(self._values[:, channel], most, colors.field)
            image = QImage(line.tobytes(), len(line), 1, QImage.Format.Format_RGB32)
            painter.drawImage(box, image)
        painter.setPen(QColor(colors.text_soft))
        name = QRectF(0, box.top(), LEFT - 6, box.height())
        painter.drawText(
            name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, str(channel + 1)
        )
        assert self._signal is not None
        values = self._signal[:, channel].astype(np.float64)
        low, high = float(values.min()), float(values.max())
        across = box.left() + (np.arange(len(values)) + 0.5) * box.width() / len(values)
        shares = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
        down = box.bottom() - 3 - shares * (box.height() - 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colors.text), 1.2))
        points = zip(across.tolist(), down.tolist(), strict=True)
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))

    def _paint_axis(self, painter: QPainter, rows: int) -> None:
        assert self._signal is not None
        box = self.row_rect(max(rows - 1, 0))
        top = box.bottom() + GAP
        painter.setPen(QColor(self._theme.colors.text_soft))
        hidden = self._signal.shape[1] - rows
        unit = "seconds" if self._seconds else "steps"
        note = f"{unit} · {counted(hidden, 'more channel')}" if hidden else unit
        line = QRectF(box.left(), top, box.width(), AXIS - GAP)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, note)
        metrics = painter.fontMetrics()
        room = line.right() - metrics.horizontalAdvance(note) - 12
        end = self._seconds or float(self._steps)
        for tick in linear_ticks(0.0, end, max(int(box.width() // 90), 2)):
            half = metrics.horizontalAdvance(tick.label) / 2
            x = box.left() + tick.value / (end or 1.0) * box.width()
            if tick.label and x + half < room:
                place = QRectF(x - half, top, 2 * half + 1, AXIS - GAP)
                painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, tick.label)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say value and addition under the mouse."""
        place = event.position()
        rows = self.rows
        row = next((n for n in range(len(rows)) if self.row_rect(n).contains(place)), None)
        if row is None or self._signal is None:
            QToolTip.hideText()
            return
        box = self.row_rect(row)
        step = int((place.x() - box.left()) / box.width() * len(self._signal))
        text = self.describe(min(max(step, 0), len(self._signal) - 1), rows[row])
        QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def describe(self, step: int, channel: int) -> str:
        """Return one value, where it is and what it adds, in words."""
        if self._signal is None:
            return ""
        each = self._steps / max(len(self._signal), 1)
        when = (
            f"{step * self._seconds / len(self._signal):.3f} s"
            if self._seconds
            else (f"step {int(step * each)}")
        )
        text = f"Channel {channel + 1}, {when}: {value_text(float(self._signal[step, channel]))}"
        if self._values is None:
            return text
        return f"{text}, adds {self._values[step, channel]:+.4f}"
