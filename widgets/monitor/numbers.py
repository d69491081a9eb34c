"""The Answers tab of networks for numbers: predicted over true ones, errors, samples."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QStackedLayout,
    QWidget,
)

from widgets.monitor.choices import NO_RUN, SplitChoice, choice
from widgets.monitor.empty import EmptyState
from widgets.monitor.forecast_scores import ForecastScores, ResidualBars
from widgets.monitor.number_scatter import NumberScatter
from widgets.monitor.results import NO_RESULTS
from widgets.monitor.saved import saved_info
from widgets.monitor.side_by_side import side_by_side
from widgets.monitor.written_samples import WrittenSamples
from widgets.texts import counted
from workbench.plugin_api.number_results import NumberResults

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from widgets.monitor.sample_texts import SampleText
    from widgets.theme import Theme
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.results import Results
    from workbench.session import Session

LISTED = 60
"""Samples that are written out, those with the largest errors first."""
LONGEST = 300


class NumbersPanel(QWidget):
    """Scores beside simple answers, the scatter with its errors, and the worst samples."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("numbers")
        self.setAccessibleName("Answers")
        self._session, self._theme = session, theme
        self._evaluation: Evaluation | None = None
        self._results: Results | None = None
        self._numbers: NumberResults | None = None
        self._quantities: tuple[str, ...] = ()
        self._order = np.empty(0, np.int64)
        self.scores = ForecastScores(theme, _headline)
        self.scatter = NumberScatter(theme)
        self.bars = ResidualBars(theme, "prediction")
        self.list = WrittenSamples(session, theme, self._written)
        self._empty = EmptyState(theme, "picture", *NO_RUN)
        self._make_choices()
        self._lay_out()
        self._connect()

    def refresh(self) -> None:
        """Show the newest evaluation; costs nothing unseen or when nothing is new."""
        if not self.isVisible():
            return
        known = self._session.run.state.evaluations
        if self._split.offer(known):
            self._evaluation = self._results = None
        evaluation = known.get(self._split.split or "")
        if evaluation is None:
            self._empty.show_text(*(NO_RESULTS if self._session.run.folder else NO_RUN))
            self._layout.setCurrentWidget(self._empty)
            return
        self._layout.setCurrentWidget(self._splitter)
        if evaluation is not self._evaluation:
            self._evaluation = evaluation
            self.scores.show_scores(evaluation)
        results = self._session.run.results(self._split.split)
        if results is not None and results is not self._results:
            self._results = results
            self.list.begin(results)
            self._numbers = NumberResults.of(results.arrays)
            self._learn_quantities()
            self._show_quantity()

    def _learn_quantities(self) -> None:
        folder, numbers = self._session.run.folder, self._numbers
        if folder is None or numbers is None:
            return
        count = numbers.true_numbers.shape[1]
        names = saved_info(folder).quantities
        self._quantities = names if len(names) == count else tuple(map(str, range(1, count + 1)))
        if [self._quantity.itemText(n) for n in range(self._quantity.count())] != list(
            self._quantities
        ):
            self._quantity.blockSignals(True)
            self._quantity.clear()
            self._quantity.addItems(self._quantities)
            self._quantity.blockSignals(False)
        self._quantity.setVisible(count > 1)

    def _show_quantity(self) -> None:
        if self._numbers is None or self._results is None:
            return
        at = max(self._quantity.currentIndex(), 0)
        true, said = self._numbers.true_numbers[:, at], self._numbers.predicted_numbers[:, at]
        self.scatter.show_numbers(true, said, self._quantities[at])
        errors = true.astype(np.float64) - said
        self.bars.show_residuals(errors)
        self._order = np.argsort(-np.abs(np.nan_to_num(errors)), kind="stable")
        self._count.setText(f"{counted(len(true), 'sample')}, those with the largest errors first")
        self._show_list()
        self.list.texts.fetch(self._split.split, self._order[:LISTED].tolist())

    def _show_list(self, first: int | None = None) -> None:
        """List the samples; one that was pointed at or clicked comes first."""
        rows = self._order[:LISTED].tolist()
        self.list.show_rows(rows if first is None else [first, *(r for r in rows if r != first)])

    def _written(self, row: int, known: SampleText, new: object) -> str:
        if self._numbers is None:
            return ""
        at, colors = max(self._quantity.currentIndex(), 0), self._theme.colors
        true = float(self._numbers.true_numbers[row, at])
        said = float(self._numbers.predicted_numbers[row, at])
        text = escape(known.text[:LONGEST] or known.name)
        return (
            f"<b>{said:.4g}</b> "
            f'<span style="color:{colors.text_soft}">true {true:.4g}, '
            f"error {true - said:+.3g}</span><br>{text}"
        )

    def _on_chosen(self, row: int) -> None:
        self.list.texts.fetch(self._split.split, [row])
        self._show_list(row)

    def _on_pointed(self, row: int | None) -> None:
        """Read out what is under the mouse."""
        if self._numbers is None or row is None:
            self._told.setText("")
            return
        at = max(self._quantity.currentIndex(), 0)
        true, said = self._numbers.true_numbers[row, at], self._numbers.predicted_numbers[row, at]
        self._told.setText(f"predicted {said:.5g}, true {true:.5g}")

    def _begin_anew(self) -> None:
        self._evaluation = self._results = self._numbers = None
        self.list.begin(None)
        self.refresh()

    def _connect(self) -> None:
        self._split.currentIndexChanged.connect(self._begin_anew)
        self._quantity.currentIndexChanged.connect(self._show_quantity)
        self.scatter.pointed.connect(self._on_pointed)
        self.scatter.chosen.connect(self._on_chosen)
        self._session.run.opened.connect(self._begin_anew)
        self._session.run.updated.connect(self.refresh)

    def _make_choices(self) -> None:
        self._split = SplitChoice()
        self._quantity = choice("quantity", "Quantity")
        self._told, self._count = QLabel(), QLabel()
        self._told.setObjectName("pointedNumbers")
        for label in (self._told, self._count):
            label.setProperty("soft", True)
        self.list.setObjectName("numbers_list")
        self.list.setAccessibleName("Samples with predicted and true numbers")
        self.list.document().setDocumentMargin(10)

    def _lay_out(self) -> None:
        bar, beside, above = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for row, tools in ((bar, (self._split, self._quantity)), (beside, (self._told,))):
            for tool in tools:
                row.addWidget(tool)
            row.addStretch(1)
        above.addWidget(self._count)
        columns = ((bar, self.scores, self.bars), (beside, self.scatter), (above, self.list))
        self._splitter = side_by_side(columns, (360, 420, 420))
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._splitter)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        self.refresh()


def _headline(evaluation: Evaluation) -> str:
    """Return "R² 0.86, of a linear model 0.54"."""
    own = evaluation.metrics.get("r2")
    others = (f"of a {n} {m['r2']:.2f}" for n, m in evaluation.baselines.items() if "linear" in n)
    return ", ".join([f"R² {own:.2f}", *others]) if own is not None else ""
