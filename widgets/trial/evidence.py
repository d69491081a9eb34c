"""What an answer rests on: coloured words, a coloured series or a coloured picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.colormap import diverging
from widgets.texts import grouped
from widgets.theme import ui_font
from widgets.trial.explain_bar import METHODS, ExplainBar
from widgets.trial.picture import PictureView, Reasons
from widgets.trial.signal import SignalView
from widgets.trial.words import WordFlow
from workbench.inspecting.heat import heat

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.inspecting.answers import Answered, Explained


class Evidence(QWidget):
    """A heading with the scale of colours, the sample, and whether the sum is complete."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence")
        self.words = WordFlow(theme)
        self.signal = SignalView(theme)
        self.picture = PictureView(theme)
        self.bar = ExplainBar("explain_bar")
        self.bar.opacity_changed.connect(self.picture.set_opacity)
        self._heading = QLabel()
        self._heading.setObjectName("evidence_heading")
        self._heading.setProperty("heading", True)
        self._scale = Scale(theme)
        self._note = QLabel()
        self._note.setObjectName("completeness")
        self._note.setProperty("soft", True)
        self._note.setWordWrap(True)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.words)
        self._sample = QStackedWidget()
        for widget in (scroll, self.signal, self.picture):
            self._sample.addWidget(widget)
        self._lay_out()

    def show_answer(self, answered: Answered, explained: Explained | None) -> None:
        """Show a sample, and colour it as soon as it is explained."""
        seen = answered.seen
        values = explained.values.unpack() if explained is not None else None
        if seen.words:
            rest = f"… {grouped(seen.left_out)} characters left out" if seen.left_out else ""
            self.words.show_words(seen.words, values, rest)
            self._sample.setCurrentIndex(0)
        elif seen.signal is not None:
            self.signal.show_series(seen, values)
            self._sample.setCurrentIndex(1)
        else:
            self._show_picture(answered, explained)
            self._sample.setCurrentIndex(2)
        is_picture = self._sample.currentIndex() == 2
        self.bar.setVisible(is_picture)
        self._gap.setVisible(not is_picture)
        self._scale.show_scale(over_picture=is_picture)
        label = explained.label if explained is not None else ""
        self._heading.setText(f"What speaks for “{label}”" if label else "Looking for reasons…")
        self._scale.setVisible(explained is not None)
        self._note.setText(sum_in_words(explained) if explained is not None else " ")
        self._note.setToolTip(METHODS[explained.method][1] if explained is not None else "")

    def _show_picture(self, answered: Answered, explained: Explained | None) -> None:
        values = explained.values.unpack() if explained is not None else None
        name = METHODS[explained.method][0] if explained is not None else ""
        reasons = [Reasons(name, values)] if answered.targets else []
        self.picture.show_picture(answered.seen, reasons, "Input")

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._heading)
        head.addWidget(self.bar, 1)
        self._gap = QWidget()
        head.addWidget(self._gap, 1)
        head.addWidget(self._scale)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self._sample, 1)
        layout.addWidget(self._note)


class Scale(QWidget):
    """The colours from against to for."""

    def __init__(self, theme: Theme, *, over_picture: bool = False) -> None:
        super().__init__()
        self.setObjectName("evidence_scale")
        self.setAccessibleName("Blue speaks against the class, orange for it")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._over_picture = over_picture
        theme.changed.connect(self.update)

    def show_scale(self, *, over_picture: bool) -> None:
        """Show the colours that lie over pictures, or those behind words and steps."""
        self._over_picture = over_picture
        self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(190, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the words and the colours between them."""
        painter = QPainter(self)
        painter.setFont(ui_font(8.5))
        colors = self._theme.colors
        painter.setPen(QColor(colors.text_soft))
        box = QRectF(self.rect())
        left = painter.fontMetrics().horizontalAdvance("against") + 8
        right = painter.fontMetrics().horizontalAdvance("for") + 8
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, middle, "against")
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, "for")
        bar = QRectF(left, box.center().y() - 4, box.width() - left - right, 8)
        if self._over_picture:
            pixels = heat(np.linspace(-1, 1, 128)[None])
            image = QImage(pixels.tobytes(), 128, 1, 512, QImage.Format.Format_RGBA8888)
            painter.fillRect(bar, QColor(colors.field))
        else:
            table = diverging(colors.panel)
            image = QImage(table.tobytes(), len(table), 1, QImage.Format.Format_RGB32)
        painter.drawImage(bar, image)


def sum_in_words(explained: Explained) -> str:
    """Say how an explanation is to be read."""
    score = signed(explained.score)
    if explained.method == "integrated-gradients":
        return (
            f"Score {score}, of an empty sample {signed(explained.baseline)}; "
            f"the parts add up to the difference within {abs(explained.error):.1g}"
        )
    return f"Score {score}. {way_in_words(explained)}"


def way_in_words(explained: Explained) -> str:
    """Say what the colours mean."""
    match explained.method:
        case "grad-cam":
            return f"Orange: where {explained.layer} finds what speaks for the class"
        case "occlusion":
            return "Orange: what the score loses when that part is hidden; blue: what it gains"
        case "integrated-gradients":
            return "Orange: what adds to the score; blue: what takes from it"


def signed(value: float) -> str:
    """Return a score with two digits and a real minus sign."""
    return f"{value:.2f}".replace("-", "−")
