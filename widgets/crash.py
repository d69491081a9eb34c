"""Unexpected errors: logged, shown once in plain words, and the program goes on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from workbench.preferences import config_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from PySide6.QtWidgets import QWidget

    from widgets.theme import Theme

LOG_BYTES = 1_000_000


def log_path() -> Path:
    """Return the program's own log file."""
    return config_folder() / "workbench.log"


def open_log() -> None:
    """Send log records to the log file; a long one of earlier starts is set aside first."""
    root = logging.getLogger()
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)


class CrashReporter(QObject):
    """Takes exceptions that nothing has caught, from any thread.

    One dialog is open at most; errors that come meanwhile are only logged, so that a fault in a
    timer cannot bury the window.
    """

    _caught = Signal(str)

    def __init__(self, window: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._is_open = False
        self._caught.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Become the hook of this program."""
        sys.excepthook = self.on_exception
        threading.excepthook = lambda args: self.on_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )

    def on_exception(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Log an exception and show it."""
        if issubclass(kind, KeyboardInterrupt | SystemExit):
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        logging.getLogger("workbench").error("Unexpected error\n%s", text)
        print(text, file=sys.stderr, end="")
        self._caught.emit(text)

    def _show(self, report: str) -> None:
        from widgets.dialogs.unexpected_error import UnexpectedErrorDialog

        if self._is_open:
            return
        self._is_open = True
        dialog = UnexpectedErrorDialog(report, self._theme, self._window)
        dialog.finished.connect(self._on_closed)
        dialog.open()

    def _on_closed(self) -> None:
        self._is_open = False
