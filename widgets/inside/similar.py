"""The training samples that a layer finds most alike to a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.correcting import correction_menu
from widgets.monitor.gallery import pixmap_of
from widgets.search_choice import SearchChoice
from widgets.texts import grouped
from workbench.session.watching import layers_of

if TYPE_CHECKING:
    from workbench.document.experiment import Data
    from workbench.inspecting.network import Sample
    from workbench.session import Session
    from workbench.session.data import Thumbnail

ID_ROLE = Qt.ItemDataRole.UserRole + 1
ENDS = ("Input", "Output")
PICTURE, CELL = 64, QSize(71, 106)
HINT = "What the network holds most alike to this sample, by the cosine between a layer's outputs."


class SimilarView(QWidget):
    """A layer to choose, and a row of samples with their classes and distances."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("similar")
        self.setAccessibleName("Similar training samples")
        self._session = session
        self._similarity = session.similarity
        self._sample: Sample | None = None
        self._shown: object = None
        self._make_tools()
        self._list = QListWidget()
        self._list.setObjectName("similar_samples")
        self._list.setAccessibleName("Similar training samples")
        self._list.setViewMode(QListView.ViewMode.IconMode)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setMovement(QListView.Movement.Static)
        self._list.setIconSize(QSize(PICTURE, PICTURE))
        self._list.setGridSize(CELL)
        self._list.setMinimumHeight(CELL.height() + 6)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._on_menu)
        self._lay_out()
        self._similarity.changed.connect(self.refresh)
        session.run.opened.connect(self._on_opened)
        self._on_opened()

    def show_sample(self, sample: Sample | None) -> None:
        """Look for what is alike to another sample, as soon as a person asks."""
        if sample != self._sample:
            self._sample = sample
            self.refresh()

    def refresh(self) -> None:
        """Show how far the search is, or what it found."""
        similarity = self._similarity
        is_own = self._sample is not None and similarity.sample == self._sample
        progress = similarity.progress if is_own else None
        self._find.setVisible(progress is None)
        self._find.setEnabled(self._sample is not None and self._layer.count() > 0)
        self._cancel.setVisible(progress is not None)
        self._bar.setVisible(progress is not None)
        if progress is not None:
            known = progress.share >= 0
            self._bar.setRange(0, 100 if known else 0)
            self._bar.setValue(round(100 * progress.share) if known else 0)
        found = similarity.found if is_own else None
        error = similarity.error if is_own else None
        if found is not self._shown:
            self._shown = found
            self._fill()
        if progress is not None:
            self._note.setText(f"{progress.doing}…")
        elif error is not None:
            self._note.setText(f"{error.message} {error.hint}".strip())
        elif found is not None:
            self._note.setText(f"of {grouped(found.total)} training samples; 0 is the same")
        else:
            self._note.setText(HINT)

    def _fill(self) -> None:
        self._list.clear()
        found, data = self._similarity.found, self._run_data
        if self._shown is None or found is None:
            return
        for place, distance in enumerate(found.distances):
            label = self._class_name(found.targets[place]) if found.targets else ""
            item = QListWidgetItem(f"{label}\n{distance:.3f}" if label else f"{distance:.3f}")
            item.setToolTip(f"{found.names[place]}\n{label}\nDistance {distance:.4f}")
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._list.addItem(item)
        shown = self._shown
        self._session.data.thumbnails(
            "train",
            found.indices,
            lambda thumbnails: self._on_pictures(shown, thumbnails),
            data=data,
            size=PICTURE,
        )

    def _on_pictures(self, shown: object, thumbnails: list[Thumbnail]) -> None:
        found = self._similarity.found
        if shown is not self._shown or found is None:
            return
        places = {index: place for place, index in enumerate(found.indices)}
        for thumbnail in thumbnails:
            item = self._list.item(places[thumbnail.index])
            item.setIcon(QIcon(pixmap_of(thumbnail)))
            item.setData(ID_ROLE, thumbnail.sample_id)
            if thumbnail.text:
                item.setToolTip(f"{thumbnail.text}\n\n{item.toolTip()}")

    def _class_name(self, number: int) -> str:
        classes = self._classes
        return classes[number] if 0 <= number < len(classes) else str(number)

    @property
    def _classes(self) -> tuple[str, ...]:
        loaded = self._session.examination.loaded or self._session.trial.loaded
        return loaded.classes if loaded is not None else ()

    @property
    def _run_data(self) -> Data | None:
        experiment = self._session.run.experiment
        return experiment.data if experiment is not None else None

    def _on_find(self) -> None:
        if self._sample is not None and self._layer.value is not None:
            self._similarity.find(self._sample, str(self._layer.value))

    def _on_menu(self, place: QPoint) -> None:
        item = self._list.itemAt(place)
        sample_id = item.data(ID_ROLE) if item is not None else ""
        if sample_id and self._session.correcting.fits(self._run_data):
            menu = correction_menu(self._session.correcting, [sample_id], self._classes, self)
            menu.popup(self._list.viewport().mapToGlobal(place))

    def _on_opened(self) -> None:
        """Offer the layers; the one before the last tells samples apart best."""
        experiment = self._session.run.experiment
        ends = {n.id for n in experiment.graph.nodes if n.type in ENDS} if experiment else set()
        names = layers_of(experiment, self._session.catalog) if experiment is not None else ()
        names = tuple(name for name in names if name not in ends)
        order = [n.id for n in experiment.graph.order() if n.id not in ends] if experiment else []
        usual = order[-2] if len(order) > 1 else (order[0] if order else None)
        self._layer.offer([(name, name) for name in names], usual)
        self._sample = None
        self.refresh()

    def _make_tools(self) -> None:
        self._layer = SearchChoice("similar_layer", "Layer whose outputs are compared")
        self._layer.setMinimumWidth(120)
        self._find = QPushButton("Find similar")
        self._find.setObjectName("find_similar")
        self._find.clicked.connect(self._on_find)
        self._cancel = QPushButton("Cancel")
        self._cancel.setObjectName("cancel_similar")
        self._cancel.clicked.connect(self._similarity.cancel)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(90)
        self._note = QLabel()
        self._note.setObjectName("similar_note")
        self._note.setProperty("soft", True)
        self._note.setWordWrap(True)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self._layer, self._find, self._cancel, self._bar):
            row.addWidget(widget)
        row.addWidget(self._note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._list, 1)
