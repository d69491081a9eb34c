"""One open window's worth of state, without a window: document, data and shown run."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.errors import UserError
from workbench.session.backend_comparison import BackendComparison
from workbench.session.backends import Backends
from workbench.session.comparison import Comparison
from workbench.session.correcting import Correcting
from workbench.session.data import DataSession
from workbench.session.document import DocumentSession
from workbench.session.examination import Examination
from workbench.session.importing import ModelImport
from workbench.session.looking import Looking
from workbench.session.message import Message
from workbench.session.projection import Projection
from workbench.session.run import RunSession
from workbench.session.similarity import Similarity
from workbench.session.trial import Trial
from workbench.session.watching import Watching
from workbench.session.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.preferences import Preferences
    from workbench.runs.folder import RunFolder

__all__ = [
    "BackendComparison",
    "Backends",
    "Comparison",
    "Correcting",
    "DataSession",
    "DocumentSession",
    "Examination",
    "Looking",
    "Message",
    "Projection",
    "RunSession",
    "Session",
    "Similarity",
    "Trial",
    "Watching",
    "Writing",
]


MOST_MESSAGES = 500


class Session:
    """Joins the parts; widgets take the part they show.

    Everything here is called on one thread. Background work hands its results over in `tick`,
    which the window calls 20 times a second.

    Signals:
        messaged(Message): something to show in the message bar.

    Attributes:
        messages: the last ones, each with its time in seconds since the epoch.
    """

    messaged = Signal(Message)

    def __init__(self, catalog: Catalog, preferences: Preferences, runs_folder: Path) -> None:
        self.catalog = catalog
        self.preferences = preferences
        self.document = DocumentSession(catalog)
        self.correcting = Correcting(self.document)
        self.data = DataSession(catalog)
        self.run = RunSession(catalog, runs_folder)
        self.backends = Backends(catalog, self.run)
        self.comparison = Comparison(self.run)
        self.trial = Trial(self.run)
        self.looking = Looking(self.run, self.trial)
        self.examination = Examination(self.run, self.trial)
        self.similarity = Similarity(self.run)
        self.projection = Projection(self.run)
        self.writing = Writing(self.run)
        self.models = ModelImport(self.document)
        self.messages: deque[tuple[float, Message]] = deque(maxlen=MOST_MESSAGES)
        self.messaged.connect(self._keep_message)
        self.document.experiment_changed.connect(self._on_experiment_changed)
        self.data.info_changed.connect(self._on_info_changed)
        self.run.messaged.connect(self._pass_on)
        self.backends.messaged.connect(self._pass_on)
        self.trial.messaged.connect(self._pass_on)
        self.projection.messaged.connect(self._pass_on)
        self.writing.messaged.connect(self._pass_on)
        self.models.messaged.connect(self._pass_on)
        self.comparison.failed.connect(self._on_comparison_failed)
        self._watching: Watching | None = None
        self.backend_comparison: BackendComparison | None = None
        self._on_info_changed()

    @property
    def watching(self) -> Watching:
        """What is looked at inside the network; nothing is told to workers before somebody does."""
        if self._watching is None:
            self._watching = Watching(self)
        return self._watching

    def tick(self) -> None:
        """Take over what background work has ready."""
        self.data.tick()
        self.run.tick()
        self.backends.tick()
        self.comparison.tick()
        self.trial.tick()
        self.projection.tick()
        self.similarity.tick()
        self.writing.tick()
        self.models.tick()
        self.document.tick()
        if self.backend_comparison is not None and self.backend_comparison.is_running:
            self.backend_comparison.tick()

    def _pass_on(self, message: Message) -> None:
        # Not `messaged.emit` itself: psygnal calls such a slot to learn what it takes.
        self.messaged.emit(message)

    def _keep_message(self, message: Message) -> None:
        self.messages.append((time.time(), message))

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something a person asked for; a UserError becomes a message and False."""
        try:
            action()
        except UserError as error:
            self.messaged.emit(Message("error", error.message, error.hint))
            return False
        return True

    def compare_backends(self, backends: Sequence[str], steps: int) -> BackendComparison:
        """Train the present experiment for some steps on each backend; its curves are overlaid.

        The first run is shown, the others are compared with it; `tick` carries it on.
        """
        compared = BackendComparison(
            self.document.experiment,
            backends,
            steps,
            catalog=self.catalog,
            runs_folder=self.run.runs_folder,
            launcher=self.run.launcher,
        )
        compared.started.connect(lambda folder: self._overlay(compared, folder))
        self.backend_comparison = compared
        return compared

    def _overlay(self, compared: BackendComparison, folder: RunFolder) -> None:
        if folder == compared.trials[0].folder:
            for other in list(self.comparison.runs.values()):
                self.comparison.check(other.folder, False)
            self.attempt(lambda: self.run.open(folder))
        else:
            self.comparison.check(folder, True)
        self.run.refresh()

    def close(self, *, keep_unsaved: bool = False) -> None:
        """Let go of helpers and of waiting workers; training goes on.

        Args:
            keep_unsaved: leave unsaved work in its recovery file, for the next start.
        """
        if self.backend_comparison is not None:
            self.backend_comparison.cancel()
        self.data.close()
        self.comparison.close()
        self.trial.close()
        self.projection.close()
        self.similarity.close()
        self.writing.close()
        self.models.close()
        self.run.close()
        self.document.close(keep_unsaved=keep_unsaved)

    def _on_experiment_changed(self) -> None:
        self.data.look_at(self.document.experiment.data)
        self.backends.look_at(self.document.experiment.training.backend)

    def _on_comparison_failed(self, error: UserError) -> None:
        self.messaged.emit(Message("error", error.message, error.hint))

    def _on_info_changed(self) -> None:
        self.document.set_info(self.data.info, is_reading=self.data.is_busy)
        errors = self.document.report.errors
        is_known = self.data.info is not None and not self.data.is_busy
        if is_known and len(errors) == 1 and errors[0].repair is not None:
            self.messaged.emit(Message.of(errors[0]))  # other data: the head no longer fits
