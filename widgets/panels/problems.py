"""The Problems tab: what is wrong, what to do, and a button where the program can do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from widgets.monitor.empty import EmptyState
from widgets.panels.column import ScrollColumn, wrapped

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent

    from widgets.theme import Theme
    from workbench.plugin_api.problems import Problem
    from workbench.session import Session


class ProblemsPanel(QWidget):
    """Lists the problems of the present experiment, errors first."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("problems")
        self.setAccessibleName("Problems")
        self._session = session
        self._theme = theme
        self._shown: tuple[Problem, ...] = ()
        self._rows: list[ProblemRow] = []
        self._empty = EmptyState(
            theme, "check", "No problems", "Shapes fit, and the network is ready to train.", self
        )
        self._list = ScrollColumn("problemList", self)
        self._list.column.setSpacing(2)
        self._list.column.setContentsMargins(8, 8, 8, 8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._empty)
        column.addWidget(self._list)
        session.document.report_changed.connect(self.refresh)
        theme.changed.connect(self._rebuild)
        self._rebuild()

    def refresh(self) -> None:
        """Show the problems, unless they are the ones already shown."""
        problems = self._session.document.report.problems
        if [_key(p) for p in problems] != [_key(p) for p in self._shown]:
            self._rebuild()
        self._shown = problems  # the repairs of a newer report
        for row, problem in zip(self._rows, problems, strict=True):
            row.problem = problem

    def _rebuild(self) -> None:
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._shown = self._session.document.report.problems
        self._rows = [ProblemRow(problem, self._theme, self) for problem in self._shown]
        for row in self._rows:
            row.chosen.connect(self._on_chosen)
            row.repair_wanted.connect(self._on_repair)
            self._list.add(row)
        self._empty.setVisible(not self._rows)
        self._list.setVisible(bool(self._rows))

    def _on_chosen(self, problem: Problem) -> None:
        if problem.node:
            self._session.document.select((problem.node,))

    def _on_repair(self, problem: Problem) -> None:
        repair = problem.repair
        if repair is not None:
            document = self._session.document
            self._session.attempt(lambda: document.edit(repair.edit, repair.title))


class ProblemRow(QFrame):
    """One problem; a click or Enter selects its layer.

    Signals:
        chosen(Problem), repair_wanted(Problem): what a person asked for.
    """

    chosen = Signal(object)
    repair_wanted = Signal(object)

    def __init__(self, problem: Problem, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.problem = problem
        self.setObjectName("problemRow")
        self.setAccessibleName(f"{problem.severity}: {problem.message}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._restyle(theme)
        icon = QLabel(self)
        color = theme.severity_color(problem.severity)
        icon.setPixmap(theme.icon(problem.severity, color).pixmap(QSize(16, 16)))
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(wrapped(problem.message, self, soft=False))
        if problem.hint:
            texts.addWidget(wrapped(problem.hint, self))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(10)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        if problem.node:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setToolTip(f"Select {problem.node}")
        if problem.repair is not None:
            button = QPushButton(problem.repair.title, self)
            button.setObjectName("repair")
            button.clicked.connect(lambda: self.repair_wanted.emit(self.problem))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the layer."""
        super().mousePressEvent(event)
        self.chosen.emit(self.problem)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select the layer with Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.problem)
        else:
            super().keyPressEvent(event)

    def _restyle(self, theme: Theme) -> None:
        colors = theme.colors
        self.setStyleSheet(
            "QFrame#problemRow { border: 1px solid transparent; border-radius: 5px; }"
            f"QFrame#problemRow:hover {{ background: {colors.field}; }}"
            f"QFrame#problemRow:focus {{ border-color: {colors.accent}; }}"
        )


def _key(problem: Problem) -> tuple[str, str, str, str, str]:
    title = problem.repair.title if problem.repair else ""
    return problem.severity, problem.message, problem.hint, problem.node, title
