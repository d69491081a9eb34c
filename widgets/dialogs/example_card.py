"""One example on the welcome page: what it is, and the buttons that open or train it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from widgets.panels.column import heading, wrapped
from widgets.texts import counted

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.document.experiment import Experiment


class ExampleCard(QFrame):
    """A frame with a name, the first sentences of the notes, and two buttons.

    Signals:
        open_wanted(), train_wanted(): what was clicked.
    """

    open_wanted = Signal()
    train_wanted = Signal()

    def __init__(
        self, name: str, experiment: Experiment, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("exampleCard")
        self.setAccessibleName(experiment.name)
        self._theme = theme
        self._train = QPushButton("Train", self)
        self._train.setObjectName(f"train_{name}")
        self._train.setAccessibleName(f"Open and train {experiment.name}")
        self._train.setIconSize(QSize(13, 13))
        self._train.clicked.connect(self.train_wanted)
        view = QPushButton("Open", self)
        view.setObjectName(f"open_{name}")
        view.setAccessibleName(f"Open {experiment.name}")
        view.clicked.connect(self.open_wanted)
        buttons = QHBoxLayout()
        buttons.addWidget(self._train)
        buttons.addWidget(view)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(6)
        column.addWidget(heading(experiment.name, self))
        column.addWidget(wrapped(first_sentences(experiment.notes), self))
        column.addWidget(wrapped(counted(len(experiment.graph.nodes), "layer"), self))
        column.addStretch(1)
        column.addLayout(buttons)
        theme.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        colors = self._theme.colors
        self._train.setIcon(self._theme.icon("play", colors.accent))
        self.setStyleSheet(
            f"QFrame#exampleCard {{ background: {colors.panel}; border-radius: 8px; "
            f"border: 1px solid {colors.border}; }}"
        )


def first_sentences(text: str, most: int = 150) -> str:
    """Return the beginning of a text, in whole sentences if they are short enough."""
    plain = " ".join(text.split())
    if len(plain) <= most:
        return plain
    end = plain.rfind(". ", 0, most)
    return plain[: end + 1] if end > 0 else f"{plain[: plain.rfind(' ', 0, most)]} …"
