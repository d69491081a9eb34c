"""A sound or a series at large: its lines, and which frequencies there are when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QDialog, QLabel, QSizePolicy, QVBoxLayout, QWidget

from widgets.monitor.colormap import viridis
from widgets.monitor.plot_scale import linear_ticks
from widgets.texts import counted
from widgets.theme import ui_font
from widgets.trial.signal import LEFT, SignalView
from workbench.errors import UserError
from workbench.inspecting.answers import Seen
from workbench.inspecting.network import Array

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.plugin_api.data import SplitName
    from workbench.reading import SeenSpectrum
    from workbench.session import Session

AXIS = 22
SCALE = 14


class SpectrumDialog(QDialog):
    """One sample; it stays open beside the window."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("spectrum")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(720, 480)
        self._session = session
        self._class = ""
        self._note = QLabel("Reading…")
        self._note.setObjectName("spectrum_note")
        self._note.setProperty("soft", True)
        self._note.setWordWrap(True)
        self.signal = SignalView(theme)
        self.spectrum = SpectrumView(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(self._note)
        column.addWidget(self.signal, 2)
        column.addWidget(self.spectrum, 3)

    def show_sample(self, split: SplitName, index: int, title: str) -> None:
        """Read and show a sample of the described data."""
        self._class = title
        self.setWindowTitle(title or f"Sample {index}")
        self._session.data.spectrum(split, index, self._on_arrived)

    def _on_arrived(self, found: SeenSpectrum | UserError) -> None:
        if isinstance(found, UserError):
            self._note.setText(str(found))
            return
        parts = [found.name, self._class, counted(found.steps, "step")]
        if found.rate:
            parts += [f"{found.steps / found.rate:.2f} s", f"{found.rate:g} Hz"]
        self._note.setText(" · ".join(part for part in parts if part))
        values = len(found.signal) // (4 * found.channels)
        signal = Array((values, found.channels), found.signal)
        self.signal.show_series(Seen(signal=signal, steps=found.steps, rate=found.rate), None)
        self.spectrum.show_spectrum(found)


class SpectrumView(QWidget):
    """Time to the right in seconds, frequency upwards in hertz; brighter is louder."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("spectrum_view")
        self.setAccessibleName("Spectrogram")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._seen: SeenSpectrum | None = None
        theme.changed.connect(self.update)

    def show_spectrum(self, seen: SeenSpectrum) -> None:
        """Show another one."""
        self._seen = seen
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for a small one."""
        return QSize(200, 100)

    def area(self) -> QRectF:
        """Return where the picture is; its time runs as in the signal above."""
        return QRectF(LEFT, 6, self.width() - LEFT - 6, self.height() - AXIS - SCALE - 10)

    @property
    def top(self) -> float:
        """The highest frequency: in hertz, or in cycles a step."""
        return (self._seen.rate / 2 or 0.5) if self._seen is not None else 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw picture, axes and scale."""
        seen = self._seen
        if seen is None:
            return
        painter = QPainter(self)
        box = self.area()
        painter.fillRect(box, QColor(self._theme.colors.field))
        levels = np.frombuffer(seen.levels, np.uint8).reshape(-1, seen.frames)[::-1]
        pixels = np.ascontiguousarray(viridis()[levels])
        image = QImage(
            pixels.tobytes(), seen.frames, len(pixels), 4 * seen.frames, QImage.Format.Format_RGB32
        )
        pitch = (seen.last - seen.first) / max(seen.frames - 1, 1)
        wide = box.width() / max(seen.steps, 1)
        left = box.left() + max(seen.first - pitch / 2, 0) * wide
        right = min(box.left() + (seen.last + pitch / 2) * wide, box.right())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(left, box.top(), max(right - left, 1), box.height()), image)
        painter.setFont(ui_font(8.5))
        painter.setPen(QColor(self._theme.colors.text_soft))
        self._paint_axes(painter, box, seen)
        self._paint_scale(painter, box, seen)

    def _paint_axes(self, painter: QPainter, box: QRectF, seen: SeenSpectrum) -> None:
        end = seen.steps / seen.rate if seen.rate else float(seen.steps)
        metrics = painter.fontMetrics()
        note = "seconds" if seen.rate else "steps"
        line = QRectF(box.left(), box.bottom() + 4, box.width(), 16)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, note)
        room = line.right() - metrics.horizontalAdvance(note) - 10
        for tick in linear_ticks(0.0, end, max(int(box.width() // 90), 2)):
            half = metrics.horizontalAdvance(tick.label) / 2
            x = box.left() + tick.value / (end or 1.0) * box.width()
            if tick.label and x + half < room:
                place = QRectF(x - half, line.top(), 2 * half + 1, 16)
                painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, tick.label)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        scale, unit = (1000.0, "kHz") if self.top >= 2000 else (1.0, "Hz" if seen.rate else "")
        for tick in linear_ticks(0.0, self.top / scale, max(int(box.height() // 40), 2)):
            if tick.label:
                y = box.bottom() - tick.value * scale / self.top * box.height()
                painter.drawText(QRectF(0, y - 8, LEFT - 5, 16), flags, tick.label)
        painter.setPen(QColor(self._theme.colors.text_soft))
        painter.drawText(QRectF(0, box.bottom() + 4, LEFT - 5, 16), flags, unit)

    def _paint_scale(self, painter: QPainter, box: QRectF, seen: SeenSpectrum) -> None:
        table = viridis()
        bar = QImage(table.tobytes(), 256, 1, 1024, QImage.Format.Format_RGB32)
        low, high = f"{seen.low:.0f} dB".replace("-", "−"), f"{seen.high:.0f} dB"
        line = QRectF(box.left(), self.height() - SCALE - 1, box.width(), SCALE)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, low)
        left = painter.fontMetrics().horizontalAdvance(low) + 8
        painter.drawImage(QRectF(line.left() + left, line.top() + 3, 120, 8), bar)
        after = QRectF(line.left() + left + 128, line.top(), 80, SCALE)
        painter.drawText(after, Qt.AlignmentFlag.AlignVCenter, high)
