"""The embedding projector: how tokens, or samples inside the network, lie to each other."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.inside.scatter import Scatter
from widgets.monitor.empty import EmptyState
from widgets.texts import counted, grouped, percent

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session

METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
UMAP_LINE = "pip install umap-learn"
NOTHING = (
    "Nothing projected yet",
    "Choose a layer and press Project: an Embedding shows its tokens, any other layer what it "
    "makes of the validation samples. Points that lie together are alike to the network.",
)

WORKING = (
    "Projecting…",
    "This goes on outside the window; t-SNE of ten thousand points takes a minute or two.",
)


class ProjectorView(QWidget):
    """What is projected above, the plane below, and the neighbours of a point beside it."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("projector")
        self.setAccessibleName("Embedding projector")
        self._session = session
        self._projection = session.projection
        self._shown: object = None
        self.scatter = Scatter(theme)
        self.scatter.chosen.connect(self._on_chosen)
        self._empty = EmptyState(theme, "layers", *NOTHING)
        self._make_tools()
        self._make_neighbours()
        self._lay_out()
        self._projection.changed.connect(self.refresh)
        session.run.opened.connect(self._on_opened)

    def refresh(self) -> None:
        """Show how far the projection is, or what came of it."""
        projection = self._projection
        progress = projection.progress
        self._start.setVisible(progress is None)
        self._cancel.setVisible(progress is not None)
        self._bar.setVisible(progress is not None)
        if progress is not None:
            known = progress.share >= 0
            self._bar.setRange(0, 100 if known else 0)
            self._bar.setValue(round(100 * progress.share) if known else 0)
            self._note.setText(f"{progress.doing}…")
        found = projection.projected
        if found is not self._shown:
            self._shown = found
            self._show_projected()
        elif progress is None and found is None:
            self._note.setText("")
        self._show_neighbours()
        self._empty.show_text(*(NOTHING if progress is None else WORKING))
        self._stack.setCurrentWidget(self._empty if found is None else self._body)

    def _show_projected(self) -> None:
        found = self._projection.projected
        self._search.clear()
        self._search.setEnabled(found is not None)
        if found is None:
            return
        points = found.points.unpack()
        self.scatter.show_points(points, found.labels, found.targets, found.classes)
        noun = "token" if self._projection.asked and self._projection.asked.tokens else "sample"
        text = counted(len(points), noun)
        if found.total > len(points):
            text = f"the first {text} of {grouped(found.total)}"
        if found.kept:
            text += f" · {percent(found.kept, 0)} of the variance"
        self._note.setText(text)

    def _show_neighbours(self) -> None:
        found, projected = self._projection.neighbours, self._projection.projected
        selected = self.scatter.selected
        self._list.clear()
        if found is None or projected is None or selected != found.index:
            self._title.setText("Nearest neighbours")
            self._hint.setVisible(selected is None)
            return
        self._hint.hide()
        self._title.setText(f"Nearest to “{_short(projected.labels[found.index])}”")
        for index, similarity in zip(found.indices, found.similarities, strict=True):
            item = QListWidgetItem(f"{similarity:.3f}   {projected.labels[index]}")
            item.setData(Qt.ItemDataRole.UserRole, index)
            item.setToolTip(self.scatter.describe(index))
            self._list.addItem(item)
        self.scatter.select(found.index, found.indices)

    def _on_chosen(self, index: int | None) -> None:
        self.scatter.select(index)
        self._show_neighbours()
        if index is not None:
            self._projection.find_neighbours(index)

    def _on_search(self, text: str) -> None:
        found = self._projection.projected
        wanted = text.strip().casefold()
        if found is None or not wanted:
            self.scatter.highlight(None)
            return
        labels = [label.casefold() for label in found.labels]
        exact = [n for n, label in enumerate(labels) if label == wanted]
        others = [n for n, label in enumerate(labels) if wanted in label and label != wanted]
        self.scatter.highlight(np.array(exact + others, np.int64))

    def _on_start(self) -> None:
        chosen = self._layers.currentData()
        if chosen is not None:
            node, tokens = chosen
            self._projection.start(node, tokens=tokens, method=self._method.currentData())

    def _on_opened(self) -> None:
        """Offer the tables of tokens, then every layer."""
        experiment, kinds = self._session.run.experiment, self._session.catalog.layers
        self._layers.clear()
        for node in experiment.graph.order() if experiment is not None else ():
            if node.type in kinds and kinds[node.type].takes == "tokens":
                self._layers.addItem(f"{node.id} · tokens", (node.id, True))
        for node in experiment.graph.order() if experiment is not None else ():
            if node.type != "Input":
                self._layers.addItem(f"{node.id} · samples", (node.id, False))
        self._start.setEnabled(self._layers.count() > 0)
        self.refresh()

    def _make_tools(self) -> None:
        self._layers = QComboBox()
        self._layers.setObjectName("projected_layer")
        self._layers.setAccessibleName("What is projected")
        self._layers.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._method = QComboBox()
        self._method.setObjectName("projection_method")
        self._method.setAccessibleName("Method")
        for key, title in METHODS.items():
            self._method.addItem(title, key)
        if find_spec("umap") is None:
            model = self._method.model()
            assert isinstance(model, QStandardItemModel)
            item = model.item(self._method.findData("umap"))
            item.setEnabled(False)
            item.setText(f"UMAP ({UMAP_LINE})")
            item.setToolTip(f"Not installed: {UMAP_LINE}")
        self._start = QPushButton("Project")
        self._start.setObjectName("project")
        self._start.setProperty("primary", True)
        self._start.clicked.connect(self._on_start)
        self._cancel = QPushButton("Cancel")
        self._cancel.setObjectName("cancel_projection")
        self._cancel.clicked.connect(self._projection.cancel)
        self._bar = QProgressBar()
        self._bar.setObjectName("projection_progress")
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(120)
        self._note = QLabel()
        self._note.setObjectName("projection_note")
        self._note.setProperty("soft", True)
        self._search = QLineEdit()
        self._search.setObjectName("projection_search")
        self._search.setAccessibleName("Search the points")
        self._search.setPlaceholderText("Search")
        self._search.setClearButtonEnabled(True)
        self._search.setMaximumWidth(220)
        self._search.setEnabled(False)
        self._search.textChanged.connect(self._on_search)

    def _make_neighbours(self) -> None:
        self._title = QLabel("Nearest neighbours")
        self._title.setProperty("heading", True)
        self._hint = QLabel("Click a point: what is most alike to it, by cosine, is listed here.")
        self._hint.setProperty("soft", True)
        self._hint.setWordWrap(True)
        self._list = QListWidget()
        self._list.setObjectName("neighbours")
        self._list.setAccessibleName("Nearest neighbours")
        self._list.itemActivated.connect(
            lambda item: self._on_chosen(item.data(Qt.ItemDataRole.UserRole))
        )

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        for widget in (self._layers, self._method, self._start, self._cancel, self._bar):
            head.addWidget(widget)
        head.addWidget(self._note)
        head.addStretch(1)
        head.addWidget(self._search)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(10, 0, 0, 0)
        for widget in (self._title, self._hint):
            column.addWidget(widget)
        column.addWidget(self._list, 1)
        self._body = QSplitter(Qt.Orientation.Horizontal)
        self._body.setHandleWidth(1)
        self._body.setChildrenCollapsible(False)
        self._body.addWidget(self.scatter)
        self._body.addWidget(side)
        self._body.setStretchFactor(0, 1)
        self._body.setSizes([760, 240])
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """Offer what there is to project."""
        super().showEvent(event)
        if not self._layers.count():
            self._on_opened()
        self.refresh()


def _short(label: str) -> str:
    return label if len(label) <= 24 else f"{label[:24]}…"
