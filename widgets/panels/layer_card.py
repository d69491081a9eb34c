"""One layer: what goes in and out, its settings, its weights, and what it does."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from widgets.forms import StructForm
from widgets.panels.adapters_form import AdaptersForm
from widgets.panels.column import ScrollColumn, heading, rule, wrapped
from widgets.panels.inner_modules import InnerModules
from widgets.panels.weights_plot import WeightsPlot
from widgets.texts import counted, grouped, short_count
from workbench.document.edits import rename, set_parameter, update_node
from workbench.errors import UserError
from workbench.plugin_api.parameters import Field

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from widgets.theme import Theme
    from workbench.document.experiment import Experiment
    from workbench.document.graph import Node
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.network import ResolvedNode
    from workbench.session import Session

NAME = Field(name="id", kind="text", title="Name", help="Letters, digits and underscores")
NODE_FIELDS = (
    Field(
        name="trainable",
        kind="bool",
        title="Trainable",
        help="Off: weights and running statistics stay as they are",
    ),
    Field(
        name="learning_rate_scale",
        kind="float",
        title="Learning rate ×",
        help="Factor on the learning rate of this layer's weights",
        minimum=0.0,
    ),
)


class LayerCard(ScrollColumn):
    """Edits one layer."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("layerCard", parent)
        self._session = session
        self._theme = theme
        self._node_id = ""
        self._type = ""
        self._form: StructForm | None = None
        self._title = heading("", self)
        self._facts = wrapped("", self)
        self._facts.setObjectName("layerFacts")
        self._problem = wrapped("", self, soft=False)
        self._problem.setObjectName("layerProblem")
        self._repair = QPushButton(self)
        self._repair.setObjectName("layerRepair")
        self._repair.clicked.connect(self._on_repair)
        self._name = StructForm((NAME,), self)
        self._inside_title = heading("Modules inside", self)
        self._inside: InnerModules | None = None
        self._node_form = StructForm(NODE_FIELDS, self)
        self._adapters = AdaptersForm(session, self)
        self._weights_title = heading("Weights", self)
        self._weights = WeightsPlot(theme, self)
        self._help = QLabel(self)
        self._lay_out()
        theme.changed.connect(self._show_help)

    def show_node(self, node_id: str) -> None:
        """Show a layer; the form is made anew only for another kind of layer."""
        node = self._session.document.experiment.graph[node_id]
        if (node_id, node.type) != (self._node_id, self._type):
            self._node_id, self._type = node_id, node.type
            self._rebuild(node)
        self._show_head(node)
        self._show_values(node)
        self._show_inside(node)
        self.show_weights()

    def _show_inside(self, node: Node) -> None:
        """Show the modules of a layer that has some; the tree is made when it is needed."""
        resolved = self._session.document.report.resolution.by_id.get(node.id)
        has_modules = resolved is not None and bool(resolved.layer.inner())
        self._inside_title.setVisible(has_modules)
        if has_modules and self._inside is None:
            self._inside = InnerModules(self._session, self)
            self.column.insertWidget(self.column.indexOf(self._inside_title) + 1, self._inside)
        if self._inside is not None:
            self._inside.show_node(resolved)

    def show_weights(self) -> None:
        """Show the newest histogram of the layer's first weight, if the run has one."""
        histogram = None
        run = self._session.run
        if run.folder is not None and run.state.probes:
            snapshot = run.snapshot(run.state.probes[-1][1])
            found = snapshot.histograms if snapshot is not None else {}
            own = [name for name in found if name.startswith(f"{self._node_id}/")]
            if own:
                histogram = found.get(f"{self._node_id}/kernel", found[own[0]])
            elif snapshot is None and self._weights.isVisible():
                return  # it is on its way; the last one stays until then
        self._weights_title.setVisible(histogram is not None)
        self._weights.setVisible(histogram is not None)
        if histogram is not None:
            self._weights.show_histogram(histogram)

    def _lay_out(self) -> None:
        for part in (self._title, self._facts, self._problem, self._repair, self._name):
            self.add(part)
        self.add(self._node_form)
        self.add(self._adapters)
        self.add(self._inside_title, 6)
        self.add(self._weights_title, 6)
        self.add(self._weights)
        self.add(rule(self), 6)
        self._help.setWordWrap(True)
        self._help.setTextFormat(Qt.TextFormat.RichText)
        self._help.setOpenExternalLinks(True)
        self._help.setProperty("soft", True)
        self.add(self._help)
        document = self._session.document
        self._name.changed.connect(self._on_name_typed)
        self._name.sealed.connect(self._on_name_given)
        self._node_form.changed.connect(self._on_node_field)
        self._node_form.sealed.connect(document.seal)
        self._wanted_name = ""

    def _rebuild(self, node: Node) -> None:
        if self._form is not None:
            self.column.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
            self._form = None
        self._wanted_name = ""
        self._weights.hide()
        kind = self._kind(node)
        if kind is None:
            return
        self._form = StructForm(kind.parameters(), self)
        self._form.setObjectName("layerForm")
        self._form.changed.connect(self._on_parameter)
        self._form.sealed.connect(self._session.document.seal)
        self.column.insertWidget(self.column.indexOf(self._node_form), self._form)
        self._form.setVisible(bool(kind.parameters()))
        self._show_help()

    def _show_help(self) -> None:
        kind = next((k for k in self._session.catalog.layers if k.id == self._type), None)
        if kind is not None:
            self._help.setText(_help_text(kind, self._theme.colors.accent))

    def _kind(self, node: Node) -> type[Layer] | None:
        return next((k for k in self._session.catalog.layers if k.id == node.type), None)

    def _show_head(self, node: Node) -> None:
        report = self._session.document.report
        kind = self._kind(node)
        resolved = report.resolution.by_id.get(node.id)
        self._title.setText(kind.title if kind else f"{node.type} (unknown)")
        self._facts.setText(facts(resolved) if resolved else "")
        self._facts.setVisible(resolved is not None)
        problems = [problem for problem in report.problems if problem.node == node.id]
        self._problem.setVisible(bool(problems))
        if problems:
            first = problems[0]
            self._problem.setText(f"{first.message} {first.hint}".strip())
            self._problem.setProperty("severity", first.severity)
            self._problem.style().polish(self._problem)
            self._repair.setText(first.repair.title if first.repair else "")
        self._repair.setVisible(bool(problems and problems[0].repair))
        has_weights = resolved is not None and bool(resolved.weights)
        self._node_form.setVisible(has_weights)
        self._adapters.show_node(node, resolved)

    def _show_values(self, node: Node) -> None:
        if not self._wanted_name:
            self._name.show_values({"id": node.id})
        self._node_form.show_values(
            {"trainable": node.trainable, "learning_rate_scale": node.learning_rate_scale}
        )
        if self._form is None:
            return
        try:
            self._form.show_struct(self._session.catalog.layer(node))
        except UserError:
            kind = self._session.catalog.layers[node.type]
            values = {field.name: field.default for field in kind.parameters()}
            self._form.show_values({**values, **node.params})

    def _on_parameter(self, name: str, value: Any) -> None:
        node_id, kind = self._node_id, self._session.catalog.layers[self._type]
        field = next(field for field in kind.parameters() if field.name == name)
        self._edit(
            lambda e: set_parameter(e, node_id, name, value, field.default),
            f"Change {field.title.lower()} of {node_id}",
            name,
            self._form,
        )

    def _on_node_field(self, name: str, value: Any) -> None:
        node_id = self._node_id
        words = {"trainable": "Freeze" if not value else "Unfreeze"}
        title = f"{words.get(name, 'Change the learning rate of')} {node_id}"
        self._edit(lambda e: update_node(e, node_id, **{name: value}), title, name, self._node_form)

    def _edit(
        self,
        change: Callable[[Experiment], Experiment],
        title: str,
        name: str,
        form: StructForm | None,
    ) -> None:
        try:
            self._session.document.edit(change, title, f"{self._node_id}/{name}")
        except UserError as error:
            if form is not None:
                form.show_error(name, str(error))

    def _on_name_typed(self, _field: str, name: str) -> None:
        self._wanted_name = name.strip()
        self._name.show_error("id", "")

    def _on_name_given(self) -> None:
        wanted, self._wanted_name = self._wanted_name, ""
        document = self._session.document
        node_id = self._node_id
        if not wanted or node_id not in document.experiment.graph:
            return
        try:
            document.edit(lambda e: rename(e, node_id, wanted), f"Rename {node_id}")
        except UserError as error:
            self._name.show_error("id", str(error))
            return
        document.seal()
        document.select((wanted,))

    def _on_repair(self) -> None:
        document = self._session.document
        mine = [p for p in document.report.problems if p.node == self._node_id and p.repair]
        if mine:
            repair = mine[0].repair
            self._session.attempt(lambda: document.edit(repair.edit, repair.title))


