"""The Code tab: the module that the experiment's network becomes, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from widgets.file_commands import file_stem
from widgets.monitor.empty import EmptyState
from widgets.panels.python_highlighter import PythonHighlighter
from widgets.picker import DETAIL, Picker
from widgets.theme import mono_font
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.session.message import Message

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.plugin_api.code import GeneratedCode
    from workbench.session import Session

PAUSE_MS = 120
"""Rest between key strokes after which the code is made anew."""


class CodePanel(QWidget):
    """Shows the generated module; its lines and the canvas select each other."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("code")
        self.setAccessibleName("Generated code")
        self._session = session
        self._theme = theme
        self.code: GeneratedCode | None = None
        self._is_stale = True
        self._looked_at = ""
        self._own = session.document.experiment.training.backend
        self._make_text()
        self._empty = EmptyState(theme, "file", "", "")
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self.refresh)
        session.document.report_changed.connect(self._on_report_changed)
        session.document.selection_changed.connect(self._mark_selection)
        theme.changed.connect(self._on_theme_changed)

    def refresh(self) -> None:
        """Generate the code now if somebody can see it, else when it is shown next."""
        self._is_stale = not self.isVisible()
        if self._is_stale:
            return
        backend_id = self.backend
        report = self._session.document.report_for(backend_id)
        self._show_choice(backend_id)
        if report.errors:
            first = report.errors[0]
            self._say(
                "The design has errors, so there is no code yet",
                f"{first.message} {first.hint}".strip(),
            )
            return
        try:
            backend = self._session.catalog.backend(backend_id)
            self.code = backend.generate(report.network)
        except UserError as error:
            self._say(error.message, error.hint)
            return
        self._show_source(self.code.source)
        self._note.setText(
            "Trains as it stands here. Read-only: change the design instead."
            if backend_id == self._own
            else f"The same network; it is {self._title(self._own)} that trains."
        )
        self._parts.setCurrentWidget(self.text)
        self._show_buttons()
        self._mark_selection()

    def copy(self) -> None:
        """Put the whole module on the clipboard."""
        if self.code is not None:
            QApplication.clipboard().setText(self.code.source)

    def save(self) -> None:
        """Ask for a file and write the module to it."""
        if self.code is None:
            return
        source = self.code.source
        stem = file_stem(self._session.document.experiment.name)
        name, _ = QFileDialog.getSaveFileName(self, "Save code", f"{stem}.py", "Python (*.py)")
        if name:
            path = Path(name)
            if self._session.attempt(lambda: write_atomically(path, source.encode())):
                self._session.messaged.emit(Message("info", f"The code is saved as {path}."))

    @property
    def backend(self) -> str:
        """Id of the backend whose code is shown: the experiment's, unless another is looked at."""
        return self._looked_at or self._session.document.experiment.training.backend

    def _title(self, backend: str) -> str:
        return self._session.backends.title(backend)

    def _on_backend_chosen(self, row: int) -> None:
        chosen = self._choice.itemData(row)
        self._looked_at = "" if chosen == self._own else chosen
        self.refresh()

    def _show_choice(self, backend: str) -> None:
        """List the backends, the experiment's with a mark."""
        own = self._own
        known = self._session.backends.ids
        wanted = known if own in known else [*known, own]
        if [self._choice.itemData(row) for row in range(self._choice.count())] != wanted:
            self._choice.clear()
            for each in wanted:
                self._choice.add(self._title(each), each)
        for row, each in enumerate(wanted):
            self._choice.setItemData(row, "trains" if each == own else "", DETAIL)
        self._choice.choose(backend)
        self._choice.setFixedWidth(max(110, self._choice.fitting_width()))

    def _show_buttons(self) -> None:
        for button in (self._copy, self._save):
            button.setEnabled(self.code is not None)

    def _say(self, title: str, hint: str) -> None:
        self.code = None
        self._note.setText("")
        self._empty.show_text(title, hint)
        self._parts.setCurrentWidget(self._empty)
        self._show_buttons()

    def _show_source(self, source: str) -> None:
        if source == self.text.toPlainText():
            return
        bar = self.text.verticalScrollBar()
        place = bar.value()
        self.text.setPlainText(source)
        bar.setValue(place)

    def _mark_selection(self) -> None:
        """Highlight the lines of the selected nodes and bring the first into view."""
        if self.code is None:
            return
        chosen = set(self._session.document.selection)
        lines = sorted(line for line, node in self.code.lines.items() if node in chosen)
        marks = []
        ground = QTextCharFormat()
        color = QColor(self._theme.colors.accent)
        color.setAlpha(42)
        ground.setBackground(color)
        ground.setProperty(QTextFormat.Property.FullWidthSelection, True)
        for line in lines:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = QTextCursor(self.text.document().findBlockByNumber(line - 1))
            mark.format = ground
            marks.append(mark)
        self.text.setExtraSelections(marks)
        if marks and not self.text.hasFocus():
            self.text.setTextCursor(marks[0].cursor)
            self.text.centerCursor()

    def _on_line_clicked(self, line: int) -> None:
        node = self.code.lines.get(line) if self.code is not None else None
        if node is not None:
            self._session.document.select((node,))

    def _on_report_changed(self) -> None:
        self._is_stale = True
        own = self._session.document.experiment.training.backend
        if own != self._own:
            self._own, self._looked_at = own, ""
        if self.isVisible():
            self._timer.start()

    def _on_theme_changed(self) -> None:
        self._highlighter.set_colors(self._theme.colors)
        self._mark_selection()

    def _make_text(self) -> None:
        self.text = _Source()
        self.text.line_clicked = self._on_line_clicked
        self._highlighter = PythonHighlighter(self.text.document(), self._theme.colors)

    def _lay_out(self) -> None:
        self._note = QLabel()
        self._note.setProperty("soft", True)
        self._choice = Picker("codeBackend", "Backend of the code", "Code of")
        self._choice.activated.connect(self._on_backend_chosen)
        self._copy, self._save = QPushButton("Copy"), QPushButton("Save…")
        self._copy.setObjectName("copy")
        self._save.setObjectName("save")
        self._copy.clicked.connect(self.copy)
        self._save.clicked.connect(self.save)
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 6, 10, 4)
        bar.setSpacing(8)
        bar.addWidget(self._choice)
        bar.addWidget(self._note)
        bar.addStretch(1)
        bar.addWidget(self._copy)
        bar.addWidget(self._save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        self._parts = QStackedWidget(self)
        self._parts.addWidget(self.text)
        self._parts.addWidget(self._empty)
        column.addWidget(self._parts, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with edits made unseen."""
        super().showEvent(event)
        if self._is_stale:
            self.refresh()


class _Source(QPlainTextEdit):
    """Read-only text that says which line is clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("source")
        self.setAccessibleName("Generated module, read-only")
        self.setReadOnly(True)
        self.setFont(mono_font())
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setProperty("log", True)
        self.line_clicked = lambda line: None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell the clicked line, unless text was selected."""
        super().mouseReleaseEvent(event)
        if not self.textCursor().hasSelection():
            self.line_clicked(self.textCursor().blockNumber() + 1)
