"""Editors of single values: each shows a value, and says when a person has changed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from widgets.number_field import LineField, NumberField, number_text, read_number
from widgets.texts import choice_title

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QWheelEvent

    from workbench.plugin_api.parameters import Field

PAUSE_MILLISECONDS = 700
"""Without a key, after which a typed path counts."""


class Editor(QWidget):
    """Edits one value.

    Signals:
        edited(object): a person gave another valid value.
        rejected(str): what was typed cannot be a value; why, in a sentence.
        finished(): the person is done with this field: Enter, or the focus has gone.
    """

    edited = Signal(object)
    rejected = Signal(str)
    finished = Signal()

    def show_value(self, value: Any) -> None:
        """Show a value without emitting anything."""
        raise NotImplementedError

    def mark(self, wrong: bool) -> None:
        """Outline the field, or no longer."""
        for child in (*self.findChildren(QLineEdit), *self.findChildren(QComboBox)):
            set_property(child, "wrong", wrong)


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


HEADED_LINES = 32
"""A list under headings is searched with the eye, so more of it is shown at once."""


class ComboBox(QComboBox):
    """A combo box that the wheel changes only while it has the focus; a long text ends in dots."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(2)
        self.setMaxVisibleItems(20)

    def add_heading(self, title: str) -> None:
        """Put a line at the end that only parts the list."""
        self.addItem(title)
        heading = self.model().item(self.count() - 1)
        heading.setEnabled(False)
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        self.setMaxVisibleItems(HEADED_LINES)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what there is room for; a style sheet would cut the text off anywhere."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, room.width() - 2
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the scroll area around an unfocused field."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class BoolEditor(Editor):
    """A check box that carries its own title."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QCheckBox(field.title, self)
        self._box.setMinimumHeight(22)
        self._box.clicked.connect(self._on_clicked)
        _fill(self, self._box)

    def show_value(self, value: Any) -> None:
        """Show whether it is on."""
        self._box.setChecked(bool(value))

    def _on_clicked(self, checked: bool) -> None:
        self.edited.emit(checked)
        self.finished.emit()


class NumberEditor(Editor):
    """One number with its unit."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = NumberField(field, self)
        self._line.number_edited.connect(self.edited)
        self._line.text_rejected.connect(self.rejected)
        self._line.left.connect(self.finished)
        self._line.returnPressed.connect(self.finished)
        row = _fill(self, self._line)
        if field.unit:
            unit = QLabel(field.unit, self)
            unit.setProperty("soft", True)
            row.addWidget(unit)

    def show_value(self, value: Any) -> None:
        """Show the number."""
        self._line.show_number(value)


class TextEditor(Editor):
    """One line of text."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = LineField(self)
        self._line.textEdited.connect(self._on_text_edited)
        self._line.left.connect(self.finished)
        self._line.returnPressed.connect(self.finished)
        self._row = _fill(self, self._line)

    def show_value(self, value: Any) -> None:
        """Show the text; the cursor stays where it is while it is being typed."""
        text = self._text_of(value)
        if self._line.text() != text and not self._says(value):
            self._line.setText(text)

    def _text_of(self, value: Any) -> str:
        return "" if value is None else str(value)

    def _says(self, value: Any) -> bool:
        return False

    def _on_text_edited(self, text: str) -> None:
        self.edited.emit(text)


class PathEditor(TextEditor):
    """A path with a button that opens the system's chooser.

    What is typed counts at Enter, when the field is left, or after a pause: half a path is another
    folder, and reading "/" on the way to "/data/pictures" takes long.
    """

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._field = field
        self._shown = ""
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self.take)
        # Before whoever hears "finished": the new path counts by then.
        self._line.left.disconnect(self.finished)
        self._line.returnPressed.disconnect(self.finished)
        self._line.left.connect(self._on_left)
        self._line.returnPressed.connect(self._on_left)
        button = QPushButton("Browse…", self)
        button.setObjectName(f"browse_{field.name}")
        button.setAccessibleName(f"Browse for {field.title.lower()}")
        button.setAutoDefault(False)  # in a dialog, Enter in the field would press it
        button.clicked.connect(self._on_browse)
        self._row.addWidget(button)

    def choose(self, path: str) -> None:
        """Take a path as if it had been typed."""
        self._line.setText(path)
        self._on_left()

    def show_value(self, value: Any) -> None:
        """Show the path, unless another is just being typed."""
        text = self._text_of(value)
        is_typing = self._line.hasFocus() and self._line.text() != self._shown
        self._shown = text
        if not is_typing:
            self._line.setText(text)

    def _on_text_edited(self, text: str) -> None:
        self._pause.start()

    def _on_left(self) -> None:
        self.take()
        self.finished.emit()

    def take(self) -> None:
        """Let what is typed count now: a button beside the field was pressed."""
        self._pause.stop()
        text = self._line.text().strip()
        if text != self._shown:
            self._shown = text
            self.edited.emit(text)

    def _on_browse(self) -> None:
        title, start = self._field.title, self._line.text()
        if self._field.path == "file":
            path, _ = QFileDialog.getOpenFileName(self, title, start)
        else:
            path = QFileDialog.getExistingDirectory(self, title, start)
        if path:
            self.choose(path)


class ListEditor(TextEditor):
    """Any number of numbers in one line: sizes as 28 × 28 × 1, others as 0.1, 0.5, 0.9."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._item = field.items[0]
        is_size = self._item.kind == "int"
        self._between = " × " if is_size else ", "
        self._such_as = "28 × 28 × 1" if is_size else "0.1, 0.5, 0.9"
        self._line.setPlaceholderText(self._such_as)

    def _text_of(self, value: Any) -> str:
        return self._between.join(number_text(part) for part in value or ())

    def _says(self, value: Any) -> bool:
        try:
            return self._line.hasFocus() and self._read(self._line.text()) == tuple(value or ())
        except ValueError:
            return False

    def _read(self, text: str) -> tuple[float, ...]:
        for sign in "x×X*;":
            text = text.replace(sign, "|")
        parts = text.split("|") if "|" in text else text.replace(",", " ").split()
        if not any(part.strip() for part in parts):
            what = "the sizes" if self._item.kind == "int" else "numbers"
            raise ValueError(f"Give {what}, such as {self._such_as}.")
        return tuple(read_number(part, self._item) for part in parts)

    def _on_text_edited(self, text: str) -> None:
        try:
            value = self._read(text)
        except ValueError as error:
            self.rejected.emit(str(error))
        else:
            self.edited.emit(value)


