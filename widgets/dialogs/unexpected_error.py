"""The one dialog for errors that nobody foresaw."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.crash import log_path
from widgets.panels.column import heading, wrapped
from widgets.theme import mono_font
from workbench import __version__

if TYPE_CHECKING:
    from widgets.theme import Theme


class UnexpectedErrorDialog(QDialog):
    """Says that nothing is lost, and offers the report."""

    def __init__(self, trace: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unexpectedError")
        self.setWindowTitle("Unexpected error")
        self.resize(640, 380)
        self.report = report_of(trace)
        icon = QLabel(self)
        icon.setPixmap(theme.icon("warning", theme.colors.warning).pixmap(QSize(26, 26)))
        text = wrapped(
            "The program goes on, your experiment is kept, and training is not affected. "
            "A report helps to mend the fault.",
            self,
        )
        head = QVBoxLayout()
        head.addWidget(heading("Something went wrong inside Neural Workbench", self))
        head.addWidget(text)
        top = QHBoxLayout()
        top.setSpacing(14)
        top.addWidget(icon)
        top.addLayout(head, 1)
        details = QPlainTextEdit(self.report, self)
        details.setObjectName("report")
        details.setAccessibleName("Report")
        details.setReadOnly(True)
        details.setFont(mono_font())
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(details, 1)
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, title, slot in (
            ("copyReport", "Copy report", self._on_copy),
            ("openLog", "Open log", self._on_open_log),
        ):
            button = QPushButton(title, self)
            button.setObjectName(name)
            button.clicked.connect(slot)
            row.addWidget(button)
        row.addStretch(1)
        close = QPushButton("Go on", self)
        close.setObjectName("goOn")
        close.setProperty("primary", True)
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(close)
        return row

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)

    def _on_open_log(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path())))


def report_of(trace: str) -> str:
    """Return a traceback with the versions that matter; nothing personal is added."""
    return (
        f"Neural Workbench {__version__}\n"
        f"Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}\n\n{trace}"
    )
