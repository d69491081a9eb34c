"""“Find learning rate” in the Training panel: the test's curve as it grows, and its suggestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from widgets.fields import set_property
from widgets.panels.column import wrapped
from widgets.panels.rate_plot import RatePlot
from widgets.texts import decimal
from workbench.session.rate_search import RateSearch

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.session import Session

TICK_MILLISECONDS = 40
ABOUT = (
    "Trains a copy for some steps with a rate that rises from tiny to huge, then anew with a few "
    "rates near the best. Neither the experiment nor its runs are touched."
)


class RateFinder(QWidget):
    """Small until it is asked; the process it asks lives as long as a test."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rateFinder")
        self._session = session
        self.search = RateSearch(session.document)
        self.search.changed.connect(self._show)
        self._find = self._button("findRate", "Find learning rate", self._on_find)
        self._find.setToolTip(ABOUT)
        self._cancel = self._button("cancelRate", "Cancel", self.search.cancel)
        self._use = self._button("useRate", "Use it", self._on_use)
        self._use.setProperty("primary", True)
        self._plot = RatePlot(theme, self)
        self._state = wrapped("", self)
        self._state.setObjectName("rateState")
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.search.tick)
        session.document.experiment_changed.connect(self._show)
        session.document.report_changed.connect(self._show)
        self.destroyed.connect(self.search.close)
        self._show()

    def _button(self, name: str, title: str, slot: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setObjectName(name)
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._plot)
        column.addWidget(self._state)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._find)
        row.addWidget(self._cancel)
        row.addStretch(1)
        row.addWidget(self._use)
        column.addLayout(row)

    def _on_find(self) -> None:
        self.search.start()

    def _on_use(self) -> None:
        self._session.attempt(self.search.use)

    def _show(self) -> None:
        search = self.search
        if search.is_busy != self._timer.isActive():
            if search.is_busy:
                self._timer.start(TICK_MILLISECONDS)
            else:
                self._timer.stop()
        found = search.suggestion
        rate = found.rate if found is not None else None
        self._plot.setVisible(bool(search.tested) or search.is_busy)
        self._plot.show_test(search.tested, rate, found.trials if found is not None else ())
        self._find.setVisible(not search.is_busy)
        self._find.setEnabled(not self._session.document.report.errors)
        self._find.setText("Find again" if search.tested or search.error else "Find learning rate")
        self._cancel.setVisible(search.is_busy)
        self._use.setVisible(rate is not None and not search.is_busy)
        present = self._session.document.experiment.training.optimizer.learning_rate
        self._use.setEnabled(rate != present)
        self._use.setText("In use" if rate == present else "Use it")
        self._say(rate)

    def _say(self, rate: float | None) -> None:
        search = self.search
        words = ""
        if search.is_busy:
            words = f"{search.doing} …"
        elif search.error is not None:
            words = f"{search.error.message} {search.error.hint}".strip()
        elif search.suggestion is not None:
            words = search.suggestion.words
            if rate is not None:
                words = f"Suggestion: {decimal(rate)}. {words}"
            if search.is_outdated:
                words += " The experiment has been changed since."
        elif search.tested:
            words = "Cancelled."
        self._state.setText(words)
        self._state.setVisible(bool(words))
        set_property(self._state, "severity", "error" if search.error is not None else "")
