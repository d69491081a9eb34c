"""A line for one number, as people write numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from widgets.texts import NARROW, decimal, grouped

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QKeyEvent

    from workbench.plugin_api.parameters import Field


class LineField(QLineEdit):
    """A line that says when the person is done with it."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Say so, whether or not the text is a value."""
        super().focusOutEvent(event)
        self.left.emit()


class NumberField(LineField):
    """A line for one number: any decimal sign, 1e-3, digits in groups; arrow keys step it."""

    number_edited = Signal(object)
    text_rejected = Signal(str)

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self._value: float | int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(34)
        self.textEdited.connect(self._on_text_edited)
        self.left.connect(self._restore)

    def sizeHint(self) -> QSize:
        """Return a size that lets two numbers stand side by side."""
        return QSize(60, super().sizeHint().height())

    def show_number(self, value: float | None) -> None:
        """Show a number; text that already says it is left as it was typed."""
        self._value = value
        if self.hasFocus() and self._reads_as(value):
            return
        self._restore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with the arrow keys; Escape takes back what was not a number."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(event.key())
        if steps and self._value is not None:
            self._step(steps * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1))
        elif event.key() == Qt.Key.Key_Escape and not self._reads_as(self._value):
            self._restore()
        else:
            super().keyPressEvent(event)

    def _reads_as(self, value: float | None) -> bool:
        try:
            return read_number(self.text(), self._field) == value
        except ValueError:
            return False

    def _restore(self) -> None:
        self.setText("" if self._value is None else number_text(self._value))

    def _on_text_edited(self, text: str) -> None:
        try:
            value = read_number(text, self._field)
        except ValueError as error:
            self.text_rejected.emit(str(error))
            return
        self._value = value
        self.number_edited.emit(value)

    def _step(self, steps: int) -> None:
        value = self._value or 0
        if self._field.kind == "int":
            stepped: float = value + steps
        else:
            size = 10.0 ** math.floor(math.log10(abs(value))) if value else 0.1
            stepped = float(f"{value + steps * size / 10:.12g}")
        try:
            check_bounds(stepped, self._field)
        except ValueError:
            return
        self.setText(number_text(stepped))
        self._on_text_edited(self.text())


def read_number(text: str, field: Field) -> float | int:
    """Return the number a person typed.

    Takes a comma or a point as the decimal sign, spaces between groups of digits, and 1e-3.

    Raises:
        ValueError: with a sentence for the person: not a number, or outside the bounds.
    """
    plain = text.replace("−", "-")
    for space in (" ", NARROW, "\N{NO-BREAK SPACE}", "\N{THIN SPACE}", "_"):
        plain = plain.replace(space, "")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        raise ValueError("This is not a number.") from None
    if not math.isfinite(value):
        raise ValueError("This is not a finite number.")
    if field.kind == "int":
        if value != int(value):
            raise ValueError("This must be a whole number.")
        value = int(value)
    check_bounds(value, field)
    return value


def check_bounds(value: float, field: Field) -> None:
    """Raise a ValueError that names the bound which a number breaks."""
    show = number_text
    if field.minimum is not None and value < field.minimum:
        raise ValueError(f"The least is {show(field.minimum)}.")
    if field.maximum is not None and value > field.maximum:
        raise ValueError(f"The most is {show(field.maximum)}.")
    if field.above is not None and value <= field.above:
        raise ValueError(f"This must be more than {show(field.above)}.")
    if field.below is not None and value >= field.below:
        raise ValueError(f"This must be less than {show(field.below)}.")


def number_text(value: float) -> str:
    """Return a number as a field shows it."""
    return grouped(value) if isinstance(value, int) else decimal(value)