class NamesEditor(TextEditor):
    """Any number of names in one line, parted by commas; none is fine."""

    def _text_of(self, value: Any) -> str:
        return ", ".join(value or ())

    def _says(self, value: Any) -> bool:
        return self._line.hasFocus() and _names(self._line.text()) == tuple(value or ())

    def _on_text_edited(self, text: str) -> None:
        self.edited.emit(_names(text))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class JsonEditor(TextEditor):
    """A value of any other kind, as JSON."""

    def _text_of(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def _on_text_edited(self, text: str) -> None:
        try:
            self.edited.emit(json.loads(text))
        except ValueError:
            self.rejected.emit("This is not valid JSON.")


class ChoiceEditor(Editor):
    """One of several fixed values."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = field.choices
        self._box = ComboBox(self)
        for choice in field.choices:
            self._box.addItem(choice_title(choice))
        self._box.activated.connect(self._on_activated)
        _fill(self, self._box)

    def show_value(self, value: Any) -> None:
        """Select the value; one that is not among the choices selects none."""
        self._box.setCurrentIndex(self._choices.index(value) if value in self._choices else -1)

    def _on_activated(self, index: int) -> None:
        self.edited.emit(self._choices[index])
        self.finished.emit()


class TupleEditor(Editor):
    """A fixed number of values: numbers side by side with ×, pairs of numbers in rows."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editors = [plain_editor(item, self) for item in field.items]
        self._value: list[Any] = [None] * len(self._editors)
        self._nested = any(item.kind == "tuple" for item in field.items)
        row = QVBoxLayout(self) if self._nested else QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for index, editor in enumerate(self._editors):
            if index and not self._nested:
                times = QLabel("×", self)
                times.setProperty("soft", True)
                row.addWidget(times)
            row.addWidget(editor, 1)
            editor.setAccessibleName(f"{field.title} {index + 1}")
            for line in editor.findChildren(QLineEdit):
                line.setAccessibleName(f"{field.title} {index + 1}")
                line.setObjectName(f"field_{field.name}_{index}")
            editor.edited.connect(lambda value, at=index: self._on_edited(at, value))
            editor.rejected.connect(self.rejected)
            editor.finished.connect(self.finished)

    def show_value(self, value: Any) -> None:
        """Show every part."""
        self._value = list(value)
        for editor, part in zip(self._editors, self._value, strict=False):
            editor.show_value(part)

    def _on_edited(self, index: int, value: Any) -> None:
        self._value[index] = value
        self.edited.emit(tuple(self._value))


def plain_editor(field: Field, parent: QWidget | None = None) -> Editor:
    """Return the editor of a field that is not a struct; whether it is optional is left aside."""
    if field.kind == "tuple":
        if field.any_length:
            is_text = field.items[0].kind == "text"
            return NamesEditor(field, parent) if is_text else ListEditor(field, parent)
        return TupleEditor(field, parent)
    editors = {
        "bool": BoolEditor,
        "int": NumberEditor,
        "float": NumberEditor,
        "text": TextEditor,
        "path": PathEditor,
        "choice": ChoiceEditor,
    }
    return editors.get(field.kind, JsonEditor)(field, parent)


def _fill(editor: QWidget, widget: QWidget) -> QHBoxLayout:
    row = QHBoxLayout(editor)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    row.addWidget(widget, 1)
    return row
