"""Results of tasks that say several things of a sample: tags of words, or classes that hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QWidget,
)

from widgets.correcting import offer_classes
from widgets.monitor.answer_rows import LabelledRows, TaggedRows
from widgets.monitor.choices import NO_RUN, SPLITS, choice
from widgets.monitor.confusion import ConfusionView
from widgets.monitor.empty import EmptyState
from widgets.monitor.results import NO_RESULTS
from widgets.monitor.saved import saved_info
from widgets.monitor.scores import ScoresView
from widgets.monitor.side_by_side import side_by_side
from widgets.monitor.written_samples import WrittenSamples
from widgets.texts import counted
from workbench.errors import UserError
from workbench.plugin_api.label_results import LabelResults
from workbench.plugin_api.tag_results import TagResults
from workbench.plugin_api.targets import read_target

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QMenu

    from widgets.monitor.answer_rows import New, Rows
    from widgets.monitor.sample_texts import SampleText
    from widgets.theme import Theme
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.results import Results
    from workbench.session import Session

PAGE = 40
"""Samples that are fetched and written out at a time."""


class SentencesPanel(QWidget):
    """Scores, the confusion of steps where there is one, and samples with what was said of them."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sentences")
        self.setAccessibleName("Answers")
        self._session, self._theme = session, theme
        self._evaluation: Evaluation | None = None
        self._results: Results | None = None
        self._classes: tuple[str, ...] = ()
        self._rows: Rows | None = None
        self._order = np.empty(0, np.int64)
        self._shown = 0
        self._places: dict[int, int] = {}
        self.scores = ScoresView()
        self.confusion = ConfusionView(theme)
        self._make_list()
        self._lay_out()
        session.run.opened.connect(self._begin_anew)
        session.run.updated.connect(self.refresh)

    @property
    def split(self) -> SplitName:
        """The split that is shown."""
        found: SplitName = self._split.currentData()
        return found

    def refresh(self) -> None:
        """Show the newest evaluation; costs nothing unseen or when nothing is new."""
        if not self.isVisible():
            return
        known = self._session.run.state.evaluations
        if self.split not in known and known:
            self._split.setCurrentIndex(1 - self._split.currentIndex())
        evaluation = known.get(self.split)
        if evaluation is None:
            self._empty.show_text(*(NO_RESULTS if self._session.run.folder else NO_RUN))
            self._layout.setCurrentWidget(self._empty)
            return
        self._layout.setCurrentWidget(self._splitter)
        if evaluation is not self._evaluation:
            self._evaluation = evaluation
            self._show_scores(evaluation)
        results = self._session.run.results(self.split)
        if results is not None and results is not self._results:
            self._results = results
            self._show_rows(results)

    def _show_scores(self, evaluation: Evaluation) -> None:
        folder = self._session.run.folder
        self._classes = saved_info(folder).classes if folder is not None else ()
        count = max((len(each) for each in evaluation.per_class.values()), default=0)
        if len(self._classes) != count:
            self._classes = tuple(map(str, range(count)))
        self.scores.show_scores(evaluation, self._classes)
        self._middle.setVisible(bool(evaluation.confusion))
        if evaluation.confusion:
            self.confusion.show_matrix(np.array(evaluation.confusion), self._classes)

    def _show_rows(self, results: Results) -> None:
        tags, labels = TagResults.of(results.arrays), LabelResults.of(results.arrays)
        self._rows = None
        if tags is not None:
            self._rows = TaggedRows(tags, self._classes)
        elif labels is not None:
            self._rows = LabelledRows(labels, self._classes)
        self._order = np.empty(0, np.int64) if self._rows is None else self._rows.worst_first()
        self.list.begin(results)
        self._shown = 0
        self._count.setText(
            f"{counted(len(self._order), 'sample')}, those with most mistakes first"
        )
        self._more_rows()

    def _more_rows(self) -> None:
        rows = self._order[self._shown : self._shown + PAGE].tolist()
        self._shown += len(rows)
        self._places = {row: n + 1 for n, row in enumerate(self._order[: self._shown].tolist())}
        self.list.show_rows(list(self._places))
        self._more.setVisible(self._shown < len(self._order))
        self.list.texts.fetch(self.split, rows)

    def _written(self, row: int, known: SampleText, new: New) -> str:
        if self._rows is None:
            return ""
        soft = self._theme.colors.text_faint
        number = f'<span style="color:{soft}">{self._places[row]}</span>&nbsp; '
        return number + self._rows.written(row, known, self._theme, new)

    def _offer_tags(self, menu: QMenu, row: int, step: int) -> None:
        """Let a word have another tag, where its place in the sample's tags is known."""
        info, known, rows = self._session.data.info, self.list.texts[row], self._rows
        if not isinstance(rows, TaggedRows) or info is None or info.classes != self._classes:
            return
        try:
            target = np.asarray(read_target(known.label, info))
        except UserError:
            return  # the data have other classes by now
        at, new = rows.place(row, step, target), self.list.new_target(row)
        if at is None:
            return
        words = known.text.split()
        word = words[step] if step < len(words) else f"step {step + 1}"
        now = target if new is None or new.shape != target.shape else new
        action = offer_classes(
            menu,
            f"“{word}” is".replace("&", "&&"),
            info.classes,
            info.classes[int(now[at])],
            lambda name: self._session.correcting.retag(known.sample_id, now, at, name, info),
        )
        menu.insertAction(menu.actions()[0], action)

    def _begin_anew(self) -> None:
        self._evaluation = self._results = self._rows = None
        self.list.begin(None)
        self.refresh()

    def _make_list(self) -> None:
        self._split = choice("sentences_split", "Split")
        for name, title in SPLITS:
            self._split.addItem(title, name)
        self._split.currentIndexChanged.connect(self._begin_anew)
        self._count = QLabel()
        self._count.setProperty("soft", True)
        self.list = WrittenSamples(self._session, self._theme, self._written, self._offer_tags)
        self.list.setObjectName("sentences_list")
        self.list.setAccessibleName("Samples with what was said of them")
        self.list.document().setDocumentMargin(12)
        self._more = QPushButton("Show more")
        self._more.setObjectName("sentences_more")
        self._more.clicked.connect(self._more_rows)

    def _lay_out(self) -> None:
        self._empty = EmptyState(self._theme, "picture", *NO_RUN)
        bar, above = QHBoxLayout(), QHBoxLayout()
        bar.addWidget(self._split)
        bar.addStretch(1)
        above.addWidget(self._count)
        above.addStretch(1)
        above.addWidget(self._more)
        columns = ((bar, self.scores), (self.confusion,), (above, self.list))
        self._splitter = side_by_side(columns, (330, 380, 580))
        self._middle = self._splitter.widget(1)
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._splitter)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        self.refresh()
