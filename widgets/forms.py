"""A form from a struct's annotations: labels, units, help, bounds, folded and nested parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from widgets.nested_fields import LABEL_WIDTH, editor_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msgspec

    from widgets.fields import Editor
    from workbench.plugin_api.parameters import Field


class StructForm(QWidget):
    """Edits the fields of a struct, one a row.

    Signals:
        changed(str, object): a person gave this field another valid value.
        sealed(): the person is done with a field, so that the next edit is another one.
    """

    changed = Signal(str, object)
    sealed = Signal()

    def __init__(
        self,
        fields: Sequence[Field],
        parent: QWidget | None = None,
        *,
        label_width: int = LABEL_WIDTH,
    ) -> None:
        super().__init__(parent)
        self._label_width = label_width
        self._rows: dict[str, FormRow] = {}
        self._values: dict[str, Any] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(7)
        self._grid.setColumnMinimumWidth(0, label_width)
        self._grid.setColumnStretch(1, 1)
        self._advanced = _Fold("Advanced", self)
        shown = [field for field in fields if not field.hidden]
        for field in shown:
            if not field.advanced:
                self._add(field)
        if any(field.advanced for field in shown):
            self._grid.addWidget(self._advanced, self._grid.rowCount(), 0, 1, 2)
            for field in shown:
                if field.advanced:
                    self._add(field)
        self._advanced.setVisible(any(field.advanced for field in shown))
        self._grid.setRowStretch(self._grid.rowCount(), 1)  # rows do not share what is left over
        self._advanced.toggled.connect(self._show_rows)
        self._show_rows()

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show values by field name; what is being typed stays as it is, if it says the same."""
        self._values = dict(values)
        for name, row in self._rows.items():
            if name in values:
                row.show_value(values[name])
        self._show_rows()

    def show_struct(self, struct: msgspec.Struct) -> None:
        """Show the values of a struct."""
        self.show_values({name: getattr(struct, name) for name in self._rows})

    def show_error(self, name: str, message: str) -> None:
        """Outline a field and say what is wrong with it; an empty message takes that back."""
        if name in self._rows:
            self._rows[name].show_error(message)

    def focus_field(self, name: str) -> None:
        """Put the cursor into a field, unfolding it if need be."""
        row = self._rows.get(name)
        if row is None:
            return
        if row.field.advanced:
            self._advanced.setChecked(True)
        row.focus()

    def editor(self, name: str) -> Editor:
        """Return the editor of a field."""
        return self._rows[name].editor

    def _add(self, field: Field) -> None:
        row = FormRow(field, self, self._label_width)
        row.editor.edited.connect(lambda value, name=field.name: self._on_edited(name, value))
        row.editor.finished.connect(self.sealed)
        row.place(self._grid)
        self._rows[field.name] = row

    def _on_edited(self, name: str, value: Any) -> None:
        self._rows[name].show_error("")
        self._values[name] = value
        self._show_rows()
        self.changed.emit(name, value)

    def _show_rows(self) -> None:
        for row in self._rows.values():
            condition = row.field.shown_if
            matters = condition is None or self._values.get(condition[0]) in condition[1]
            folded = row.field.advanced and not self._advanced.isChecked()
            row.set_visible(matters and not folded)


class FormRow:
    """The label, the editor and the complaint of one field."""

    def __init__(self, field: Field, parent: QWidget, label_width: int) -> None:
        self.field = field
        self.editor = editor_for(field, parent, label_width)
        self.label = QLabel("" if _titles_itself(field) else field.title, parent)
        self.complaint = QLabel(parent)
        self._visible = True
        self.label.setFixedWidth(label_width)
        self._style(parent)
        self.editor.rejected.connect(self.show_error)
        self.editor.finished.connect(self._on_finished)

    def place(self, grid: QGridLayout) -> None:
        """Take the next rows of a form."""
        row = grid.rowCount()
        wide = self.field.kind in ("struct", "variant") or self.field.optional
        if wide and _titles_itself(self.field):
            grid.addWidget(self.editor, row, 0, 1, 2)
            self.label.hide()
        elif self.field.kind == "path":  # needs the whole width
            self.label.setMaximumWidth(16777215)
            grid.addWidget(self.label, row, 0, 1, 2)
            grid.addWidget(self.editor, row + 1, 0, 1, 2)
        else:
            top = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
            grid.addWidget(self.label, row, 0, top)
            grid.addWidget(self.editor, row, 1)
        column = 0 if self.field.kind == "path" else 1
        grid.addWidget(self.complaint, row + 2, column, 1, 2 - column)

    def show_value(self, value: Any) -> None:
        """Show a value and forget the complaint about the last one, unless it is being typed."""
        self.editor.show_value(value)
        if not self._is_typing():
            self.show_error("")

    def show_error(self, message: str) -> None:
        """Outline the field and say why, or take that back."""
        self.editor.mark(bool(message))
        self.complaint.setText(message)
        self.complaint.setVisible(bool(message) and self._visible)

    def set_visible(self, visible: bool) -> None:
        """Show or hide the whole row."""
        self._visible = visible
        self.label.setVisible(visible and bool(self.label.text()))
        self.editor.setVisible(visible)
        self.complaint.setVisible(visible and bool(self.complaint.text()))

    def focus(self) -> None:
        """Put the cursor into the field."""
        target = self.editor.focusProxy() or next(
            (child for child in self.editor.findChildren(QWidget) if _takes_focus(child)), None
        )
        if target is not None:
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)
            if isinstance(target, QLineEdit):
                target.selectAll()

    def _style(self, parent: QWidget) -> None:
        field = self.field
        tip = f"{field.help}." if field.help and not field.help.endswith(".") else field.help
        self.label.setWordWrap(True)
        self.label.setProperty("label", "field")
        self.label.setBuddy(self.editor)
        self.complaint.setWordWrap(True)
        self.complaint.setProperty("severity", "error")
        self.complaint.hide()
        self.editor.setObjectName(f"editor_{field.name}")
        for widget in (self.label, self.editor):
            widget.setToolTip(tip)
        for child in self.editor.findChildren(QWidget):
            if _takes_focus(child):
                child.setToolTip(tip)
                child.setAccessibleName(child.accessibleName() or field.title)
                child.setAccessibleDescription(tip)
                child.setObjectName(child.objectName() or f"field_{field.name}")

    def _is_typing(self) -> bool:
        return any(line.hasFocus() for line in self.editor.findChildren(QLineEdit))

    def _on_finished(self) -> None:
        if not self._is_typing():
            self.show_error("")


class _Fold(QPushButton):
    """A line that unfolds what belongs to it."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = title
        self.setObjectName("fold_advanced")
        self.setAccessibleName(title)
        self.setCheckable(True)
        self.setProperty("link", True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.toggled.connect(self._on_toggled)
        self._on_toggled(False)

    def _on_toggled(self, checked: bool) -> None:
        self.setText(f"{'▾' if checked else '▸'}  {self._title}")


def _titles_itself(field: Field) -> bool:
    return field.kind in ("bool", "variant") or field.optional


def _takes_focus(widget: QWidget) -> bool:
    return widget.focusPolicy() != Qt.FocusPolicy.NoFocus
