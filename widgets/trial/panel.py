"""The Try it tab: a typed text or a file, answered by the shown run's network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.inside.similar import SimilarView
from widgets.monitor.empty import EmptyState
from widgets.texts import grouped
from widgets.trial.bars import ProbabilityBars
from widgets.trial.evidence import Evidence
from widgets.trial.said import Said
from widgets.trial.sample_choice import SampleChoice
from workbench.inspecting.network import GivenFile, TypedText

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session

NO_RUN = (
    "No run is shown yet",
    "Press Train (F5), or open a run from the Runs tab; then try its network on samples of your "
    "own here.",
)
TYPED = {
    "texts": "Type a sentence…",
    "tables": "Type values: age 59, bmi 32.1 …",
    "timelines": "Paste a table with its line of names…",
}
"""Kinds of samples that can be typed, and what to type."""
LOADING = ("Getting the network ready…", "This takes some seconds the first time.")
DROP = {
    "pictures": "Drop a picture here",
    "series": "Drop a series here: a text file of numbers, or a WAV file",
    "texts": "Drop a text file here",
    "tables": "Drop a CSV or TSV file here; its first row is asked",
    "timelines": "Drop a CSV, TSV or Parquet file here: what comes after its end is told",
}


class TrialPanel(QWidget):
    """What goes in at the left, the answer in the middle, what it rests on at the right."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trial")
        self.setAccessibleName("Try it")
        self.setAcceptDrops(True)
        self._session = session
        self._trial = session.trial
        self._shown_kind = ""
        self.bars = ProbabilityBars(theme)
        self.bars.chosen.connect(self._trial.explain)
        self.evidence = Evidence(theme)
        self.said = Said(theme)
        self.evidence.bar.changed.connect(self._trial.explain_by)
        self.evidence.bar.stopped.connect(self._trial.stop_explaining)
        self._empty = EmptyState(theme, "bolt", *NO_RUN)
        self._hint = EmptyState(theme, "question", "", "")
        self.similar = SimilarView(session)
        self.samples = SampleChoice()
        self.samples.chosen.connect(self._trial.ask)
        self._make_input()
        self._lay_out()
        self._trial.changed.connect(self.refresh)
        session.run.opened.connect(self._on_opened)
        self.refresh()

    def refresh(self) -> None:
        """Show how far the trial is."""
        trial = self._trial
        if trial.loaded is None:
            self._show_why_not()
            return
        self._layout.setCurrentWidget(self._splitter)
        self._show_kind(trial.loaded.kind)
        self._ask.setEnabled(trial.doing != "asking")
        self._about.setText(f"Best checkpoint, step {grouped(trial.loaded.step)}")
        self.samples.offer(trial.loaded.counts)
        self.similar.show_sample(trial.sample)
        self.evidence.bar.show_network(trial.loaded, trial.method, trial.layer)
        self.evidence.bar.show_progress(trial.progress)
        answered = trial.answered
        if answered is None:
            self._right.setCurrentWidget(self._hint)
        elif answered.targets:
            self._right.setCurrentWidget(self._found)
        else:
            self.said.show_answer(answered)
            self._right.setCurrentWidget(self.said)
            return
        target = trial.explained.target if trial.explained is not None else None
        if answered is not None:
            if target is not None or trial.doing != "explaining" or not self.bars.is_of(answered):
                self.bars.show_answer(answered, target)
            self.evidence.show_answer(answered, trial.explained)

    def ask_about_file(self, path: str) -> None:
        """Try a file of the person's own."""
        if path:
            self._trial.ask(GivenFile(path))

    def _show_why_not(self) -> None:
        trial = self._trial
        if trial.error is not None:
            self._empty.show_text(trial.error.message, trial.error.hint)
        elif trial.doing == "loading":
            self._empty.show_text(*LOADING)
        else:
            self._empty.show_text(*NO_RUN)
        self._layout.setCurrentWidget(self._empty)

    def _show_kind(self, kind: str) -> None:
        """Offer what a network of this kind takes."""
        if kind == self._shown_kind:
            return
        self._shown_kind = kind
        is_text = kind in TYPED
        self.evidence.setVisible(kind != "tables")
        self.text.setPlaceholderText(TYPED.get(kind, ""))
        self.text.setVisible(is_text)
        self._ask.setVisible(is_text)
        self._drop.setVisible(not is_text)
        self._drop.setText(DROP.get(kind, "Drop a file here"))
        self._hint.show_text(
            "Nothing tried yet",
            "Type a sentence and press Enter: you see the class, how sure the network is, and "
            "which words carried it."
            if kind == "texts"
            else "Type or paste at the left, or open a file: you see what the network says."
            if is_text
            else "Drop a file or open one: you see the class, how sure the network is, and which "
            "parts carried it.",
        )

    def _on_opened(self) -> None:
        if self.isVisible():
            self._trial.begin()
        self.refresh()

    def _on_ask(self) -> None:
        self._trial.ask(TypedText(self.text.toPlainText()))

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.window(), "Try the network on a file")
        self.ask_about_file(path)

    def _make_input(self) -> None:
        self.text = QPlainTextEdit()
        self.text.setObjectName("trial_text")
        self.text.setAccessibleName("Text for the network")
        self.text.setPlaceholderText("Type a sentence…")
        self.text.setTabChangesFocus(True)
        self.text.installEventFilter(self)
        self._drop = QLabel()
        self._drop.setObjectName("trial_drop")
        self._drop.setProperty("drop", True)
        self._drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drop.setWordWrap(True)
        self._ask = QPushButton("Try it")
        self._ask.setObjectName("trial_ask")
        self._ask.setProperty("primary", True)
        self._ask.setToolTip("Ask the network (Enter); Shift+Enter begins a new line")
        self._ask.clicked.connect(self._on_ask)
        self._open = QPushButton("Open file…")
        self._open.setObjectName("trial_open")
        self._open.clicked.connect(self._on_open)
        self._about = QLabel()
        self._about.setObjectName("trial_about")
        self._about.setProperty("faint", True)

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(self.text, 1)
        column.addWidget(self._drop, 1)
        row = QHBoxLayout()
        row.addWidget(self._ask)
        row.addWidget(self._open)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.samples)
        column.addWidget(self._about)
        answers = QScrollArea()
        answers.setWidgetResizable(True)
        inner = QWidget()
        bars = QVBoxLayout(inner)
        bars.setContentsMargins(6, 8, 6, 8)
        bars.addWidget(self.bars)
        bars.addStretch(1)
        answers.setWidget(inner)
        self._found = QSplitter(Qt.Orientation.Horizontal)
        chooser, pages = self._make_pages()
        middle = QWidget()
        below = QVBoxLayout(middle)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(answers, 1)
        below.addWidget(chooser)
        self._found.addWidget(middle)
        self._found.addWidget(pages)
        self._found.setSizes([240, 560])
        self._right = QStackedWidget()
        self._right.addWidget(self._hint)
        self._right.addWidget(self._found)
        self._right.addWidget(self.said)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.addWidget(left)
        self._splitter.addWidget(self._right)
        self._splitter.setSizes([300, 800])
        for splitter in (self._found, self._splitter):
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
            splitter.setStretchFactor(1, 1)
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._splitter)

    def _make_pages(self) -> tuple[QWidget, QWidget]:
        """Return buttons, and what they choose: what the answer rests on, or what is alike."""
        pages = QStackedWidget()
        alike = QWidget()
        margins = QVBoxLayout(alike)
        margins.setContentsMargins(12, 8, 12, 8)
        margins.addWidget(self.similar)
        chooser = QWidget()
        row = QHBoxLayout(chooser)
        row.setContentsMargins(8, 0, 8, 8)
        row.setSpacing(4)
        group = QButtonGroup(self)
        for name, title, page in (
            ("show_reasons", "Reasons", self.evidence),
            ("show_similar", "Similar samples", alike),
        ):
            pages.addWidget(page)
            button = QToolButton()
            button.setObjectName(name)
            button.setText(title)
            button.setProperty("flat", True)
            button.setCheckable(True)
            button.setChecked(page is self.evidence)
            button.clicked.connect(lambda _=False, page=page: pages.setCurrentWidget(page))
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        return chooser, pages

    def showEvent(self, event: QShowEvent) -> None:
        """Get the network ready when somebody looks."""
        super().showEvent(event)
        self._trial.begin()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take Enter in the text as a question."""
        if watched is self.text and event.type() == QEvent.Type.KeyPress:
            is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if (
                is_enter
                and self._shown_kind != "timelines"
                and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            ):
                self._on_ask()
                return True
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files while a network is ready."""
        if self._trial.loaded is not None and _files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Try the first of the dropped files."""
        self.ask_about_file(_files(event)[0])
        event.acceptProposedAction()


def _files(event: QDropEvent) -> list[str]:
    urls = event.mimeData().urls()
    return [url.toLocalFile() for url in urls if url.isLocalFile()]
