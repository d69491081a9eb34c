"""Opens the window: little before the first paint, everything else after it."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMessageBox

import resources
from widgets.crash import CrashReporter, open_log
from widgets.main_window import MainWindow
from widgets.theme import Theme
from workbench import preferences
from workbench.catalog import Catalog
from workbench.document.recovery import recoverable
from workbench.session import Session
from workbench.session.message import Message

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment

TITLE = "Neural Workbench"


def run_window(path: Path | None = None, example: str = "") -> int:
    """Open the window and return its exit status when it is closed.

    Args:
        path: an experiment file, or the name of an example.
        example: name of an example to begin with, such as "digits-cnn".
    """
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("neural-workbench")
    app.setApplicationDisplayName(TITLE)
    app.setDesktopFileName("neural-workbench")
    open_log()
    window = make_window()
    CrashReporter(window, window.theme).install()
    close_on_signals(window)
    opening = Opening(window, path, example)
    window.first_painted.connect(opening.begin)
    window.show()
    return app.exec()


def make_window() -> MainWindow:
    """Return a main window with a session of its own; nothing is open in it yet."""
    paint_in_one_thread()
    kept = preferences.load()
    runs_folder = Path(kept.runs_folder) if kept.runs_folder else preferences.default_runs_folder()
    theme = Theme(QApplication.instance(), kept.theme)
    session = Session(Catalog.load(for_window=True), kept, runs_folder)
    return MainWindow(session, theme)


def paint_in_one_thread() -> None:
    """Keep Qt from handing parts of every large fill to other threads, and waiting for them.

    While a worker trains on all cores the wait is long: it took a sixth of the window's time.
    Qt looks at the variable when it first paints.
    """
    os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")


def close_on_signals(window: MainWindow) -> None:
    """Let Ctrl-C and SIGTERM close the window as if a person had, but without a question."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close_at_once())


class Opening(QObject):
    """What happens between the first paint and the first click.

    Unsaved work of a window that died comes first, then what was asked for on the command line,
    then a run that is still training, then the welcome page.
    """

    def __init__(self, window: MainWindow, path: Path | None, example: str) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._path = path
        self._example = example
        self._may_reattach = False

    def begin(self) -> None:
        """Open what there is to open."""
        self._window.start()
        left_behind = recoverable()
        opened = self._open_asked_for()
        self._may_reattach = not opened
        run = self._session.run
        run.runs_changed.connect(self._on_runs_changed)
        run.refresh()
        if left_behind is not None:
            self._offer(*left_behind)
        elif not opened:
            self._begin_empty()
        self._session.backends.use(self._session.document.experiment.training.backend)
        # What was made so far lives as long as the window; a full collection over all of it would
        # stall the window for 20–40 ms each time and free nothing.
        gc.freeze()

    def _open_asked_for(self) -> bool:
        files = self._window.files
        name = self._example or (str(self._path) if self._path else "")
        if name in resources.examples():
            return files.open_example(name)
        if self._path is not None:
            return files.open(self._path)
        if self._example:
            text = f"There is no example called “{self._example}”."
            known = ", ".join(resources.examples())
            self._session.messaged.emit(Message("error", text, f"Examples are: {known}."))
        return False

    def _begin_empty(self) -> None:
        if self._session.preferences.welcome:
            self._window.show_welcome()
            return
        recent = [Path(text) for text in self._session.preferences.recent]
        newest = next((path for path in recent if path.is_file()), None)
        if newest is None or not self._window.files.open(newest):
            self._window.show_welcome()

    def _offer(self, experiment: Experiment, path: Path | None) -> None:
        box = QMessageBox(self._window)
        box.setObjectName("recoveryPrompt")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(TITLE)
        box.setText(f"“{experiment.name}” was not saved when the window closed the last time.")
        where = f"It was opened from {path}. " if path else ""
        box.setInformativeText(f"{where}Restore the unsaved changes?")
        restore = box.addButton("Restore", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(restore)
        box.buttonClicked.connect(
            lambda button: self._on_answered(button is restore, experiment, path)
        )
        box.open()

    def _on_answered(self, restore: bool, experiment: Experiment, path: Path | None) -> None:
        if restore:
            self._may_reattach = False
            self._session.document.restore(experiment, path)
            self._window.show_workbench()
        elif not self._session.document.experiment.graph.nodes:
            self._begin_empty()

    def _on_runs_changed(self) -> None:
        """Show a run that is still training, once, at the first list of runs."""
        run = self._session.run
        run.runs_changed.disconnect(self._on_runs_changed)
        living = next((summary for summary in run.runs if summary.running), None)
        if living is None or run.folder is not None:
            return
        run.open(living.folder)
        text = f"“{living.title}” is still training; it is shown below."
        self._session.messaged.emit(Message("info", text))
        document = self._session.document
        if self._may_reattach and not document.experiment.graph.nodes and run.experiment:
            document.replace(run.experiment)
            self._window.show_tab("monitor")
