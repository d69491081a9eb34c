"""The main window: where everything stands. What can be done in it is in `commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from widgets.actions import Actions
from widgets.closing import Closing
from widgets.commands import commands
from widgets.file_commands import FileCommands
from widgets.message_bar import MessageBar
from widgets.retraining_commands import RetrainingCommands
from widgets.run_commands import RunCommands
from widgets.status_line import StatusLine
from widgets.top_bar import TopBar
from widgets.window_state import restore_state
from widgets.windows import Windows
from widgets.workbench_page import WorkbenchPage

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent, QResizeEvent

    from widgets.theme import Theme
    from workbench.session import Session

TICK_MILLISECONDS = 50


class MainWindow(QMainWindow):
    """Joins the parts of the window and drives the session's tick.

    Signals:
        first_painted(): the window is on the screen for the first time.
    """

    first_painted = Signal()

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setMinimumSize(1100, 700)
        self.session = session
        self.theme = theme
        self.page = WorkbenchPage(session, theme)
        self.files = FileCommands(session, self)
        self.runs = RunCommands(session, self, self.show_tab)
        self.retraining = RetrainingCommands(session, self)
        self.windows = Windows(self)
        self.actions_table = Actions(self, self.page.canvas, theme)
        self.actions_table.add(commands(self))
        self.actions_table.set_keys(session.preferences.keys)
        self.body = QStackedWidget(self)
        self.body.setObjectName("body")
        self.top_bar = TopBar(session, theme, self.actions_table, self)
        self.status_line = StatusLine(session, self)
        self.message_bar = MessageBar(session, theme, self)
        self._run_was: tuple[object, ...] = ()
        self._closing = Closing(session, self.files, self)
        self._lay_out()
        self._follow()
        restore_state(self, session.preferences.window)

    def show_tab(self, key: str) -> QWidget | None:
        """Bring a tab to the front and return its widget; leaves the welcome page."""
        self.show_workbench()
        return self.page.show_tab(key)

    def show_workbench(self) -> None:
        """Show the canvas and its panels."""
        if self.body.currentWidget() is not self.page:
            self.body.setCurrentWidget(self.page)
            self.page.canvas.setFocus()

    def show_welcome(self) -> None:
        """Show examples, recent experiments and how to begin."""
        from widgets.dialogs.welcome import WelcomePage

        page = self.body.findChild(WelcomePage)
        if page is None:
            page = WelcomePage(self.session, self.theme, self.files, self.body)
            page.left.connect(self.show_workbench)
            page.training_wanted.connect(self.runs.train)
            page.networks_wanted.connect(lambda: self.show_tab("models"))
            self.body.addWidget(page)
        page.refresh()
        self.body.setCurrentWidget(page)
        page.setFocus()

    def start(self) -> None:
        """Begin to work: make the panels in front and take over background work."""
        self.page.release()
        self.page.canvas.setFocus()
        self.status_line.start()
        self._timer.start(TICK_MILLISECONDS)

    def close_at_once(self) -> None:
        """Close without a question; unsaved work stays in its recovery file."""
        self._closing.keep_unsaved = True
        self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice the first paint, and keep the message bar above the canvas."""
        if event.type() == QEvent.Type.Paint and watched is self.status_line:
            self.status_line.removeEventFilter(self)
            QTimer.singleShot(0, self.first_painted.emit)
        elif event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and watched is self.page.canvas:
            self._place_message_bar()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the message bar above the canvas."""
        super().resizeEvent(event)
        self._place_message_bar()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work; say that training goes on."""
        if not self._closing.may_close():
            event.ignore()
            return
        self._timer.stop()
        self._closing.finish()
        event.accept()

    def _lay_out(self) -> None:
        self.body.addWidget(self.page)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget, stretch in ((self.top_bar, 0), (self.body, 1), (self.status_line, 0)):
            column.addWidget(widget, stretch)
        self.setCentralWidget(middle)
        self.setMenuBar(None)
        self.message_bar.raise_()

    def _follow(self) -> None:
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.session.tick)
        self.status_line.installEventFilter(self)
        self.page.canvas.installEventFilter(self)
        self.message_bar.shown.connect(self._place_message_bar)
        self.body.currentChanged.connect(lambda _: self._place_message_bar())
        document, run = self.session.document, self.session.run
        for signal in (document.file_changed, document.selection_changed, run.opened):
            signal.connect(self.actions_table.refresh)
        run.updated.connect(self._on_run_updated)
        document.file_changed.connect(self._show_title)
        self._show_title()
        self.actions_table.refresh()

    def _on_run_updated(self) -> None:
        run = self.session.run
        present = run.is_active, run.state.status, bool(run.state.checkpoints)
        if present != self._run_was:
            self._run_was = present
            self.actions_table.refresh()
            if run.state.ended and not run.is_active:
                self.session.backends.use(self.session.document.experiment.training.backend)

    def _place_message_bar(self) -> None:
        around = self.page.canvas if self.body.currentWidget() is self.page else self.body
        corner = around.mapTo(self, around.rect().topLeft())
        height = self.message_bar.heightForWidth(around.width())
        self.message_bar.setGeometry(corner.x(), corner.y(), around.width(), height)
        self.message_bar.raise_()

    def _show_title(self) -> None:
        document = self.session.document
        # A doubled mark stands for itself; a single one is where Qt puts its sign of changes.
        name = document.experiment.name.replace("[*]", "[*][*]")
        self.setWindowTitle(f"{name}[*] – Neural Workbench")
        self.setWindowModified(not document.is_saved)
