"""What came of an export: a row for each format while it goes on, and afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from widgets.dialogs.export_formats import set_up, spanned
from widgets.texts import byte_size
from workbench.runs import exports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from widgets.theme import Theme
    from workbench.plugin_api.exporter import ExportedFile

COLUMNS = ("File", "Size", "Largest difference", "Time per sample", "State")
WIDTHS = (0, 90, 130, 130, 110)


class ExportReport(QTreeWidget):
    """Follows the events of an export."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportReport")
        self.setAccessibleName("Written files")
        self._theme = theme
        self._rows: dict[str, QTreeWidgetItem] = {}
        set_up(self, COLUMNS, WIDTHS)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for column in (1, 2, 3):
            self.headerItem().setTextAlignment(column, right)

    def begin(self, titles: Mapping[str, str]) -> None:
        """List what is to be written: titles by format."""
        self.clear()
        self._rows = {}
        for format_id, title in titles.items():
            row = QTreeWidgetItem(self, [title, "", "", "", "waiting"])
            for column in (1, 2, 3):
                row.setTextAlignment(
                    column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                )
            row.setForeground(4, QColor(self._theme.colors.text_soft))
            self._rows[format_id] = row

    def take(self, event: exports.Event) -> None:
        """Show one event."""
        if isinstance(event, exports.Written):
            self._on_written(event.file)
        elif isinstance(event, exports.Failed):
            self._on_failed(event)
        elif event.format in self._rows:
            self._say(event.format, f"{event.message.split(' ')[0].lower()} …", "accent")

    def end(self, reason: str) -> None:
        """Say of what has not been written why: cancelled, or what went wrong."""
        for format_id, row in self._rows.items():
            if row.text(4) == "waiting" or row.text(4).endswith("…"):
                self._say(format_id, reason, "text_soft")

    @property
    def failures(self) -> int:
        """Number of formats that failed."""
        return sum(row.text(4) == "failed" for row in self._rows.values())

    @property
    def written(self) -> int:
        """Number of files that were written."""
        return sum(row.text(4) in ("checked", "written") for row in self._rows.values())

    def text(self) -> str:
        """Return the report as text: columns divided by tabs, notes below."""
        lines = ["\t".join(COLUMNS)]
        for row in self._rows.values():
            lines.append("\t".join(row.text(column) for column in range(len(COLUMNS))))
            lines += (f"  {row.child(index).text(0)}" for index in range(row.childCount()))
        return "\n".join(lines)

    def _on_written(self, file: ExportedFile) -> None:
        row = self._rows.get(file.format)
        if row is None:
            return
        row.setText(0, Path(file.path).name)
        row.setToolTip(0, file.path)
        row.setText(1, byte_size(file.size))
        if file.max_difference is not None:
            row.setText(2, f"{file.max_difference:.1e}" if file.max_difference else "none")
        if file.seconds_per_sample is not None:
            row.setText(3, f"{file.seconds_per_sample * 1e3:.3g} ms")
        is_checked = file.max_difference is not None
        self._say(file.format, "checked" if is_checked else "written", "success")
        for note in file.notes:
            spanned(row, note, self._theme.colors.text_soft)
        row.setExpanded(True)

    def _on_failed(self, event: exports.Failed) -> None:
        row = self._rows.get(event.format)
        if row is None:
            return
        self._say(event.format, "failed", "error")
        for text in filter(None, (event.message, event.hint)):
            spanned(row, text, self._theme.colors.error)
        row.setExpanded(True)

    def _say(self, format_id: str, text: str, color: str) -> None:
        row = self._rows[format_id]
        row.setText(4, text)
        row.setForeground(4, QColor(getattr(self._theme.colors, color)))
