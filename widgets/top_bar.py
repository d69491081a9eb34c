"""The bar at the top: the experiment, undo and redo, the search field, and the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from widgets.actions import ICON_SIZE
from widgets.backend_pickers import BackendPicker, DevicePicker
from widgets.run_controls import ProgressBlock, RunButtons
from workbench.document.edits import replace

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent

    from widgets.actions import Actions
    from widgets.theme import Theme
    from workbench.session import Session

HEIGHT = 42
COMPACT_WIDTH = 1280
PROGRESS_WIDTH = 268
PICKER_WIDTHS = ((90, 165), (78, 110))
SEARCH_PADDING = 13
"""Left and right of the search field's text, border included."""


class TopBar(QFrame):
    """One line with everything that is needed all the time."""

    def __init__(
        self, session: Session, theme: Theme, actions: Actions, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.setProperty("bar", "top")
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self._actions = actions
        self._icons: dict[QToolButton, str] = {}
        self._session = session
        self._name = NameField(session, self)
        self._edited = QLabel("edited", self)
        self._edited.setObjectName("editedMark")
        self._edited.setProperty("soft", True)
        self.search = SearchButton(self)
        self.progress = ProgressBlock(session, self)
        self._pickers = (BackendPicker(session, self), DevicePicker(session, self))
        for picker in self._pickers:
            picker.width_wanted.connect(self._fit_pickers)
        self._pickers[0].compare_wanted.connect(actions["run.compare_backends"].trigger)
        self._style_search()
        self._lay_out()
        session.document.file_changed.connect(self.refresh)
        session.document.experiment_changed.connect(self.refresh)
        session.run.opened.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def refresh(self) -> None:
        """Show what the document and the run say."""
        document = self._session.document
        self._edited.setVisible(not document.is_saved)
        for command, title in (("edit.undo", document.undo_title), ("edit.redo", None)):
            if command in self._actions:
                wanted = title if title is not None else document.redo_title
                word = "Undo" if command == "edit.undo" else "Redo"
                self._actions[command].setToolTip(f"{word} {_lowered(wanted)}".strip())
                self._actions[command].setEnabled(bool(wanted))
        self.progress.setVisible(self._session.run.folder is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Save room in a narrow window."""
        super().resizeEvent(event)
        narrow = self.width() < COMPACT_WIDTH
        self.search.setMaximumWidth(180 if narrow else 330)
        self.search.show_keys(self._actions.keys_of("view.palette"))
        self.progress.setFixedWidth(PROGRESS_WIDTH)
        self._fit_pickers()

    def _fit_pickers(self) -> None:
        """Give each picker the room of what it shows."""
        for picker, (least, most) in zip(self._pickers, PICKER_WIDTHS, strict=True):
            picker.setFixedWidth(max(least, min(picker.fitting_width(), most)))

    def _style_search(self) -> None:
        self.search.setObjectName("searchField")
        self.search.setAccessibleName("Search layers, commands, settings")
        self.search.setProperty("searchField", True)
        self.search.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.search.setMinimumWidth(96)
        self.search.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.search.clicked.connect(lambda: self._actions["view.palette"].trigger())

    def _lay_out(self) -> None:
        menu = self._button("menu", "mainMenuButton", "Menu")
        menu.setToolTip("Menu (F10)")
        menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu.setMenu(self._actions.menu(menu))
        menu.setShortcut("F10")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 12, 0)
        row.setSpacing(6)
        row.addWidget(menu)
        row.addWidget(self._name)
        row.addWidget(self._edited)
        row.addSpacing(4)
        for command, icon in (("edit.undo", "undo"), ("edit.redo", "redo"), ("net.tidy", "tidy")):
            button = self._button(icon, f"{icon}Button", self._actions[command].text())
            button.setDefaultAction(self._actions[command])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.search, 6)
        row.addStretch(1)
        for picker in self._pickers:
            row.addWidget(picker)
        row.addSpacing(4)
        row.addWidget(self.progress)
        row.addSpacing(4)
        row.addWidget(RunButtons(self._session, self._actions, self._theme, self))

    def _button(self, icon: str, name: str, title: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setAccessibleName(title)
        button.setProperty("flat", True)
        button.setIconSize(ICON_SIZE)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._icons[button] = icon
        return button

    def _restyle(self) -> None:
        for button, icon in self._icons.items():
            if button.defaultAction() is None:
                button.setIcon(self._theme.icon(icon))


class NameField(QLineEdit):
    """The experiment's name, as plain text until one clicks into it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("experimentName")
        self.setAccessibleName("Name of the experiment")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMaxLength(120)
        self.setStyleSheet(
            "QLineEdit:!focus { background: transparent; border-color: transparent; }"
            "QLineEdit { font-weight: 600; padding: 3px 4px; }"
        )
        self._session = session
        self.editingFinished.connect(self._on_editing_finished)
        session.document.experiment_changed.connect(self._show_name)
        session.document.file_changed.connect(self._show_name)
        self._show_name()

    def sizeHint(self) -> QSize:
        """Return the width of the name, within reason."""
        font = self.font()
        font.setBold(True)
        width = self.fontMetrics().horizontalAdvance(self.text()) * 11 // 10 + 18
        return QSize(max(70, min(width, 230)), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return a width that leaves room for the rest of the bar."""
        return QSize(70, super().minimumSizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape takes the change back."""
        if event.key() == Qt.Key.Key_Escape:
            self._show_name()
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show the beginning of a long name again."""
        super().focusOutEvent(event)
        self.setCursorPosition(0)

    def _show_name(self) -> None:
        document = self._session.document
        name = document.experiment.name
        if self.text() != name:
            self.setText(name)
            self.setCursorPosition(0)
        self.setToolTip(str(document.path) if document.path else "Not in a file yet")
        self.setMaximumWidth(self.sizeHint().width())
        self.updateGeometry()

    def _on_editing_finished(self) -> None:
        document = self._session.document
        name = self.text().strip()
        if not name:
            self._show_name()
        elif name != document.experiment.name:
            self._session.attempt(
                lambda: document.edit(lambda e: replace(e, name=name), "Rename the experiment")
            )
        self.clearFocus()


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:]


class SearchButton(QPushButton):
    """Looks like a field; says as much as there is room for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._keys = ""

    def show_keys(self, keys: str) -> None:
        """Name the keys that do the same."""
        self._keys = keys
        self._fit()

    def sizeHint(self) -> QSize:
        """Return the widest that is allowed, whatever the text is at present."""
        return QSize(self.maximumWidth(), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say more or less."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        keys = f"    {self._keys}" if self._keys else ""
        texts = (f"Search layers, commands, settings{keys}", f"Search{keys}", "Search")
        room = self.width() - 2 * SEARCH_PADDING
        width = self.fontMetrics().horizontalAdvance
        self.setText(next((text for text in texts if width(text) <= room), texts[-1]))
