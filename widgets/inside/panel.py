"""The Inside tab: a chooser, and what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.monitor.empty import EmptyState

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session

NO_RUN = (
    "No run is shown yet",
    "Press Train (F5), or open a run from the Runs tab, to see what tokens look at and how words "
    "and samples lie to each other.",
)


class InsidePanel(QWidget):
    """Attention, embeddings or filters of the shown run; each is made when first looked at."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inside")
        self.setAccessibleName("Inside")
        self._session = session
        self._theme = theme
        self._made: dict[str, QWidget] = {}
        self._stack = QStackedWidget()
        self._buttons = QButtonGroup(self)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._make_chooser())
        row.addWidget(self._stack, 1)
        self._body = body
        self._layout = QStackedLayout(self)
        self._empty = EmptyState(theme, "layers", *NO_RUN)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(body)
        session.run.opened.connect(self._on_opened)

    def choose(self, key: str) -> QWidget:
        """Show one of the views and return it."""
        if key not in self._made:
            self._made[key] = _VIEWS[key][2](self._session, self._theme)
            self._stack.addWidget(self._made[key])
        self._stack.setCurrentWidget(self._made[key])
        for button in self._buttons.buttons():
            button.setChecked(button.objectName() == f"inside_{key}")
        return self._made[key]

    def _on_opened(self) -> None:
        has_run = self._session.run.folder is not None
        if has_run and not self._made and self.isVisible():
            self.choose("attention" if self._session.watching.attending else "projector")
        self._layout.setCurrentWidget(self._body if has_run else self._empty)

    def _make_chooser(self) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(8, 8, 4, 8)
        layout.setSpacing(4)
        for key, (title, tip, _) in _VIEWS.items():
            button = QPushButton()
            button.setObjectName(f"inside_{key}")
            button.setText(title)
            button.setToolTip(tip)
            button.setProperty("flat", True)
            button.setCheckable(True)
            button.setMinimumWidth(92)
            button.setProperty("entry", True)
            button.clicked.connect(lambda _=False, chosen=key: self.choose(chosen))
            self._buttons.addButton(button)
            layout.addWidget(button)
        layout.addStretch(1)
        return column

    def showEvent(self, event: QShowEvent) -> None:
        """Make the first view when somebody looks and there is a run."""
        super().showEvent(event)
        self._on_opened()


def _attention(session: Session, theme: Theme) -> QWidget:
    from widgets.inside.attention import AttentionView

    return AttentionView(session, theme)


def _projector(session: Session, theme: Theme) -> QWidget:
    from widgets.inside.projector import ProjectorView

    return ProjectorView(session, theme)


def _filters(session: Session, theme: Theme) -> QWidget:
    from widgets.inside.filters import FiltersView

    return FiltersView(session, theme)


_VIEWS: dict[str, tuple[str, str, Callable[[Session, Theme], QWidget]]] = {
    "attention": ("Attention", "What each token looks at", _attention),
    "projector": ("Embeddings", "How tokens and samples lie to each other", _projector),
    "filters": ("Filters", "What convolutions look for", _filters),
}
