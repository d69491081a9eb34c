"""One sample of the data at large: what it was taken for, why, and what is alike to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.correcting import OTHER_DATA, CorrectionRow
from widgets.inside.reasons import ReasonsView
from widgets.inside.similar import SimilarView
from widgets.texts import grouped, percent
from widgets.trial.evidence import Scale, signed, way_in_words
from widgets.trial.explain_bar import ExplainBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QCloseEvent, QKeyEvent

    from widgets.monitor.gallery import Answer
    from widgets.theme import Theme
    from workbench.inspecting.answers import Explained
    from workbench.inspecting.network import Loaded
    from workbench.plugin_api.data import SplitName
    from workbench.session import Session
    from workbench.session.data import Thumbnail

SIMILAR = 160
"""Pixels for a row of similar samples; all else is for the sample."""


class SampleDialog(QDialog):
    """Goes through answers one by one; it stays open beside the window."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sample_dialog")
        self.setWindowTitle("Sample")
        self.resize(900, 690)
        self._session = session
        self._theme = theme
        self._examination = session.examination
        self._split: SplitName = "test"
        self._answers: Sequence[Answer] = ()
        self._row = 0
        self._sample_id = ""
        self._loaded: Loaded | None = None
        self.bar = ExplainBar("sample_explain_bar")
        self.reasons = ReasonsView(theme)
        self.correction = CorrectionRow(session.correcting)
        self.similar = SimilarView(session)
        self.similar.setMaximumHeight(SIMILAR)
        self._make_labels()
        self._lay_out()
        self.bar.changed.connect(self._examination.explain_by)
        self.bar.stopped.connect(self._examination.stop)
        self.bar.opacity_changed.connect(self.reasons.picture.set_opacity)
        self._examination.changed.connect(self.refresh)
        session.document.experiment_changed.connect(self._show_correction)
        session.run.opened.connect(self._on_opened)

    def show_answers(self, split: SplitName, answers: Sequence[Answer], row: int) -> None:
        """Show one of the answers; the others are a key away."""
        self._split, self._answers = split, answers
        self.go_to(row)

    def go_to(self, row: int) -> None:
        """Show another of the answers."""
        if not 0 <= row < len(self._answers):
            return
        self._row = row
        self._sample_id = ""
        answer = self._answers[row]
        self._examination.look_at(self._split, answer.index, (answer.answer, answer.true))
        self.similar.show_sample(self._examination.sample)
        experiment = self._session.run.experiment
        self._session.data.thumbnails(
            self._split,
            [answer.index],
            lambda found: self._on_identified(answer.index, found),
            data=experiment.data if experiment is not None else None,
        )
        self._previous.setEnabled(row > 0)
        self._next.setEnabled(row + 1 < len(self._answers))
        self._place.setText(f"{grouped(row + 1)} of {grouped(len(self._answers))}")
        self._show_correction()
        self.refresh()

    def refresh(self) -> None:
        """Show what is known by now."""
        if not self._answers:
            return
        examination = self._examination
        answer = self._answers[self._row]
        answered, error = examination.answered, examination.error
        if examination.loaded is not self._loaded:
            self._loaded = examination.loaded  # now all classes are known
            self._show_correction()
        self._title.setText(f"Sample {(answered.name if answered else '') or answer.index}")
        self._told.setText(
            f"taken for <b>{_plain(answer.answer)}</b> ({percent(answer.probability)})"
            + (
                " – right"
                if answer.is_right
                else f", is <b>{_plain(answer.true)}</b> ({percent(answer.true_probability)})"
            )
        )
        self.bar.show_network(examination.loaded, examination.method, examination.layer)
        self.bar.show_progress(examination.progress)
        explained = examination.explained
        self.reasons.setVisible(answered is not None)
        self._waiting.setVisible(answered is None)
        self._waiting.setText(
            f"{error.message} {error.hint}".strip() if error else "Getting the network ready…"
        )
        if answered is not None:
            is_picture = answered.seen.picture is not None
            self.bar.setVisible(is_picture)
            self._gap.setVisible(not is_picture)
            self._scale.show_scale(over_picture=is_picture)
            self.reasons.show_reasons(answered, self._captioned(explained))
            self._note.setText(self._said(explained))
        else:
            self._note.setText(" ")

    def _captioned(self, explained: dict[int, Explained]) -> list[tuple[str, Explained | None]]:
        """Return the answer first, then the true class; or the two likeliest."""
        answer = self._answers[self._row]
        found = [(e, _caption(e, answer)) for e in explained.values()]
        shown: list[tuple[str, Explained | None]] = [(text, e) for e, text in found]
        missing = 2 - len(shown) if self._examination.is_busy else 0
        return shown + [("Looking for reasons…", None)] * missing

    def _said(self, explained: dict[int, Explained]) -> str:
        error = self._examination.error
        if error is not None:
            return f"{error.message} {error.hint}".strip()
        told = next((f"{way_in_words(each)}." for each in explained.values()), " ")
        answered, answer = self._examination.answered, self._answers[self._row]
        if answered is None or not answered.labels or answered.labels[0] == answer.answer:
            return told
        return (
            f"{told} The best checkpoint, of step {grouped(answered.step)}, which is explained, "
            f"takes it for “{answered.labels[0]}” ({percent(answered.probabilities[0])})."
        )

    def _show_correction(self) -> None:
        if not self._answers:
            return
        experiment, loaded = self._session.run.experiment, self._examination.loaded
        fits = self._session.correcting.fits(experiment.data if experiment is not None else None)
        answer = self._answers[self._row]
        classes = loaded.classes if loaded is not None else (answer.true,)
        why_not = "" if fits else OTHER_DATA
        self.correction.show_sample(self._sample_id, answer.true, classes, why_not=why_not)

    def _on_opened(self) -> None:
        self._answers = ()
        self.close()

    def _on_identified(self, index: int, found: list[Thumbnail]) -> None:
        if self._answers and self._answers[self._row].index == index and found:
            self._sample_id = found[0].sample_id
            self._show_correction()

    def _make_labels(self) -> None:
        self._scale = Scale(self._theme, over_picture=True)
        self._gap = QWidget()
        self._gap.hide()
        self._title = QLabel()
        self._title.setObjectName("sample_title")
        self._title.setProperty("heading", True)
        self._told = QLabel()
        self._told.setObjectName("sample_answer")
        self._place = QLabel()
        self._place.setObjectName("sample_place")
        self._place.setProperty("soft", True)
        self._note = QLabel(" ")
        self._note.setObjectName("sample_note")
        self._note.setProperty("soft", True)
        self._note.setWordWrap(True)
        self._waiting = QLabel()
        self._waiting.setObjectName("sample_waiting")
        self._waiting.setProperty("soft", True)
        self._waiting.setWordWrap(True)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._previous = self._arrow("previous_sample", "‹", "The sample before (Left)", -1)
        self._next = self._arrow("next_sample", "›", "The next sample (Right)", 1)

    def _arrow(self, name: str, text: str, tip: str, step: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(lambda: self.go_to(self._row + step))
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        for widget in (self._title, self._told):
            head.addWidget(widget)
        head.addStretch(1)
        for widget in (self._place, self._previous, self._next):
            head.addWidget(widget)
        controls = QHBoxLayout()
        controls.addWidget(self.bar, 1)
        controls.addWidget(self._gap, 1)
        controls.addSpacing(10)
        controls.addWidget(self._scale)
        similar = QLabel("Most alike in the training data")
        similar.setProperty("heading", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(controls)
        column.addWidget(self.reasons, 5)
        column.addWidget(self._waiting, 5)
        column.addWidget(self._note)
        column.addWidget(self.correction)
        column.addWidget(_rule())
        column.addWidget(similar)
        column.addWidget(self.similar, 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the answers with the arrow keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.go_to(self._row + step)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let go of what is being worked out."""
        self._examination.close()
        self._session.similarity.cancel()
        super().closeEvent(event)


def _caption(explained: Explained, answer: Answer) -> str:
    role = ", the true class" if explained.label == answer.true else ""
    if explained.label == answer.answer:
        role = ", rightly" if answer.is_right else ", the answer"
    return f"For “{explained.label}”{role} · score {signed(explained.score)}"


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _rule() -> QFrame:
    line = QFrame()
    line.setProperty("rule", True)
    return line
