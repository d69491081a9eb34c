"""Asks for a sample's classes, tags or numbers in words, and says at once what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from widgets.fields import set_property
from workbench.errors import UserError
from workbench.plugin_api.targets import expected, read_target, target_kind

if TYPE_CHECKING:
    from workbench.plugin_api.data import DataInfo

WIDTH, HEIGHT = 420, 84


class NewTargetDialog(QDialog):
    """Takes a target that fits the data; OK is for nothing else.

    Args:
        text: the target as it is.
        several: it is that of the first of several samples, which are all to have the new one.
    """

    def __init__(
        self, info: DataInfo, text: str, parent: QWidget | None = None, *, several: bool = False
    ) -> None:
        super().__init__(parent)
        self.setObjectName("new_target_dialog")
        self.setWindowTitle("Relabel")
        self._info, self._before, self._several = info, text, several
        self._steps = _steps(text, info)
        self._text = QPlainTextEdit(text)
        self._text.setObjectName("new_target")
        self._text.setAccessibleName("What the sample is")
        self._text.setTabChangesFocus(True)
        self._text.setFixedHeight(HEIGHT)
        self._text.setMinimumWidth(WIDTH)
        self._note = QLabel()
        self._note.setObjectName("new_target_note")
        self._note.setProperty("soft", True)
        self._note.setWordWrap(True)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for widget in (self._text, self._note, self._buttons):
            column.addWidget(widget)
        self._text.textChanged.connect(self._judge)
        self._text.selectAll()
        self._judge()

    @property
    def label(self) -> str:
        """What was written, on one line."""
        return " ".join(self._text.toPlainText().split())

    def _judge(self) -> None:
        wrong = self._wrong()
        self._note.setText(wrong or expected(self._info))
        set_property(self._note, "severity", "error" if wrong else "")
        changed = self._several or self.label != self._before
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(changed and not wrong)

    def _wrong(self) -> str:
        try:
            new = read_target(self.label, self._info)
        except UserError as error:
            return str(error)
        if self._steps in (None, np.size(new)):
            return ""
        return f"{np.size(new)} classes are given for {self._steps} steps."


def _steps(text: str, info: DataInfo) -> int | None:
    """Return how many steps a target has; None where any number will do."""
    try:
        return int(np.size(read_target(text, info))) if target_kind(info) == "steps" else None
    except UserError:
        return None  # the data have changed since; a wrong length is told later
