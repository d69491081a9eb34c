"""The Models tab: networks that others made, to be dragged onto the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.canvas.gestures.drop_model import Model
from widgets.fields import set_property
from widgets.monitor.empty import EmptyState
from widgets.panels.column import heading, wrapped
from widgets.panels.model_tree import ModelTree
from widgets.texts import short_count

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.plugin_api.importer import Architecture, Published
    from workbench.session import Session

RANDOM = "Random weights"
FILTER = (
    "Networks and weights (*.keras *.h5 *.hdf5 *.safetensors *.pt *.pth *.ckpt *.onnx *.pt2);;"
    "All files (*)"
)


class ModelsPanel(QWidget):
    """A search field, the networks by library and family, and what is known of the chosen one.

    Signals:
        wanted(Model): a network shall come onto the canvas: Enter, a double click, the button.
    """

    wanted = Signal(object)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models")
        self._session = session
        self._models = session.models
        self._listed: object = None
        self._make_list(theme)
        self._make_details()
        self._lay_out()
        self._models.changed.connect(self._show)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask which networks there are when they are first looked at."""
        super().showEvent(event)
        if self._models.models is None and not self._models.is_busy:
            self._models.look()
            self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from the field down to the list."""
        if event.key() == Qt.Key.Key_Down and self._search.hasFocus():
            self._tree.setFocus(Qt.FocusReason.TabFocusReason)
            self._tree.choose_first()
        else:
            super().keyPressEvent(event)

    def _make_list(self, theme: Theme) -> None:
        self._search = QLineEdit(self)
        self._search.setObjectName("filterModels")
        self._search.setAccessibleName("Filter networks")
        self._search.setPlaceholderText("Filter networks")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._on_search)
        self._tree = ModelTree(theme, self._model, self)
        self._tree.chosen.connect(self._on_chosen)
        self._tree.wanted.connect(self._on_wanted)
        self._empty = EmptyState(theme, "layers", "Looking for networks …", "", self)
        self._pages = QStackedWidget(self)
        for page in (self._empty, self._tree):
            self._pages.addWidget(page)
        self.setFocusProxy(self._search)
        self._search.returnPressed.connect(self._tree.take_first)

    def _make_details(self) -> None:
        self._name = heading("", self)
        self._name.setObjectName("modelName")
        self._name.setWordWrap(False)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._facts = wrapped("", self)
        self._facts.setObjectName("modelFacts")
        self._facts.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._facts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._weights = QComboBox(self)
        self._weights.setObjectName("modelWeights")
        self._weights.setAccessibleName("Weights")
        self._weights.setMinimumContentsLength(8)
        self._weights.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._weights.currentIndexChanged.connect(self._show_facts)
        self._add = self._button("addModel", "Add to the canvas", self._on_wanted)
        self._add.setProperty("primary", True)
        self._file = self._button("openModelFile", "Open a file…", self._on_file)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Importing")
        self._state = wrapped("", self)
        self._state.setObjectName("modelState")
        self._cancel = self._button("cancelModel", "Cancel", self._models.cancel)

    def _button(self, name: str, title: str, slot: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setObjectName(name)
        button.clicked.connect(lambda _=False: slot())
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 8)
        column.setSpacing(6)
        field = QVBoxLayout()
        field.setContentsMargins(10, 0, 10, 0)
        field.addWidget(self._search)
        column.addLayout(field)
        column.addWidget(self._pages, 1)
        below = QVBoxLayout()
        below.setContentsMargins(10, 2, 10, 0)
        below.setSpacing(6)
        for part in (self._name, self._facts, self._weights, self._add):
            below.addWidget(part)
        working = QHBoxLayout()
        working.addWidget(self._bar, 1)
        working.addWidget(self._cancel)
        below.addWidget(self._state)
        below.addLayout(working)
        below.addWidget(self._file)
        column.addLayout(below)

    def _model(self) -> Model | None:
        """Return the chosen network with the chosen weights."""
        found = self._tree.architecture
        if found is None:
            return None
        return Model(
            source=f"{found.importer}:{found.name}",
            published=self._weights.currentData() or "",
            title=found.name,
        )

    def _on_search(self, text: str) -> None:
        self._tree.narrow(text)
        self._show()

    def _on_chosen(self) -> None:
        found = self._tree.architecture
        self._weights.blockSignals(True)
        self._weights.clear()
        for weights in found.weights if found is not None else ():
            self._weights.addItem(weights_words(weights), weights.name)
        self._weights.addItem(RANDOM, "")
        here = [n for n, item in enumerate(found.weights) if item.is_here] if found else []
        self._weights.setCurrentIndex(here[0] if here else self._weights.count() - 1)
        self._weights.blockSignals(False)
        self._show()

    def _on_wanted(self) -> None:
        model = self._model()
        if model is not None and not self._models.is_busy:
            self.wanted.emit(model)

    def _on_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a network", "", FILTER)
        if name:
            self.open_file(name)

    def open_file(self, name: str) -> None:
        """Import a network, or weights whose network is known, from a file."""
        title = name.replace("\\", "/").rpartition("/")[2]
        self.wanted.emit(Model(source=name, title=title))

    def _show(self) -> None:
        models = self._models
        if models.models is not None and self._listed is not models.models:
            self._listed = models.models
            self._tree.show_models(models.models, models.missing)
        self._show_list()
        self._show_facts()
        busy = models.is_busy
        self._bar.setVisible(busy)
        self._cancel.setVisible(busy)
        self._file.setVisible(not busy)
        words = f"{models.doing} …" if busy else ""
        if not busy and models.error is not None:
            words = f"{models.error.message} {models.error.hint}".strip()
        self._state.setText(words)
        self._state.setVisible(bool(words))
        set_property(self._state, "severity", "error" if models.error and not busy else "")

    def _show_list(self) -> None:
        models = self._models
        if models.models is None:
            if models.error is not None:
                self._empty.show_text("The networks cannot be listed", models.error.message)
            self._pages.setCurrentWidget(self._empty)
        elif not models.models:
            hint = " ".join(models.missing.values()) or "Open a file instead."
            self._empty.show_text("No collection of networks is installed", hint)
            self._pages.setCurrentWidget(self._empty)
        elif not self._tree.count:
            self._empty.show_text("No network is called like that", "Try fewer letters, or a file.")
            self._pages.setCurrentWidget(self._empty)
        else:
            self._pages.setCurrentWidget(self._tree)

    def _show_facts(self) -> None:
        found = self._tree.architecture if self._listed is not None else None
        busy = self._models.is_busy
        for part in (self._name, self._facts, self._weights, self._add):
            part.setVisible(found is not None and not busy)
        if found is None:
            return
        chosen = next((w for w in found.weights if w.name == self._weights.currentData()), None)
        self._name.setText(found.name)
        self._name.setToolTip(found.name)
        self._facts.setText("\n".join(facts(found, chosen, self._models.missing)))
        can_come = found.is_possible and found.importer not in self._models.missing and not busy
        self._weights.setVisible(can_come)
        self._add.setVisible(can_come)


def facts(found: Architecture, weights: Published | None, missing: dict[str, str]) -> list[str]:
    """Return what is known of a network, in lines."""
    parameters = f"{short_count(found.parameters)} parameters" if found.parameters else ""
    lines = [" · ".join(part for part in (found.takes, parameters) if part)]
    if weights is not None:
        lines.append(" · ".join(weights.facts))
    if found.importer in missing:
        lines.append(missing[found.importer])
    elif found.is_block:
        lines.append(f"Comes as one block. {found.reason}".strip())
    elif found.covered is False:
        lines.append(f"Cannot be imported yet. {found.reason}".strip())
    elif found.covered:
        lines.append("Comes as layers to edit.")
    else:
        lines.append("Comes as layers, or as one block: that was not tried yet.")
    return lines


def weights_words(weights: Published) -> str:
    """Return the name of weights, and whether they are here."""
    return weights.name if weights.is_here else f"{weights.name} (download)"