def facts(node: ResolvedNode) -> str:
    """Return "32 × 64 × 64 → 64 × 32 × 32   18 496 parameters", in lines if it must be."""
    keep = str.maketrans({" ": "\N{NO-BREAK SPACE}"})
    shapes = " , ".join(str(shape) for shape in dict.fromkeys(node.input_types))
    output = str(node.output).translate(keep)
    parts = [f"{shapes.translate(keep)} → {output}" if shapes else output]
    if node.weights:
        text = counted(node.parameters, "parameter")
        if node.statistics:
            text += f" and {grouped(node.statistics)} statistics"
        if node.adapters and node.trainable:
            text += f", {grouped(node.trained_parameters)} trained"
        parts.append(text.translate(keep))
    if node.multiply_adds:
        parts.append(f"{short_count(node.multiply_adds)} multiply‑adds".translate(keep))
    return "    ".join(parts)


def _help_text(kind: type[msgspec.Struct], color: str) -> str:
    text = html.escape(kind.help)
    if text and not text.endswith("."):
        text += "."
    if kind.reference.startswith(("http://", "https://")):
        link = html.escape(kind.reference, quote=True)
        text += f' <a style="color: {color}" href="{link}">Read more</a>'
    elif kind.reference:
        text += f"<br>{html.escape(kind.reference)}"
    return text
