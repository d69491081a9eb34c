"""Editors of values that have fields of their own, and of values that may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from widgets.fields import ComboBox, Editor, plain_editor
from widgets.texts import class_title
from workbench.plugin_api.parameters import fields_of

if TYPE_CHECKING:
    from widgets.forms import StructForm
    from workbench.plugin_api.parameters import Field

LABEL_WIDTH = 112
INDENT = 12
"""Of a nested form, its line included."""


class StructEditor(Editor):
    """A nested form."""

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label_width = label_width
        self._form: StructForm | None = None
        self._value: Any = None
        self._column = _column(self)

    def show_value(self, value: Any) -> None:
        """Show a struct; another class brings another form."""
        if type(value) is not type(self._value):
            self._rebuild(type(value))
        self._value = value
        if self._form is not None:
            self._form.show_struct(value)

    def _rebuild(self, kind: type) -> None:
        from widgets.forms import StructForm  # a form holds editors, one of which holds a form

        if self._form is not None:
            self._column.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        self._form = StructForm(fields_of(kind), self, label_width=self._label_width)
        self._form.changed.connect(self._on_changed)
        self._form.sealed.connect(self.finished)
        self._column.addWidget(self._form)
        self._form.show()  # else the layout does it only when the event loop comes round

    def _on_changed(self, name: str, value: Any) -> None:
        self._value = msgspec.structs.replace(self._value, **{name: value})
        self.edited.emit(self._value)


class VariantEditor(Editor):
    """A choice among structs, and the chosen one's form below it."""

    def __init__(self, field: Field, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._variants: list[type | None] = list(field.variants)
        if field.optional:
            self._variants.insert(0, None)
        self._kept: dict[type, Any] = {}
        self._box = ComboBox(self)
        self._box.setObjectName(f"field_{field.name}")
        self._box.setAccessibleName(field.title)
        for kind in self._variants:
            self._box.addItem("None" if kind is None else class_title(kind))
            tip = (kind.__doc__ or "").strip().split("\n")[0] if kind else ""
            self._box.setItemData(self._box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._box.activated.connect(self._on_activated)
        self._nested = StructEditor(label_width, self)
        self._nested.edited.connect(self._on_nested)
        self._nested.finished.connect(self.finished)
        head = QGridLayout()
        head.setHorizontalSpacing(10)
        head.setColumnMinimumWidth(0, label_width)
        head.setColumnStretch(1, 1)
        title = QLabel(field.title, self)
        title.setFixedWidth(label_width)
        title.setBuddy(self._box)
        head.addWidget(title, 0, 0)
        head.addWidget(self._box, 0, 1)
        column = _column(self)
        column.addLayout(head)
        column.addWidget(self._nested)

    def show_value(self, value: Any) -> None:
        """Select the value's class and show its settings."""
        kind = None if value is None else type(value)
        self._box.setCurrentIndex(self._variants.index(kind) if kind in self._variants else -1)
        self._nested.setVisible(value is not None and bool(fields_of(type(value))))
        if value is not None:
            self._kept[type(value)] = value
            self._nested.show_value(value)

    def _on_activated(self, index: int) -> None:
        kind = self._variants[index]
        value = None if kind is None else self._kept.get(kind, None) or kind()
        self.show_value(value)
        self.edited.emit(value)
        self.finished.emit()

    def _on_nested(self, value: Any) -> None:
        self._kept[type(value)] = value
        self.edited.emit(value)


class OptionalEditor(Editor):
    """A check box that turns a value on, and the value's editor beside or below it."""

    def __init__(self, field: Field, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self._last: Any = None
        self._box = QCheckBox(field.title, self)
        self._box.setObjectName(f"use_{field.name}")
        self._box.setMinimumHeight(22)
        self._box.clicked.connect(self._on_clicked)
        bare = msgspec.structs.replace(field, optional=False)
        self._inner = editor_for(bare, self, label_width - INDENT)
        self._inner.edited.connect(self._on_inner)
        self._inner.rejected.connect(self.rejected)
        self._inner.finished.connect(self.finished)
        if field.kind == "struct":
            column = _column(self)
            column.addWidget(self._box)
            column.addWidget(_indented(self._inner, self))
        else:
            grid = QGridLayout(self)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(10)
            grid.setColumnMinimumWidth(0, label_width)
            grid.setColumnStretch(1, 1)
            grid.addWidget(self._box, 0, 0)
            grid.addWidget(self._inner, 0, 1)

    def show_value(self, value: Any) -> None:
        """Show whether there is a value, and which."""
        self._box.setChecked(value is not None)
        if self._field.kind == "struct":
            self._inner.parentWidget().setVisible(value is not None)
        self._inner.setEnabled(value is not None)
        if value is not None:
            self._last = value
            self._inner.show_value(value)

    def _on_clicked(self, checked: bool) -> None:
        value = None
        if checked:
            value = self._last if self._last is not None else start_value(self._field)
        self.show_value(value)
        self.edited.emit(value)
        self.finished.emit()

    def _on_inner(self, value: Any) -> None:
        self._last = value
        self.edited.emit(value)


def editor_for(
    field: Field, parent: QWidget | None = None, label_width: int = LABEL_WIDTH
) -> Editor:
    """Return the editor that fits a field."""
    if field.kind == "variant":
        return VariantEditor(field, label_width, parent)
    if field.optional:
        return OptionalEditor(field, label_width, parent)
    if field.kind == "struct":
        return StructEditor(label_width, parent)
    return plain_editor(field, parent)


def start_value(field: Field) -> Any:
    """Return a sensible first value for a field that was None until now."""
    if field.kind == "struct":
        return field.variants[0]()
    if field.kind == "choice":
        return field.choices[0]
    if field.kind == "tuple":
        count = 1 if field.any_length else len(field.items)
        return tuple(start_value(field.items[min(i, len(field.items) - 1)]) for i in range(count))
    if field.kind in ("int", "float"):
        one = 1 if field.kind == "int" else 1.0
        low = field.minimum if field.minimum is not None else one
        return type(one)(max(one, low))
    return {"bool": True, "text": "", "path": ""}.get(field.kind)


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(7)
    return column


def _indented(widget: QWidget, parent: QWidget) -> QFrame:
    frame = QFrame(parent)
    frame.setProperty("nested", True)
    row = QVBoxLayout(frame)
    row.setContentsMargins(INDENT - 2, 0, 0, 0)
    row.addWidget(widget)
    return frame
