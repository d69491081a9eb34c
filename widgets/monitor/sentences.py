"""Results of tasks that say several things of a sample: tags of words, or classes that hold."""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QTextBrowser,
    QWidget,
)

from widgets.monitor.choices import NO_RUN, SPLITS, choice
from widgets.monitor.confusion import ConfusionView
from widgets.monitor.empty import EmptyState
from widgets.monitor.results import NO_RESULTS
from widgets.monitor.sample_texts import SampleTexts
from widgets.monitor.saved import saved_info
from widgets.monitor.scores import ScoresView
from widgets.monitor.side_by_side import side_by_side
from widgets.texts import counted, percent
from widgets.tints import tint
from workbench.plugin_api.label_results import LabelResults
from workbench.plugin_api.tag_results import TagResults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.results import Results
    from workbench.session import Session

PAGE = 40
"""Samples that are fetched and written out at a time."""


class Rows(Protocol):
    """What was said of the samples of a split."""

    def worst_first(self) -> NDArray[np.int64]:
        """Return the rows, those with most mistakes first."""
        ...

    def written(self, row: int, text: str, theme: Theme) -> str:
        """Return a sample with what was said of it, as HTML."""
        ...


class TaggedRows:
    """Words with their tags; wrong ones show both."""

    def __init__(self, results: TagResults, classes: Sequence[str]) -> None:
        self._results = results
        self._classes = classes
        self._wrong = results.true_tags != results.predicted_tags

    def worst_first(self) -> NDArray[np.int64]:
        """Return the rows, those with most wrong tags first."""
        total = np.concatenate(([0], np.cumsum(self._wrong)))
        ends = self._results.ends
        starts = np.concatenate(([0], ends[:-1]))
        return np.argsort(total[starts] - total[ends], kind="stable")

    def written(self, row: int, text: str, theme: Theme) -> str:
        """Return each word with its tag, in the colour of its class; of a series two strips."""
        steps = self._results.steps(row)
        true, said = self._results.true_tags[steps], self._results.predicted_tags[steps]
        if not text:
            return self._strip("true", true, theme) + self._strip("said", said, theme)
        words = text.split()[: len(true)]
        words += [str(number + 1) for number in range(len(words), len(true))]
        return " ".join(
            self._word(word, int(wanted), int(answer), theme)
            for word, wanted, answer in zip(words, true, said, strict=True)
        )

    def _strip(self, title: str, tags: NDArray[np.int16], theme: Theme) -> str:
        """Return the steps of each class as a piece of a coloured strip."""
        begins = [0, *(np.flatnonzero(np.diff(tags)) + 1).tolist()]
        cells = []
        for begin, end in itertools.pairwise([*begins, len(tags)]):
            name = self._classes[int(tags[begin])] if end > begin else ""
            share = 90 * (end - begin) / max(len(tags), 1)
            cells.append(
                f'<td width="{share:.1f}%" bgcolor="{tint(name)}"><span style="color:#ffffff">'
                f"&nbsp;{escape(name) if share > 8 else ''}</span></td>"
            )
        soft = theme.colors.text_soft
        head = f'<td width="10%"><span style="color:{soft}">{title}</span></td>'
        return f'<table width="100%" cellspacing="0"><tr>{head}{"".join(cells)}</tr></table>'

    def _word(self, word: str, wanted: int, answer: int, theme: Theme) -> str:
        colors, name = theme.colors, escape(self._classes[answer])
        if answer == wanted:
            if self._classes[answer] == "O":
                return escape(word)
            color = tint(self._classes[answer], colors.field)
            return f'<b>{escape(word)}</b><span style="color:{color}">&nbsp;{name}</span>'
        true = escape(self._classes[wanted])
        return (
            f'<b style="color:{colors.error}">{escape(word)}</b>'
            f'<span style="color:{colors.error}">&nbsp;<s>{name}</s>&nbsp;{true}</span>'
        )


class LabelledRows:
    """Texts with the probability of each class that holds or is said to."""

    def __init__(self, results: LabelResults, classes: Sequence[str]) -> None:
        self._shares = results.label_probabilities.astype(np.float32)
        self._true = results.label_targets > 0
        self._classes = classes

    def worst_first(self) -> NDArray[np.int64]:
        """Return the rows, those whose classes were least expected first."""
        shares = np.where(self._true, self._shares, 1 - self._shares).clip(min=1e-4)
        return np.argsort(np.log(shares).sum(axis=1), kind="stable")

    def written(self, row: int, text: str, theme: Theme) -> str:
        """Return the text, and below it its classes with probabilities."""
        shares, true = self._shares[row], self._true[row]
        order = [n for n in np.argsort(-shares).tolist() if true[n] or shares[n] >= 0.1]
        labels = (self._label(n, float(shares[n]), bool(true[n]), theme) for n in order)
        soft = theme.colors.text_soft
        listed = " &nbsp; ".join(labels) or f'<span style="color:{soft}">no class</span>'
        return f"{escape(text[:400])}<br>{listed}"

    def _label(self, number: int, share: float, holds: bool, theme: Theme) -> str:
        colors, name = theme.colors, escape(self._classes[number])
        color = colors.success if holds else colors.text_soft
        mark = "✓ " if holds else ""
        return f'<span style="color:{color}">{mark}{name}&nbsp;{percent(share)}</span>'


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
        self._texts = SampleTexts(session, self._write)
        self.scores = ScoresView()
        self.confusion = ConfusionView(theme)
        self._make_list()
        self._lay_out()
        session.run.opened.connect(self._begin_anew)
        session.run.updated.connect(self.refresh)
        theme.changed.connect(self._write)

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
        self._texts.begin(results)
        self._shown = 0
        self._count.setText(
            f"{counted(len(self._order), 'sample')}, those with most mistakes first"
        )
        self._more_rows()

    def _more_rows(self) -> None:
        rows = self._order[self._shown : self._shown + PAGE].tolist()
        self._shown += len(rows)
        self._write()
        self._texts.fetch(self.split, rows)

    def _write(self) -> None:
        if self._rows is None:
            return
        place = self.list.verticalScrollBar().value()
        soft = self._theme.colors.text_faint
        parts = [
            f'<p style="margin:0 0 10px 0; line-height:135%">'
            f'<span style="color:{soft}">{number + 1}</span>&nbsp; '
            f"{self._rows.written(row, self._texts[row].text, self._theme)}</p>"
            for number, row in enumerate(self._order[: self._shown].tolist())
        ]
        self.list.setHtml("".join(parts))
        self.list.verticalScrollBar().setValue(place)
        self._more.setVisible(self._shown < len(self._order))

    def _begin_anew(self) -> None:
        self._evaluation = self._results = self._rows = None
        self._texts.begin(None)
        self.refresh()

    def _make_list(self) -> None:
        self._split = choice("sentences_split", "Split")
        for name, title in SPLITS:
            self._split.addItem(title, name)
        self._split.currentIndexChanged.connect(self._begin_anew)
        self._count = QLabel()
        self._count.setProperty("soft", True)
        self.list = QTextBrowser()
        self.list.setObjectName("sentences_list")
        self.list.setAccessibleName("Samples with what was said of them")
        self.list.setOpenLinks(False)
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
