"""What happens when the window is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox

from widgets.window_state import state_of
from workbench import preferences

if TYPE_CHECKING:
    from widgets.file_commands import FileCommands
    from widgets.main_window import MainWindow
    from workbench.session import Session


class Closing:
    """Asks what must be asked, once, and ends the session.

    Attributes:
        keep_unsaved: close without a question and leave unsaved work in its recovery file.
    """

    def __init__(self, session: Session, files: FileCommands, window: MainWindow) -> None:
        self._session = session
        self._files = files
        self._window = window
        self._finished = False
        self.keep_unsaved = False

    def may_close(self) -> bool:
        """Ask about unsaved work and about training; False: stay open."""
        if self.keep_unsaved or self._finished:
            return True
        return self._files.may_discard() and self._training_is_known_to_go_on()

    def finish(self) -> None:
        """Keep the window's state and let go of the session; training goes on."""
        if self._finished:
            return
        self._finished = True
        self._session.preferences.window = state_of(self._window)
        preferences.save(self._session.preferences)
        self._session.close(keep_unsaved=self.keep_unsaved)

    def _training_is_known_to_go_on(self) -> bool:
        if not self._session.run.is_active:
            return True
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Information)
        box.setWindowTitle("Neural Workbench")
        box.setText("Training goes on while the window is closed.")
        box.setInformativeText("Open the window again to follow it.")
        close = box.addButton("Close window", QMessageBox.ButtonRole.AcceptRole)
        stop = box.addButton("Stop training and close", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(close)
        box.exec()
        if box.clickedButton() is stop:
            self._session.attempt(self._session.run.stop)
            return True
        return box.clickedButton() is close
