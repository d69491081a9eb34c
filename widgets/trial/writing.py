"""The Write tab: a language model continues a text, token by token."""

from __future__ import annotations

import secrets
from bisect import bisect_right
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QSplitter,
    QStackedLayout,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.empty import EmptyState
from widgets.texts import decimal, grouped, percent
from widgets.theme import ui_font
from widgets.trial.bars import ProbabilityBars
from workbench.inspecting.answers import Answered, Seen
from workbench.plugin_api.writing import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QMouseEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.inspecting.writing import Token
    from workbench.session import Session

NO_RUN = (
    "No run is shown yet",
    "Train a network for language modelling, or open such a run; then let it write here.",
)
LOADING = ("Getting the network ready…", "This takes some seconds the first time.")
HUNDREDTHS = 100
MOST_K = 100
LENGTHS = (20, 50, 100, 200, 500, 1000, 2000)


class WritingPanel(QWidget):
    """Beginning and settings at the left, the text in the middle, alternatives at the right."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("writing")
        self.setAccessibleName("Write")
        self._writing = session.writing
        self._session = session
        self.text = WrittenText(theme)
        self.text.chosen.connect(self._on_chosen)
        self.bars = ProbabilityBars(theme)
        self._empty = EmptyState(theme, "file", *NO_RUN)
        self._make_input()
        self._lay_out()
        self._writing.changed.connect(self.refresh)
        session.run.opened.connect(self._on_opened)
        self.refresh()

    def refresh(self) -> None:
        """Show how far the text is."""
        writing = self._writing
        if writing.loaded is None:
            self._show_why_not()
            return
        self._layout.setCurrentWidget(self._splitter)
        is_writing = writing.doing == "writing"
        self._go.setText("Stop" if is_writing else "Generate")
        self._go.setToolTip(
            "Write no more" if is_writing else "Continue the beginning (Ctrl+Enter)"
        )
        self.text.show_tokens(writing.tokens)
        about = f"Best checkpoint, step {grouped(writing.loaded.step)}"
        if writing.tokens:
            about = f"{grouped(len(writing.tokens))} tokens, {writing.rate:.0f} a second"
        self._about.setText(about)

    def generate(self) -> None:
        """Write, or stop writing."""
        if self._writing.doing == "writing":
            self._writing.stop()
            return
        if self._writing.loaded is None:
            return
        seed = self.seed.text().strip()
        prompt = self.prompt.toPlainText()
        self.text.begin(prompt)
        self._on_chosen(-1)
        self._writing.write(
            prompt,
            LENGTHS[self.length.value()],
            Sampling(
                temperature=self.temperature.value() / HUNDREDTHS,
                top_k=0 if self.top_k.value() == MOST_K else self.top_k.value(),
                top_p=self.top_p.value() / HUNDREDTHS,
            ),
            int(seed) if seed.isdigit() else secrets.randbits(31),
        )

    def _show_why_not(self) -> None:
        writing = self._writing
        if writing.error is not None:
            self._empty.show_text(writing.error.message, writing.error.hint)
        elif writing.doing == "loading":
            self._empty.show_text(*LOADING)
        else:
            self._empty.show_text(*NO_RUN)
        self._layout.setCurrentWidget(self._empty)

    def _on_opened(self) -> None:
        self.text.begin("")
        self._on_chosen(-1)
        if self.isVisible():
            self._writing.begin()
        self.refresh()

    def _on_chosen(self, number: int) -> None:
        """Show what else the network thought of at a token; −1: none."""
        tokens = self._writing.tokens
        has_one = 0 <= number < len(tokens)
        self.bars.setVisible(has_one)
        self._why.setText("" if has_one else "Click a word to see what else could have come.")
        if has_one:
            token = tokens[number]
            texts = [text for text, _ in token.alternatives]
            drawn = texts.index(token.text) if token.text in texts else None
            self.bars.show_answer(_as_answer(token), drawn)
            share = percent(token.probability)
            self._why.setText(
                f"“{_visible(token.text)}” was drawn, of {share}. The likeliest were:"
            )

    def _make_input(self) -> None:
        self.prompt = QPlainTextEdit()
        self.prompt.setObjectName("writing_prompt")
        self.prompt.setAccessibleName("Beginning of the text")
        self.prompt.setPlaceholderText("How does it begin?")
        self.prompt.setTabChangesFocus(True)
        self.temperature = _slider("temperature", "Temperature", 0, 200, 80)
        self.top_k = _slider("top_k", "Among the likeliest", 1, MOST_K, MOST_K)
        self.top_p = _slider("top_p", "Together this probable", 1, HUNDREDTHS, HUNDREDTHS)
        self.length = _slider("length", "Tokens to write", 0, len(LENGTHS) - 1, 3)
        self.seed = QLineEdit()
        self.seed.setObjectName("writing_seed")
        self.seed.setAccessibleName("Seed")
        self.seed.setPlaceholderText("another each time")
        self._go = QPushButton("Generate")
        self._go.setObjectName("writing_go")
        self._go.setProperty("primary", True)
        self._go.setShortcut("Ctrl+Return")
        self._go.clicked.connect(self.generate)
        self._about = QLabel()
        self._about.setObjectName("writing_about")
        self._about.setProperty("faint", True)

    def _settings(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        for title, slider, words in (
            ("Temperature", self.temperature, lambda v: decimal(v / HUNDREDTHS) if v else "0"),
            ("Top k", self.top_k, lambda v: "all" if v == MOST_K else str(v)),
            ("Top p", self.top_p, lambda v: decimal(v / HUNDREDTHS)),
            ("Tokens", self.length, lambda v: str(LENGTHS[v])),
        ):
            form.addRow(title, _with_value(slider, words))
        form.addRow("Seed", self.seed)
        return form

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(self.prompt, 1)
        column.addLayout(self._settings())
        row = QHBoxLayout()
        row.addWidget(self._go)
        row.addWidget(self._about, 1)
        column.addLayout(row)
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(10, 10, 10, 10)
        self._why = QLabel()
        self._why.setObjectName("writing_why")
        self._why.setProperty("soft", True)
        self._why.setWordWrap(True)
        beside.addWidget(self._why)
        beside.addWidget(self.bars)
        beside.addStretch(1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        for widget in (left, self.text, right):
            self._splitter.addWidget(widget)
        self._splitter.setSizes([320, 620, 250])
        self._splitter.setStretchFactor(1, 1)
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._splitter)
        self._on_chosen(-1)

    def showEvent(self, event: QShowEvent) -> None:
        """Get the network ready when somebody looks."""
        super().showEvent(event)
        self._writing.begin()


class WrittenText(QTextEdit):
    """Text that grows at its end; a click tells which token is meant.

    Signals:
        chosen(int): number of the token that was clicked; −1 for the beginning.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("written")
        self.setAccessibleName("What the network writes")
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setFont(ui_font(11))
        self.setPlaceholderText("What the network writes appears here.")
        self.document().setDocumentMargin(14)
        self._theme = theme
        self._starts: list[int] = []
        self._chosen = -1
        theme.changed.connect(self._recolour)

    def begin(self, prompt: str) -> None:
        """Show a beginning alone."""
        self._starts, self._chosen = [], -1
        self.setExtraSelections([])
        self.clear()
        self._append(prompt, self._theme.colors.text_soft)

    def show_tokens(self, tokens: list[Token]) -> None:
        """Add those that are new; the view follows unless it was scrolled up."""
        new = tokens[len(self._starts) :]
        if not new:
            return
        bar = self.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 4
        for token in new:
            self._starts.append(self._end)
            self._append(token.text, self._theme.colors.text)
        if follows:
            bar.setValue(bar.maximum())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which token was clicked; selecting text chooses none."""
        super().mouseReleaseEvent(event)
        if not self.textCursor().hasSelection():
            at = self.cursorForPosition(event.position().toPoint()).position()
            self._choose(bisect_right(self._starts, at) - 1)

    def _choose(self, number: int) -> None:
        self._chosen = number
        self._mark()
        self.chosen.emit(number)

    def _mark(self) -> None:
        if not 0 <= self._chosen < len(self._starts):
            self.setExtraSelections([])
            return
        ends = [*self._starts[1:], self._end]
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._starts[self._chosen])
        cursor.setPosition(ends[self._chosen], QTextCursor.MoveMode.KeepAnchor)
        selection = QTextEdit.ExtraSelection()
        selection.cursor = cursor
        selection.format.setBackground(QColor(self._theme.colors.accent))
        selection.format.setForeground(QColor(self._theme.colors.accent_text))
        self.setExtraSelections([selection])

    def _recolour(self) -> None:
        """Give what stands there the colours of another theme."""
        colors, written = self._theme.colors, self._starts[0] if self._starts else self._end
        for first, last, color in (
            (0, written, colors.text_soft),
            (written, self._end, colors.text),
        ):
            cursor = QTextCursor(self.document())
            cursor.setPosition(first)
            cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(_ink(color))
        self._mark()

    @property
    def _end(self) -> int:
        return self.document().characterCount() - 1

    def _append(self, text: str, color: str) -> None:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text, _ink(color))


def _ink(color: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(color))
    return made


def _as_answer(token: Token) -> Answered:
    labels = tuple(_visible(text) for text, _ in token.alternatives)
    return Answered(
        id=0,
        step=0,
        seen=Seen(),
        targets=tuple(range(len(labels))),
        labels=labels,
        probabilities=tuple(share for _, share in token.alternatives),
    )


def _visible(text: str) -> str:
    """Return a token with its spaces and ends of lines as signs."""
    return text.replace("\n", "↵").replace(" ", "␣") or "∅"


def _slider(name: str, title: str, low: int, high: int, value: int) -> QSlider:
    made = QSlider(Qt.Orientation.Horizontal)
    made.setObjectName(f"writing_{name}")
    made.setAccessibleName(title)
    made.setRange(low, high)
    made.setValue(value)
    return made


def _with_value(slider: QSlider, words: Callable[[int], str]) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    value = QLabel()
    value.setMinimumWidth(34)
    value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    layout.addWidget(slider, 1)
    layout.addWidget(value)
    show = lambda number: value.setText(words(number))  # noqa: E731
    slider.valueChanged.connect(show)
    show(slider.value())
    return row
