"""The message bar: what happened and what to do next, above the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.session import Session
    from workbench.session.message import Message

INFO_MILLISECONDS = 6000
WARNING_MILLISECONDS = 20000


class MessageBar(QFrame):
    """Shows one message at a time; infos and warnings leave by themselves, errors stay.

    Signals:
        shown(): there is another message, or it needs another height.
    """

    shown = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.setAccessibleName("Message")
        self._session = session
        self._theme = theme
        self._message: Message | None = None
        self._icon = QLabel(self)
        self._text = _label(self, "messageText")
        self._hint = _label(self, "messageHint")
        self._hint.setProperty("soft", True)
        self._copy = QPushButton("Copy", self)
        self._copy.setObjectName("copyMessage")
        self._copy.clicked.connect(self._on_copy)
        self._repair = QPushButton(self)
        self._repair.setObjectName("repairMessage")
        self._repair.clicked.connect(self._on_repair)
        self._close = QToolButton(self)
        self._close.setObjectName("closeMessage")
        self._close.setAccessibleName("Close message")
        self._close.setToolTip("Close")
        self._close.setProperty("flat", True)
        self._close.clicked.connect(self.dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self._lay_out()
        self.hide()
        session.messaged.connect(self.show_message)
        session.run.opened.connect(self.dismiss)  # why training could not start is past
        session.document.experiment_changed.connect(self._on_edited)
        theme.changed.connect(self._restyle)

    def show_message(self, message: Message) -> None:
        """Show a message in place of the last one; an info does not hide an error."""
        if message.severity == "info" and self.isVisible() and self._severity == "error":
            return
        self._message = message
        self._text.setText(message.text)
        self._hint.setText(message.hint)
        self._hint.setVisible(bool(message.hint))
        self._copy.setVisible(bool(message.copy))
        self._copy.setText("Copy")
        self._copy.setToolTip(f"Copy the line: {message.copy}")
        self._repair.setVisible(message.repair is not None)
        self._repair.setText(message.repair.title if message.repair else "")
        self._restyle()
        self.show()
        self.shown.emit()
        spans = {"info": INFO_MILLISECONDS, "warning": WARNING_MILLISECONDS}
        self._timer.stop()
        if message.severity in spans:
            self._timer.start(spans[message.severity])

    def event(self, event: QEvent) -> bool:
        """Ask for another height once the lines of the texts are laid out."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self.shown.emit()
        return done

    def dismiss(self) -> None:
        """Take the message away."""
        self._timer.stop()
        self._message = None
        self.hide()

    def _on_copy(self) -> None:
        if self._message is not None:
            QGuiApplication.clipboard().setText(self._message.copy)
            self._copy.setText("Copied")

    def _on_repair(self) -> None:
        repair = self._message.repair if self._message is not None else None
        if repair is not None:
            document = self._session.document
            self._session.attempt(lambda: document.edit(repair.edit, repair.title))

    def _on_edited(self) -> None:
        if self._message is not None and self._message.repair is not None:
            self.dismiss()  # repaired, or another problem by now

    @property
    def _severity(self) -> str:
        return self._message.severity if self._message else ""

    def _lay_out(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self._text)
        texts.addWidget(self._hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        row.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._repair, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)

    def _restyle(self) -> None:
        colors = self._theme.colors
        color = self._theme.severity_color(self._severity)
        name = self._severity if self._severity in ("error", "warning") else "info"
        self._icon.setPixmap(self._theme.icon(name, color).pixmap(QSize(18, 18)))
        self._close.setIcon(self._theme.icon("close", colors.text_soft))
        self._close.setIconSize(QSize(14, 14))
        self.setStyleSheet(
            f"QFrame#messageBar {{ background: {colors.panel}; border: none; "
            f"border-left: 3px solid {color}; border-bottom: 1px solid {colors.border}; }}"
        )


def _label(parent: QWidget, name: str) -> QLabel:
    label = QLabel(parent)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
