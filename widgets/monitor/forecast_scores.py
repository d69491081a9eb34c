"""How good forecasts are: the network's errors beside those of simple forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.labels import metric_title, score_text
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent

    from widgets.theme import Theme
    from workbench.plugin_api.task import Evaluation

ORDER = ("r2", "mae", "rmse", "smape", "mase", "pinball", "coverage")
BINS = 24


class ForecastScores(QWidget):
    """A sentence on simple answers, and a table: a row each, the network first.

    Args:
        headline: makes the sentence of an evaluation.
    """

    def __init__(
        self, theme: Theme, headline: Callable[[Evaluation], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._told = headline
        self.setObjectName("forecastScores")
        self._theme = theme
        self._evaluation: Evaluation | None = None
        self._headline = QLabel()
        self._headline.setObjectName("againstNaive")
        self._headline.setFont(ui_font(12))
        self.table = QTableWidget(0, 0)
        self.table.setObjectName("forecastMetrics")
        self.table.setAccessibleName("Errors of the network and of simple forecasts")
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.setShowGrid(False)
        self.table.setFont(ui_font(9))
        self.table.horizontalHeader().setFont(ui_font(8.5))
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._headline)
        layout.addWidget(self.table, 1)

    def show_scores(self, evaluation: Evaluation) -> None:
        """Show an evaluation; nothing happens for the one that is shown."""
        if evaluation is self._evaluation:
            return
        self._evaluation = evaluation
        self._headline.setText(self._told(evaluation))
        names = [name for name in ORDER if name in evaluation.metrics]
        rows = {"Network": evaluation.metrics, **evaluation.baselines}
        self.table.setColumnCount(len(names) + 1)
        self.table.setRowCount(len(rows))
        self.table.setHorizontalHeaderLabels(["", *(metric_title(name) for name in names)])
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(36)
        for row, (title, metrics) in enumerate(rows.items()):
            self.table.setItem(row, 0, QTableWidgetItem(title.capitalize()))
            for column, name in enumerate(names, 1):
                self.table.setItem(row, column, _cell(name, metrics.get(name)))
        for column in range(self.table.columnCount()):
            item = self.table.item(0, column)
            font = item.font()
            font.setBold(True)
            item.setFont(font)


def against_naive(evaluation: Evaluation) -> str:
    """Return "MAE 0.55 × naive"."""
    naive = evaluation.baselines.get("naive", {}).get("mae")
    mae = evaluation.metrics.get("mae")
    return f"MAE {mae / naive:.2f} × naive" if naive and mae is not None else ""


def _cell(name: str, value: float | None) -> QTableWidgetItem:
    item = QTableWidgetItem("–" if value is None else score_text(name, value))
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item


class ResidualBars(QWidget):
    """How often errors of each size come: a histogram around zero.

    Args:
        answer: what the errors are of: "forecast".
    """

    def __init__(self, theme: Theme, answer: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answer = answer
        self.setObjectName("residualBars")
        self.setAccessibleName("Histogram of the errors")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(64)
        self._theme = theme
        self.counts: list[int] = []
        self.reach = 0.0
        theme.changed.connect(self.update)

    def show_residuals(self, residuals: NDArray[np.float64]) -> None:
        """Show other errors."""
        import numpy as np

        known = residuals[np.isfinite(residuals)]
        self.reach = float(np.abs(known).max()) if len(known) else 0.0
        span = (-self.reach, self.reach) if self.reach else (-1.0, 1.0)
        self.counts = np.histogram(known, BINS, span)[0].tolist()
        middle = float(known.mean()) if len(known) else 0.0
        self.setToolTip(f"Truth less {self._answer}; mean {middle:.4g}, largest {self.reach:.4g}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars, zero in the middle, and the ends."""
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setFont(ui_font(8.5))
        line = painter.fontMetrics().height()
        area = QRectF(self.rect()).adjusted(0, line + 2, 0, -line - 3)
        painter.setPen(QColor(colors.text_soft))
        top = QRectF(0, 0, self.width(), line)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, f"Errors (truth − {self._answer})")
        most = max(self.counts, default=0)
        width = area.width() / BINS
        for number, count in enumerate(self.counts if most else ()):
            height = area.height() * count / most
            box = QRectF(area.left() + number * width, area.bottom() - height, width - 1, height)
            painter.fillRect(box, QColor(colors.series[0]))
        painter.fillRect(QRectF(area.left(), area.bottom(), area.width(), 1), QColor(colors.edge))
        middle = area.center().x()
        painter.fillRect(QRectF(middle, area.top(), 1, area.height()), QColor(colors.text_faint))
        below = QRectF(0, area.bottom() + 2, self.width(), line)
        for text, side in (
            (f"−{self.reach:.3g}", Qt.AlignmentFlag.AlignLeft),
            ("0", Qt.AlignmentFlag.AlignHCenter),
            (f"{self.reach:.3g}", Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(below, side, text)
