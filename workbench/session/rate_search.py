"""Looking for a learning rate: the window asks a process of its own, and never waits for it."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

from msgspec.structs import replace
from psygnal import Signal

from workbench.document.changes import compare
from workbench.document.edits import set_training
from workbench.errors import UserError
from workbench.finding import Finding, FindRate, RateFound, Reply
from workbench.reading import Refused
from workbench.session.helper import Helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.analysis.learning_rate import RatePoint, Suggestion
    from workbench.document.experiment import Experiment
    from workbench.session.document import DocumentSession

COMMAND = (sys.executable, "-P", "-m", "workbench.worker.finder")
RATE = "training.optimizer.learning_rate"


class RateSearch:
    """Tests the experiment as it is when it starts; neither it nor its runs are touched.

    Signals:
        changed(): read `doing`, `tested`, `suggestion` and `error`.
    """

    changed = Signal()

    def __init__(self, document: DocumentSession, command: Sequence[str] = COMMAND) -> None:
        self._document = document
        self._helper = Helper(command, Reply, "tests learning rates", (Finding,))
        self._asked = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._experiment: Experiment | None = None
        self.doing = ""
        self.tested: list[RatePoint] = []
        self.suggestion: Suggestion | None = None
        self.error: UserError | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a test goes on."""
        return bool(self.doing)

    @property
    def is_outdated(self) -> bool:
        """Whether something else than the rate has been changed since the test."""
        if self._experiment is None:
            return False
        differences = compare((self._experiment, self._document.experiment))
        return any(difference.path != RATE for difference in differences)

    def start(self) -> None:
        """Begin a test."""
        self.cancel()
        self._experiment = self._document.experiment
        self.tested, self.suggestion, self.error = [], None, None
        self.doing = "Starting"
        self._folder = tempfile.TemporaryDirectory(
            prefix="workbench-rates-", ignore_cleanup_errors=True
        )
        self._asked = self._helper.ask(
            FindRate(experiment=self._experiment, folder=self._folder.name)
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Give up the test that goes on; what it has shown stays."""
        if self.is_busy:
            self._end()
            self.changed.emit()

    def close(self) -> None:
        """End the process."""
        self._end()

    def tick(self) -> None:
        """Take over what has been answered."""
        replies = [reply for reply in self._helper.replies() if reply.id == self._asked]
        for reply in replies:
            self._take(reply)
        if replies:
            self.changed.emit()

    def use(self) -> None:
        """Take the suggestion over into the experiment, as one step of undo."""
        if self.suggestion is None or self.suggestion.rate is None:
            return
        rate = self.suggestion.rate

        def changed(experiment: Experiment) -> Experiment:
            optimizer = replace(experiment.training.optimizer, learning_rate=rate)
            return set_training(experiment, optimizer=optimizer)

        self._document.edit(changed, f"Use the learning rate {rate:g}")

    def _take(self, reply: Reply) -> None:
        match reply:
            case Finding(words=words, tested=tested):
                self.doing = words or self.doing
                if tested is not None:
                    self.tested.append(tested)
                return
            case RateFound():
                self.suggestion = reply.suggestion
            case Refused():
                self.error = UserError(reply.message, reply.hint)
        self._end()

    def _end(self) -> None:
        self.doing = ""
        self._helper.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
