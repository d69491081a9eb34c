"""How long the samples are, and what is cut off them: in words, and as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from widgets.panels.column import wrapped
from widgets.texts import NARROW, counted, grouped, percent

if TYPE_CHECKING:
    from PySide6.QtGui import QHelpEvent, QPaintEvent

    from widgets.theme import Theme
    from workbench.plugin_api.data import Kind
    from workbench.reading import LengthsReport

HEIGHT, AXIS = 64, 18


class LengthsCard(QWidget):
    """Words, bars and notes; only the words "Measuring …" until the lengths are known."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lengthsCard")
        self._words = wrapped("", self)
        self._words.setObjectName("lengthWords")
        self._cut = wrapped("", self, soft=False)
        self._cut.setObjectName("lengthCut")
        self._cut.setProperty("severity", "warning")
        self._bars = LengthBars(theme, self)
        self._notes = wrapped("", self, soft=False)
        self._notes.setObjectName("lengthNotes")
        self._notes.setProperty("severity", "warning")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self._words, self._bars, self._cut, self._notes):
            column.addWidget(part)

    def show_report(self, report: LengthsReport | None, kind: Kind) -> None:
        """Show what was measured, or that it is being measured."""
        self._words.setText(
            "Measuring the lengths …" if report is None else length_words(report, kind)
        )
        self._bars.show_report(report)
        self._bars.setVisible(report is not None)
        cut = "" if report is None else cut_words(report, kind)
        notes = "" if report is None else "\n".join(report.notes)
        for label, text in ((self._cut, cut), (self._notes, notes)):
            label.setText(text)
            label.setVisible(bool(text))


class LengthBars(QWidget):
    """One bar for each range of lengths; what is cut has another colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lengthBars")
        self.setAccessibleName("Lengths of the training samples")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._theme = theme
        self._report: LengthsReport | None = None
        theme.changed.connect(self.update)

    def show_report(self, report: LengthsReport | None) -> None:
        """Show another histogram."""
        self._report = report
        parts = () if report is None else enumerate(report.counts)
        self.setAccessibleDescription(", ".join(self._bar_words(place) for place, _ in parts))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of bars and axis."""
        return QSize(140, HEIGHT + AXIS)

    def minimumSizeHint(self) -> QSize:
        """Return the same; any width will do."""
        return QSize(60, HEIGHT + AXIS)

    def event(self, event: QHelpEvent) -> bool:
        """Tell the range and the count of the bar under the pointer."""
        if event.type() == event.Type.ToolTip and self._report is not None:
            place = int(event.pos().x() * len(self._report.counts) / max(self.width(), 1))
            inside = 0 <= place < len(self._report.counts)
            self.setToolTip(self._bar_words(place) if inside else "")
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars, the line at which samples are cut, and the axis."""
        report = self._report
        if report is None:
            return
        painter = QPainter(self)
        colors = self._theme.colors
        each = self.width() / len(report.counts)
        cut_at = self._cut_at()
        highest = max(report.counts)
        for place, count in enumerate(report.counts):
            tall = max(round((HEIGHT - 2) * count / highest), 1 if count else 0)
            bar = QRectF(place * each, HEIGHT - tall, max(each - 1, 1), tall)
            painter.fillRect(bar, QColor(colors.series[0]))
            if bar.right() > cut_at:
                bar.setLeft(max(bar.left(), cut_at))
                painter.fillRect(bar, QColor(colors.warning))
        painter.fillRect(QRectF(0, HEIGHT, self.width(), 1), QColor(colors.grid))
        if cut_at < self.width():
            painter.fillRect(QRectF(cut_at - 1, 0, 1, HEIGHT + 1), QColor(colors.warning))
        self._paint_axis(painter, report, cut_at)

    def _paint_axis(self, painter: QPainter, report: LengthsReport, cut_at: float) -> None:
        colors, metrics = self._theme.colors, painter.fontMetrics()
        area = QRectF(0, HEIGHT + 3, self.width(), AXIS - 3)
        first, last = grouped(report.shortest), f"{grouped(report.longest)} {report.unit}"
        painter.setPen(QColor(colors.text_soft))
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft, first)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight, last)
        if cut_at >= self.width() or report.limit is None:
            return
        words = grouped(report.limit)
        half = metrics.horizontalAdvance(words) / 2
        free_from = metrics.horizontalAdvance(first) + 6 + half
        free_to = self.width() - metrics.horizontalAdvance(last) - 6 - half
        if free_from <= cut_at <= free_to:
            painter.setPen(QColor(colors.warning))
            place = QRectF(cut_at - half, area.top(), 2 * half + 2, area.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft, words)

    def _cut_at(self) -> float:
        """Return the place of the limit along the axis; beyond the width where nothing is cut."""
        report = self._report
        if report is None or report.limit is None or not report.cut:
            return self.width() + 1.0
        share = (report.limit + 1 - report.start) / (report.width * len(report.counts))
        return float(self.width() * min(max(share, 0.0), 1.0))

    def _bar_words(self, place: int) -> str:
        report = self._report
        assert report is not None
        low = report.start + place * report.width
        high = low + report.width - 1
        if place == len(report.counts) - 1:
            high = report.longest
        span = grouped(low) if low == high else f"{grouped(low)} to {grouped(high)}"
        return f"{span} {report.unit}: {grouped(report.counts[place])}"


def length_words(report: LengthsReport, kind: Kind) -> str:
    """Return "2 to 61 tokens, half of the texts up to 21", and how many were measured."""
    if report.shortest == report.longest:
        words = f"All {kind} have {counted(report.longest, report.unit.removesuffix('s'))}."
    else:
        words = (
            f"{grouped(report.shortest)} to {grouped(report.longest)} {report.unit}, "
            f"half of the {kind} up to {grouped(report.median)}."
        )
    if report.measured < report.total:
        words += f" Measured on {grouped(report.measured)} of {grouped(report.total)}."
    return words


def cut_words(report: LengthsReport, kind: Kind) -> str:
    """Return "12 % of the texts are longer than 128 tokens …"; empty where nothing is cut."""
    if not report.cut or report.limit is None:
        return ""
    share = percent(report.cut, 0 if report.cut >= 0.1 else 1)
    if report.cut < 0.001:
        share = f"Less than 0.1{NARROW}%"
    return (
        f"{share} of the {kind} are longer than {grouped(report.limit)} {report.unit}; "
        "what comes after is cut."
    )
