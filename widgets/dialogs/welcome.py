"""The welcome page: examples that train at once, recent experiments, one's own data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

import resources
from widgets.dialogs.example_card import ExampleCard
from widgets.panels.column import ScrollColumn, heading, wrapped
from workbench import preferences
from workbench.document.files import SUFFIX, load
from workbench.errors import UserError

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from widgets.file_commands import FileCommands
    from widgets.theme import Theme
    from workbench.document.experiment import Experiment
    from workbench.session import Session

FIRST = ("digits-cnn", "mnist-cnn", "sunspots-lstm", "mnist-mlp", "residual-cnn")
"""Examples that need nothing but what comes with the program."""
OWN_PICTURES_LIKE = "residual-cnn"
OWN_TEXTS_LIKE = "sentiment-cnn"
OWN_TABLE_LIKE = "sunspots-lstm"
TEXTS = "Tables (*.csv *.tsv *.jsonl *.parquet);;All files (*)"
TABLES = "Tables (*.csv *.tsv *.txt *.parquet);;All files (*)"
MOST_RECENT = 4
PAGE_WIDTH = 980
BUTTON_WIDTH = 220


class WelcomePage(ScrollColumn):
    """Fills the window at the first start, and for a new experiment.

    Signals:
        left(): something is open; show it.
        training_wanted(): train what was opened.
        networks_wanted(): show the pretrained networks beside the empty canvas.
    """

    left = Signal()
    training_wanted = Signal()
    networks_wanted = Signal()

    def __init__(
        self, session: Session, theme: Theme, files: FileCommands, parent: QWidget | None = None
    ) -> None:
        super().__init__("welcome", parent)
        self.setAccessibleName("Welcome")
        self._session = session
        self._theme = theme
        self._files = files
        self._icons: dict[QPushButton, str] = {}
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self._back = QPushButton("Back to the experiment", self)
        self._show_again = QCheckBox("Show this page at every start", self)
        page = QWidget(self)
        page.setMaximumWidth(PAGE_WIDTH)
        page.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._lay_out(page)
        self.column.setContentsMargins(40, 34, 40, 28)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(page, 100)
        middle.addStretch(1)
        self.column.insertLayout(0, middle)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def refresh(self) -> None:
        """Show the recent experiments as they are now."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        paths = [Path(text) for text in self._session.preferences.recent]
        found = [path for path in paths if path.is_file()][:MOST_RECENT]
        for path in found:
            self._recent.addWidget(self._recent_row(path))
        if not found:
            self._recent.addWidget(wrapped("Experiments that you save appear here.", self))
        document = self._session.document
        self._back.setVisible(bool(document.experiment.graph.nodes))
        self._show_again.setChecked(self._session.preferences.welcome)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back to the experiment, if there is one."""
        if event.key() == Qt.Key.Key_Escape and not self._back.isHidden():
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _lay_out(self, page: QWidget) -> None:
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        title = QLabel("Neural Workbench", page)
        title.setProperty("title", True)
        column.addWidget(title)
        column.addWidget(wrapped("Design a network, train it, watch it learn, take it away.", page))
        column.addSpacing(12)
        upper = QHBoxLayout()
        upper.setSpacing(28)
        upper.addLayout(self._beginnings(page), 1)
        upper.addLayout(self._recents(page), 1)
        column.addLayout(upper)
        column.addSpacing(10)
        for title, examples in self._by_kind().items():
            column.addWidget(heading(title, page))
            column.addLayout(self._cards(examples, page))
            column.addSpacing(8)
        column.addSpacing(10)
        column.addWidget(self._show_again)
        self._show_again.setObjectName("showWelcome")
        self._show_again.clicked.connect(self._on_show_again)

    def _by_kind(self) -> dict[str, list[tuple[str, Experiment]]]:
        """Return the examples by what they are about, as headings."""
        found: dict[str, list[tuple[str, Experiment]]] = {}
        for name, path in _ordered(resources.examples()):
            try:
                experiment = load(path)
                kind = self._session.catalog.source(experiment.data.source).kind
            except UserError:
                continue  # a damaged installation still lets one begin
            found.setdefault(f"Examples that train at once: {kind}", []).append((name, experiment))
        return found

    def _cards(self, examples: list[tuple[str, Experiment]], page: QWidget) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(10)
        for number, (name, experiment) in enumerate(examples):
            card = ExampleCard(name, experiment, self._theme, page)
            card.open_wanted.connect(lambda n=name: self._open_example(n))
            card.train_wanted.connect(lambda n=name: self._open_example(n, train=True))
            grid.addWidget(card, number // 3, number % 3)
        for column in range(3):
            grid.setColumnStretch(column, 1)
            if column >= len(examples):  # an empty column would be narrower
                grid.addWidget(QWidget(page), 0, column)
        return grid

    def _beginnings(self, page: QWidget) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(heading("Begin", page))
        for name, icon, text, slot in (
            ("ownPictures", "picture", "Classify my own pictures…", self._on_own_pictures),
            ("ownTexts", "file", "Classify my own texts…", self._on_own_texts),
            ("ownTable", "chart", "Forecast my own series…", self._on_own_table),
            ("retrain", "layers", "Retrain a network…", self._on_retrain),
            ("emptyExperiment", "plus", "Empty experiment", self._on_empty),
            ("openFile", "folder", "Open an experiment…", self._on_open),
        ):
            button = QPushButton(text, page)
            button.setObjectName(name)
            self._icons[button] = icon
            button.setIconSize(QSize(17, 17))
            button.setMinimumWidth(BUTTON_WIDTH)
            button.clicked.connect(slot)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self._back.setObjectName("backToExperiment")
        self._back.setProperty("link", True)
        self._back.clicked.connect(self.left)
        column.addWidget(self._back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return column

    def _recents(self, page: QWidget) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(heading("Recent", page))
        column.addLayout(self._recent)
        column.addStretch(1)
        return column

    def _recent_row(self, path: Path) -> QPushButton:
        button = QPushButton(path.name.removesuffix(SUFFIX), self)
        button.setObjectName("recentFile")
        button.setProperty("link", True)
        button.setToolTip(str(path))
        button.clicked.connect(lambda: self._leave_if(self._files.open(path)))
        return button

    def _open_example(self, name: str, train: bool = False) -> None:
        if self._files.open_example(name):
            self.left.emit()
            if train:
                self.training_wanted.emit()

    def _on_own_pictures(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self.window(), "Folder with one subfolder for each class", str(Path.home())
        )
        if folder:
            self._leave_if(self._files.use_pictures(Path(folder), OWN_PICTURES_LIKE))

    def _on_own_texts(self) -> None:
        file = self._ask_for("Table with a text and its class in each row", TEXTS)
        if file is not None:
            self._leave_if(self._files.use_texts(file, OWN_TEXTS_LIKE))

    def _on_own_table(self) -> None:
        file = self._ask_for("Table with a row for each step in time", TABLES)
        if file is not None:
            self._leave_if(self._files.use_table(file, OWN_TABLE_LIKE))

    def _ask_for(self, title: str, kinds: str) -> Path | None:
        home = str(Path.home())
        file, _ = QFileDialog.getOpenFileName(self.window(), title, home, kinds)
        return Path(file) if file else None

    def _on_retrain(self) -> None:
        if self._files.new_empty():
            self.left.emit()
            self.networks_wanted.emit()

    def _on_empty(self) -> None:
        self._leave_if(self._files.new_empty())

    def _on_open(self) -> None:
        self._leave_if(self._files.open_dialog())

    def _restyle(self) -> None:
        for button, icon in self._icons.items():
            button.setIcon(self._theme.icon(icon))

    def _leave_if(self, done: bool) -> None:
        if done:
            self.left.emit()

    def _on_show_again(self, checked: bool) -> None:
        self._session.preferences.welcome = checked
        preferences.save(self._session.preferences)


def _ordered(examples: dict[str, Path]) -> list[tuple[str, Path]]:
    names = [name for name in FIRST if name in examples]
    names += [name for name in examples if name not in FIRST]
    return [(name, examples[name]) for name in names]
