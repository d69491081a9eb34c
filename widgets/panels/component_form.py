"""The settings of one plug-in of the document: a source, a preprocessing, a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from widgets.fields import ComboBox
from widgets.forms import StructForm
from widgets.nested_fields import LABEL_WIDTH
from workbench.catalog import configured
from workbench.document.experiment import Component
from workbench.errors import UserError
from workbench.plugin_api.data import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.catalog import Table
    from workbench.plugin_api.parameters import Field


class ComponentForm(QWidget):
    """Edits a Component; with a choice of plug-ins above if there are several.

    Signals:
        changed(Component, str): a person wants this instead; the name of the changed setting,
            empty for another plug-in.
        sealed(): the person is done with a field.
    """

    changed = Signal(object, str)
    sealed = Signal()

    def __init__(
        self,
        table: Table[Any],
        title: str,
        parent: QWidget | None = None,
        *,
        label_width: int = LABEL_WIDTH,
        choosable: bool = False,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._label_width = label_width
        self._component: Component | None = None
        self._kept: dict[str, Component] = {}
        self._form: StructForm | None = None
        self._box = ComboBox(self)
        self._box.setObjectName(f"choose_{title.lower()}")
        self._box.setAccessibleName(title)
        self._box.setVisible(choosable)
        _fill(self._box, table)
        self._box.activated.connect(self._on_chosen)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self._box)

    def show_component(self, component: Component) -> None:
        """Show a component; an unknown plug-in shows by its id, without settings."""
        before, self._component = self._component, component
        self._kept[component.type] = component
        if self._box.findData(component.type) < 0:
            self._box.addItem(f"{component.type} (missing)", component.type)
        self._box.setCurrentIndex(self._box.findData(component.type))
        known = component.type in self._table
        if before is None or before.type != component.type or self._form is None:
            self._rebuild(self._table[component.type].parameters() if known else ())
        self._form.show_values(self._values(component) if known else {})

    def focus_field(self, name: str) -> None:
        """Put the cursor into a field."""
        if self._form is not None:
            self._form.focus_field(name)

    def _values(self, component: Component) -> Mapping[str, Any]:
        kind = self._table[component.type]
        try:
            instance = configured(kind, component.params)
        except UserError:  # a setting is missing or damaged; the list of problems says which
            defaults = {field.name: field.default for field in kind.parameters()}
            return {**defaults, **component.params}
        return {field.name: getattr(instance, field.name) for field in kind.parameters()}

    def _rebuild(self, fields: tuple[Field, ...]) -> None:
        if self._form is not None:
            self._column.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        self._form = StructForm(fields, self, label_width=self._label_width)
        self._form.setVisible(bool(fields))
        self._form.changed.connect(self._on_changed)
        self._form.sealed.connect(self.sealed)
        self._column.addWidget(self._form)

    def _on_chosen(self, index: int) -> None:
        wanted = self._box.itemData(index)
        if self._component is not None and wanted == self._component.type:
            return
        self.changed.emit(self._kept.get(wanted) or self._fresh(wanted), "")

    def _fresh(self, type_id: str) -> Component:
        fields = self._table[type_id].parameters()
        texts = {f.name: "" for f in fields if f.required and f.kind in ("text", "path")}
        return Component(type_id, texts)

    def _on_changed(self, name: str, value: Any) -> None:
        kind = self._table[self._component.type]
        field = next(field for field in kind.parameters() if field.name == name)
        params = {**self._component.params, name: value}
        if not field.required and value == field.default:
            del params[name]
        wanted = Component(self._component.type, params)
        try:
            configured(kind, params)
        except UserError as error:
            self._form.show_error(name, error.message)
        else:
            self.changed.emit(wanted, name)


def _fill(box: ComboBox, table: Table[Any]) -> None:
    """List plug-ins; those that are of different kinds, such as sources, under headings."""
    groups: dict[str, list[Any]] = {kind: [] for kind in get_args(Kind)}
    for plug_in in table:
        groups.setdefault(getattr(plug_in, "kind", ""), []).append(plug_in)
    for kind, plug_ins in groups.items():
        if kind and plug_ins:
            box.add_heading(kind.capitalize())
        for plug_in in plug_ins:
            box.addItem(plug_in.title, plug_in.id)
            tip = getattr(plug_in, "help", "")
            box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
