"""A small curve of the learning rate over the planned steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.texts import decimal, grouped

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.document.training import Training

POINTS = 160


class SchedulePlot(QWidget):
    """Draws what the schedule and the warm-up do to the learning rate."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("schedulePlot")
        self.setAccessibleName("Learning rate over the training")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._rates: list[float] = []
        self._epochs = 0
        theme.changed.connect(self.update)

    def show_training(self, training: Training, steps_per_epoch: int) -> None:
        """Show other settings."""
        total = training.epochs * steps_per_epoch
        at = sorted({round(i * (total - 1) / (POINTS - 1)) for i in range(POINTS)})
        self._rates = [rate_at(training, step, total, steps_per_epoch) for step in at]
        self._epochs = training.epochs
        self.setToolTip(f"{grouped(total)} steps, the highest rate {decimal(max(self._rates))}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return a small height."""
        return QSize(200, 76)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the curve, the highest rate and the number of epochs."""
        if not self._rates:
            return
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(colors.text_soft))
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() - 1.5)
        painter.setFont(font)
        line = painter.fontMetrics().height()
        whole = QRectF(self.rect())
        highest = max(self._rates)
        painter.drawText(whole, Qt.AlignmentFlag.AlignLeft, decimal(float(f"{highest:.4g}")))
        epochs = f"{grouped(self._epochs)} {'epoch' if self._epochs == 1 else 'epochs'}"
        painter.drawText(whole, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, epochs)
        area = whole.adjusted(1, line + 3, -1, -line - 3)
        painter.setPen(QPen(QColor(colors.border), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QPen(QColor(colors.accent), 1.6))
        painter.drawPolyline(self._curve(area, highest))

    def _curve(self, area: QRectF, highest: float) -> QPolygonF:
        count = max(len(self._rates) - 1, 1)
        points = [
            QPointF(
                area.left() + area.width() * index / count,
                area.bottom() - area.height() * rate / highest,
            )
            for index, rate in enumerate(self._rates)
        ]
        if len(points) == 1:
            points.append(QPointF(area.right(), points[0].y()))
        return QPolygonF(points)


def rate_at(training: Training, step: int, total: int, steps_per_epoch: int) -> float:
    """Return the learning rate at a step (from 0), warm-up included."""
    rate = training.optimizer.learning_rate
    rate *= training.schedule.scale(step, total, steps_per_epoch)
    if step < training.warmup_steps:
        rate *= (step + 1) / training.warmup_steps
    return rate
