"""The Predictions tab: how good the network is, what it confuses, and on which pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from widgets.correcting import correction_menu, may_correct
from widgets.monitor.answers import ORDERS, Answers, chosen
from widgets.monitor.choices import NO_RUN, SplitChoice, choice
from widgets.monitor.confusion import ConfusionView
from widgets.monitor.empty import EmptyState
from widgets.monitor.gallery import Gallery
from widgets.monitor.saved import saved_info
from widgets.monitor.scores import ScoresView
from widgets.texts import counted, grouped
from workbench.plugin_api.class_results import ClassResults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QShowEvent

    from widgets.inside.sample_dialog import SampleDialog
    from widgets.theme import Theme
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.folder import RunFolder
    from workbench.runs.results import Results
    from workbench.session import Session

Choice = TypeVar("Choice", bound=QComboBox)
NO_RESULTS = (
    "Nothing has been evaluated yet",
    "Predictions appear after the first epoch; those of the test split when training ends.",
)


class PredictionsPanel(QWidget):
    """Scores, confusion matrix and gallery of one split of the shown run."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("predictions")
        self.setAccessibleName("Predictions")
        self._session = session
        self._results: Results | None = None
        self._evaluation: Evaluation | None = None
        self._classes: tuple[str, ...] = ()
        self._classes_of: RunFolder | None = None
        self.scores = ScoresView()
        self.confusion = ConfusionView(theme)
        self.gallery = Gallery(theme)
        self._theme = theme
        self._dialog: SampleDialog | None = None
        self._answers: Answers | None = None
        self._make_choices()
        self._empty = EmptyState(theme, "picture", *NO_RUN)
        self._splitter = self._make_splitter()
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._splitter)
        self.confusion.cell_chosen.connect(self._on_cell_chosen)
        self.scores.class_chosen.connect(self._on_class_chosen)
        session.run.opened.connect(self._on_opened)
        session.run.updated.connect(self.refresh)
        self.gallery.opened.connect(self._on_sample_opened)
        self.gallery.customContextMenuRequested.connect(self._on_menu)
        session.document.experiment_changed.connect(self._show_corrections)
        self._show_corrections()

    @property
    def split(self) -> SplitName | None:
        """The split that is shown."""
        return self._split.split

    def refresh(self) -> None:
        """Show the newest evaluation; costs nothing unseen or when nothing is new."""
        if not self.isVisible():
            return
        if self._split.offer(self._session.run.state.evaluations):
            self._results = self._evaluation = None
        evaluation = self._session.run.state.evaluations.get(self.split or "")
        if evaluation is None:
            self._empty.show_text(*(NO_RESULTS if self._session.run.folder else NO_RUN))
            self._layout.setCurrentWidget(self._empty)
            return
        self._layout.setCurrentWidget(self._splitter)
        self._show(evaluation)

    def _show(self, evaluation: Evaluation) -> None:
        if evaluation is not self._evaluation:
            self._evaluation = evaluation
            self._learn_classes(len(evaluation.confusion))
            self.scores.show_scores(evaluation, self._classes)
            self.confusion.show_matrix(np.array(evaluation.confusion), self._classes)
        results = self._session.run.results(self.split)
        if results is not None and results is not self._results:
            self._results = results
            self._fill_gallery()

    def _fill_gallery(self) -> None:
        results, experiment = self._results, self._session.run.experiment
        rows = None if results is None else ClassResults.of(results.arrays)
        if results is None or rows is None or experiment is None:
            return
        true, answer = self._class_filter.currentData(), self._answer_filter.currentData()
        numbers = chosen(rows, self._order.currentData(), true, answer)
        split, data, thumbnails = self.split, experiment.data, self._session.data.thumbnails
        self._answers = Answers(rows, results.indices, numbers, self._classes)
        self.gallery.answers.show_answers(
            self._answers,
            lambda indices, done: thumbnails(split, indices, done, data=data),
        )
        self._count.setText(self._count_text(len(numbers), true, answer))

    def _count_text(self, count: int, true: int | None, answer: int | None) -> str:
        text = counted(count, "sample")
        if answer is not None and true is not None:
            text += f": {self._classes[true]} → {self._classes[answer]}"
        elif self._results is not None:
            text += f", step {grouped(self._results.step)}"
        return text

    def _learn_classes(self, count: int) -> None:
        """Read the class names that the run saved; numbers stand in for missing ones."""
        folder = self._session.run.folder
        if folder == self._classes_of and len(self._classes) == count:
            return
        self._classes_of = folder
        names = saved_classes(folder) if folder is not None else ()
        info = self._session.data.info
        if len(names) != count and info is not None:
            names = info.classes
        self._classes = names if len(names) == count else tuple(map(str, range(count)))
        for box, title in (
            (self._class_filter, "All classes"),
            (self._answer_filter, "Any answer"),
        ):
            box.blockSignals(True)
            box.clear()
            box.addItem(title, None)
            for number, name in enumerate(self._classes):
                box.addItem(name if box is self._class_filter else f"→ {name}", number)
            box.blockSignals(False)

    def _on_opened(self) -> None:
        self._results = self._evaluation = None
        self._classes_of = self._answers = None
        self.confusion.chosen = None
        self._show_corrections()
        self.refresh()

    def _on_split_changed(self) -> None:
        self._results = self._evaluation = None
        self.confusion.chosen = None
        self.refresh()

    def _on_cell_chosen(self, cell: tuple[int, int] | None) -> None:
        for place, box in enumerate((self._class_filter, self._answer_filter)):
            box.blockSignals(True)
            box.setCurrentIndex(0 if cell is None else cell[place] + 1)
            box.blockSignals(False)
        self._fill_gallery()

    def _on_class_chosen(self, number: int | None) -> None:
        self._class_filter.setCurrentIndex(0 if number is None else number + 1)

    def _on_filter_changed(self) -> None:
        """Mark the cell of a pair of classes in the matrix, too."""
        true, answer = self._class_filter.currentData(), self._answer_filter.currentData()
        both = true is not None and answer is not None
        self.confusion.chosen = (true, answer) if both else None
        self.confusion.update()
        self._fill_gallery()

    def _on_sample_opened(self, row: int) -> None:
        """Show a sample at large, with what it was taken for and why."""
        from widgets.inside.sample_dialog import SampleDialog

        if self._answers is None or self.split is None:
            return
        if self._dialog is None:
            self._dialog = SampleDialog(self._session, self._theme, self.window())
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.show_answers(self.split, self._answers, row)

    def _on_menu(self, place: QPoint) -> None:
        """Offer to correct the selected samples."""
        model = self.gallery.answers
        rows = self.gallery.selectionModel().selectedIndexes()
        numbers = [index.data(Qt.ItemDataRole.UserRole).index for index in rows]
        ids = [key for key in map(model.sample_id, numbers) if key]
        if ids and may_correct(self._session):
            menu = correction_menu(self._session.correcting, ids, self._classes, self)
            menu.popup(self.gallery.viewport().mapToGlobal(place))

    def _show_corrections(self) -> None:
        experiment, correcting = self._session.run.experiment, self._session.correcting
        fits = experiment is not None and correcting.fits(experiment.data)
        self.gallery.answers.show_corrections(correcting.in_words if fits else lambda _: "")

    def _make_choices(self) -> None:
        self._split = _fitted(SplitChoice())
        self._split.currentIndexChanged.connect(self._on_split_changed)
        self._order = _fitted(choice("order", "Order of the samples"))
        for order, title in ORDERS:
            self._order.addItem(title, order)
        self._order.currentIndexChanged.connect(self._fill_gallery)
        self._class_filter = _fitted(choice("class_filter", "True class of the samples"))
        self._class_filter.currentIndexChanged.connect(self._on_filter_changed)
        self._answer_filter = _fitted(choice("answer_filter", "What the samples were taken for"))
        self._answer_filter.currentIndexChanged.connect(self._on_filter_changed)
        for box in (self._class_filter, self._answer_filter):
            box.setMaximumWidth(150)
        self._count = QLabel()
        self._count.setObjectName("count")
        self._count.setProperty("soft", True)

    def _make_splitter(self) -> QSplitter:
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(_column((self._split, None), self.scores))
        splitter.addWidget(_column((), self.confusion))
        splitter.addWidget(
            _column(
                (self._order, self._class_filter, self._answer_filter, self._count, None),
                self.gallery,
            )
        )
        splitter.setSizes([330, 400, 560])
        splitter.setStretchFactor(2, 1)
        return splitter

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        self.refresh()


def saved_classes(folder: RunFolder) -> tuple[str, ...]:
    """Return the class names a run was trained with; none when its file cannot be read."""
    return saved_info(folder).classes


def _offer(box: QComboBox, everything: str, classes: Sequence[str]) -> None:
    box.blockSignals(True)
    box.clear()
    box.addItem(everything, None)
    for number, name in enumerate(classes):
        box.addItem(name, number)
    box.blockSignals(False)


def _fitted(made: Choice) -> Choice:
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return made


def _column(tools: tuple[QWidget | None, ...], body: QWidget) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(10, 6, 10, 6)
    layout.setSpacing(6)
    if tools:
        bar = QHBoxLayout()
        for tool in tools:
            if tool is None:
                bar.addStretch(1)
            else:
                bar.addWidget(tool)
        layout.addLayout(bar)
    layout.addWidget(body, 1)
    return column
