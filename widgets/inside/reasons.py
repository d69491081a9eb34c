"""What speaks for two classes, side by side: over a picture, a text or a series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from widgets.trial.picture import PictureView, Reasons
from widgets.trial.signal import SignalView
from widgets.trial.words import WordFlow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from widgets.theme import Theme
    from workbench.inspecting.answers import Answered, Explained

COLUMNS = 2


class ReasonsView(QStackedWidget):
    """One page a kind of sample; each has room for two classes."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reasons")
        self.picture = PictureView(theme)
        self.words = [WordFlow(theme) for _ in range(COLUMNS)]
        self.signals = [SignalView(theme) for _ in range(COLUMNS)]
        self._captions: list[tuple[QLabel, QLabel]] = []
        self.addWidget(self.picture)
        self.addWidget(self._columns([_scrolled(words) for words in self.words]))
        self.addWidget(self._columns(list(self.signals)))

    def show_reasons(
        self, answered: Answered, found: Sequence[tuple[str, Explained | None]]
    ) -> None:
        """Show a sample with what speaks for each class, captions first; None: not known yet."""
        seen = answered.seen
        self.setCurrentIndex(1 if seen.words else 2 if seen.signal is not None else 0)
        if self.currentIndex() == 0:
            reasons = [Reasons(text, e.values.unpack() if e else None) for text, e in found]
            self.picture.show_picture(seen, reasons, "Input")
            return
        for number in range(COLUMNS):
            is_there = number < len(found)
            caption, explained = found[number] if is_there else ("", None)
            values = explained.values.unpack() if explained is not None else None
            for label in self._captions[number]:
                label.setText(caption)
            if seen.words:
                self.words[number].show_words(seen.words, values)
            else:
                self.signals[number].show_series(seen, values)
            for page in (self.words, self.signals):
                page[number].setVisible(is_there)

    def _columns(self, views: Sequence[QWidget]) -> QWidget:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        labels = []
        for view in views:
            column = QVBoxLayout()
            label = QLabel()
            label.setProperty("heading", True)
            labels.append(label)
            column.addWidget(label)
            column.addWidget(view, 1)
            row.addLayout(column, 1)
        if not self._captions:
            self._captions = [(label, label) for label in labels]
        else:
            pairs = zip(self._captions, labels, strict=True)
            self._captions = [(first, label) for (first, _), label in pairs]
        return page


def _scrolled(words: WordFlow) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setWidget(words)
    return scroll
