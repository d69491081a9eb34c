"""A whole main window over a session without workers, threads or readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.widgets.session_at_rest import DataAtRest, RunAtRest
from widgets.main_window import MainWindow
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.preferences import Preferences
from workbench.session import (
    Backends,
    Comparison,
    Examination,
    Looking,
    Projection,
    Session,
    Similarity,
    Trial,
    Writing,
)

if TYPE_CHECKING:
    from pathlib import Path

    from widgets.theme import Theme
    from workbench.catalog import Catalog


class QuietData(DataAtRest):
    """Answers everything at once, from memory."""

    def __init__(self) -> None:
        super().__init__()
        self.info = DataInfo(
            input=TensorType((8, 8, 1)),
            classes=tuple("0123456789"),
            counts={"train": 1257, "validation": 270, "test": 270},
            class_counts={split: (n,) * 10 for split, n in (("train", 126), ("test", 27))},
        )
        self.looked_at: list = []
        self.reloads = 0

    def look_at(self, data) -> None:
        self.looked_at.append(data)

    def reload(self) -> None:
        self.reloads += 1

    def thumbnails(self, split, indices, done, *, augmented=False, seed=0, count=48, **others):
        self.asked.append((split, augmented, seed))
        super().thumbnails(split, indices or range(count), done)

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class QuietRun(RunAtRest):
    """Starts nothing; keeps what was asked for in `calls`."""

    def __init__(self, runs_folder: Path) -> None:
        super().__init__(runs_folder)
        self.started: list = []

    def start(self, experiment) -> None:
        self.started.append(experiment)

    def set_learning_rate(self, rate: float) -> None:
        self.calls.append(("set_learning_rate", rate))

    def save_now(self) -> None:
        self.calls.append(("save_now",))

    def pause(self) -> None:
        self.calls.append(("pause",))

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


def quiet_session(catalog: Catalog, runs_folder: Path) -> Session:
    """Return a session whose data and run do nothing by themselves."""
    session = Session(catalog, Preferences(), runs_folder)
    session.data.close()
    session.run.close()
    session.data, session.run = QuietData(), QuietRun(runs_folder)
    session.comparison = Comparison(session.run)
    session.trial, session.projection = Trial(session.run), Projection(session.run)
    session.examination = Examination(session.run, session.trial)
    session.similarity = Similarity(session.run)
    session.looking = Looking(session.run, session.trial)
    session.writing = Writing(session.run)
    session.backends = Backends(catalog, session.run)
    session.backends.messaged.connect(lambda message: session.messaged.emit(message))
    session.document.set_info(session.data.info)
    return session


def open_window(catalog: Catalog, theme: Theme, runs_folder: Path) -> MainWindow:
    """Return a shown window with its front panels made; its timers do not run."""
    window = MainWindow(quiet_session(catalog, runs_folder), theme)
    window.resize(1440, 900)
    window.show()
    window.page.release()
    return window
