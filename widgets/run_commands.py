"""Starting and steering runs from the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from workbench.session import Session


class RunCommands:
    """What the Run menu does.

    Args:
        show_tab: brings a tab to the front by its key.
    """

    def __init__(self, session: Session, window: QWidget, show_tab: Callable[[str], object]):
        self._session = session
        self._window = window
        self._show_tab = show_tab

    def train(self) -> None:
        """Start training, unless the design or the data forbid it; then say what does."""
        session = self._session
        errors = session.document.report.errors
        if errors:
            self._show_tab("problems")
            hint = "The list of problems says what to do about each."
            text = f"Training cannot start: {errors[0].message}"
            session.messaged.emit(Message.of(errors[0], text, hint))
            return
        if session.backends.say_missing(session.document.experiment.training.backend):
            return
        if session.data.error is not None:
            self._show_tab("data")
            error = session.data.error
            session.messaged.emit(Message("error", error.message, error.hint))
            return
        session.document.seal()
        if session.attempt(lambda: session.run.start(session.document.experiment)):
            self._show_tab("monitor")

    def pause(self) -> None:
        """Pause after the present step."""
        self._session.attempt(self._session.run.pause)

    def resume(self) -> None:
        """Go on after a pause, or from the last checkpoint."""
        self._session.attempt(self._session.run.resume)

    def stop(self) -> None:
        """Stop after the present step and save; the second time, at once."""
        self._session.attempt(self._session.run.stop)

    def save_now(self) -> None:
        """Save a checkpoint now."""
        if self._session.attempt(self._session.run.save_now):
            self._session.messaged.emit(Message("info", "A checkpoint is being saved."))

    def continue_dialog(self) -> None:
        """Ask for how many more epochs an ended run shall train."""
        from widgets.dialogs.more_epochs import ask_more_epochs

        epochs = ask_more_epochs(self._window, self._session.run.experiment)
        if epochs is not None:
            self.continue_for(epochs)

    def continue_for(self, epochs: int) -> None:
        """Train an ended run for more epochs."""
        run = self._session.run
        if self._session.attempt(lambda: run.continue_for(epochs)):
            self._show_tab("monitor")

    @property
    def can_train(self) -> bool:
        """Whether the shown run leaves the way free for another one."""
        return not self._session.run.is_active

    @property
    def can_pause(self) -> bool:
        """Whether training is going on."""
        run = self._session.run
        return run.is_active and run.state.status == "training"

    @property
    def can_resume(self) -> bool:
        """Whether the shown run waits, or was interrupted or stopped before its end."""
        run = self._session.run
        if run.folder is None:
            return False
        if run.is_active:
            return run.state.status == "paused"
        return bool(run.state.checkpoints) and run.state.status != "completed"

    @property
    def can_stop(self) -> bool:
        """Whether a worker lives."""
        return self._session.run.is_active

    @property
    def can_continue(self) -> bool:
        """Whether the shown run has ended and left a checkpoint."""
        run = self._session.run
        return run.folder is not None and not run.is_active and bool(run.state.checkpoints)
