"""The shown run: starting, following and commanding it; the list of all runs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.errors import UserError
from workbench.runs import commands, control, store
from workbench.runs.state import RunState
from workbench.session.background import Background
from workbench.session.message import Message
from workbench.session.shown_run import ShownRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.launcher import Launcher, Readiness
    from workbench.runs.folder import RunFolder
    from workbench.runs.probes import Snapshot
    from workbench.runs.results import Results
    from workbench.runs.store import RunStatus, RunSummary


class RunSession:
    """Follows one run at a time and lists the others.

    Signals:
        opened(): another run is shown, or none; read `folder`, `experiment`, `state`.
        updated(): events were applied to `state`, or the worker came or went, or a wanted file
            has arrived; at most once a tick.
        runs_changed(): the list of runs is another; read `runs`.
        messaged(Message): something to show in the message bar.
    """

    opened = Signal()
    updated = Signal()
    runs_changed = Signal()
    messaged = Signal(Message)

    def __init__(self, catalog: Catalog, runs_folder: Path) -> None:
        self.runs: list[RunSummary] = []
        self.runs_folder = runs_folder
        self._catalog = catalog
        self._launcher: Launcher | None = None
        self._shown: ShownRun | None = None
        self._nothing = RunState()
        self._watch: commands.Watch | None = None
        self._sent: commands.Watch | None = None
        self._background = Background()
        self._listing = self._list_again = False

    @property
    def folder(self) -> RunFolder | None:
        """The shown run's folder."""
        return self._shown.folder if self._shown else None

    @property
    def experiment(self) -> Experiment | None:
        """What the shown run trains; None when that cannot be read, or nothing is shown."""
        return self._shown.experiment if self._shown else None

    @property
    def state(self) -> RunState:
        """What the shown run's events add up to; an empty one when nothing is shown."""
        return self._shown.state if self._shown else self._nothing

    @property
    def status(self) -> RunStatus:
        """Status of the shown run from its events and its lock: "interrupted" without a worker."""
        return self._shown.status if self._shown else "new"

    @property
    def is_active(self) -> bool:
        """Whether the shown run has a living worker (told by its lock) or is being started."""
        return self._shown is not None and self._shown.is_active

    def start(self, experiment: Experiment) -> None:
        """Make a run folder, submit it, and show it. Raises UserError (read-only, disk full)."""
        folder = control.create_run(experiment, self.runs_folder)
        shown = ShownRun(folder, self.launcher, self.messaged.emit)
        try:
            if self._watch is not None:
                control.send(folder, self._watch)
            shown.submit()
        except UserError:
            shown.close()
            store.delete(folder)
            raise
        self._show(shown)
        self._sent = self._watch
        self.refresh()

    def open(self, folder: RunFolder) -> None:
        """Show a run: replay its events, then follow them. Raises UserError if it is no run."""
        if not store.is_run(folder):
            raise UserError(f"{folder.path} is not a run.", "It may have been deleted or moved.")
        self._show(ShownRun(folder, self.launcher, self.messaged.emit))
        self._send_watch()

    def close_run(self) -> None:
        """Show no run."""
        if self._shown is not None:
            self._show(None)

    def pause(self) -> None:
        """Ask the worker to pause."""
        self._tell(commands.Pause())

    def resume(self) -> None:
        """Go on: after a pause by a command, else by a new worker from the last checkpoint."""
        if self.is_active and self.state.status in ("paused", "training", "preparing"):
            self._tell(commands.Resume())
            return
        if self.state.status == "completed" and self.state.epoch >= self.state.planned_epochs:
            raise UserError("All planned epochs are done.", "Continue for some more epochs.")
        self._restart(None)

    def stop(self) -> None:
        """Ask the worker to stop; asked a second time, end it at once."""
        shown = self._shown
        if shown is None or not shown.is_active:
            return
        shown.resume_when_free = None
        if shown.stop_asked or self.state.status == "stopping":
            shown.stop_asked = True
            shown.cancel()
            return
        self._tell(commands.Stop())
        shown.stop_asked = True
        self.updated.emit()

    def save_now(self) -> None:
        """Ask for a checkpoint."""
        self._tell(commands.Save())

    def continue_for(self, epochs: int) -> None:
        """Train an ended run for so many more epochs."""
        if self.is_active and not self.state.ended:
            raise UserError("The run is still training.", "Stop it first, or let it end.")
        self._restart(self.state.epoch + epochs)

    def continue_elsewhere(
        self, folder: RunFolder, backend: str, epochs: int, done: Callable[[], object]
    ) -> None:
        """Go on with an ended run in another backend: in a new run, which is shown and trains.

        Args:
            epochs: more than are done.
            done: called when the new run is shown; copying a large one takes a while.
        """

        def begin(new: RunFolder) -> None:
            try:
                self.open(new)
                self._restart(None)
            except UserError as error:
                self._on_not_continued(error)
            self.refresh()
            done()

        def copy() -> RunFolder:
            epochs_done = store.summarise(folder).epochs
            return control.continue_elsewhere(
                folder, backend, self.runs_folder, epochs_done + epochs
            )

        self._background.run(copy, begin, self._on_not_continued)

    def set_learning_rate(self, learning_rate: float) -> None:
        """Replace the rate of the running training."""
        self._tell(commands.SetLearningRate(learning_rate=learning_rate))

    def watch(
        self,
        sample: int,
        layers: tuple[str, ...],
        thumbnails: tuple[str, ...],
        attention: tuple[str, ...] = (),
    ) -> None:
        """Say what is on screen; repeated calls with the same values cost nothing."""
        wanted = commands.Watch(
            sample=sample, layers=layers, thumbnails=thumbnails, attention=attention
        )
        if wanted != self._watch:
            self._watch = wanted
            self._send_watch()

    def snapshot(self, name: str) -> Snapshot | None:
        """Return a probe file's content if it is loaded; else load it in the background.

        `updated` is emitted when a wanted snapshot has arrived.
        """
        return self._shown.snapshot(name) if self._shown else None

    def results(self, split: SplitName) -> Results | None:
        """Return the predictions of a split, like `snapshot`; None also when there are none."""
        return self._shown.results(split) if self._shown else None

    def delete(self, folder: RunFolder) -> None:
        """Delete an ended run; raises UserError for a running one."""
        store.check_deletable(folder)
        if self.folder == folder:
            self.close_run()
        self.runs = [run for run in self.runs if run.folder != folder]
        self.runs_changed.emit()
        self._background.run(
            lambda: store.delete(folder), lambda _: self.refresh(), self._on_not_deleted
        )

    def annotate(
        self, folder: RunFolder, title: str, notes: str, starred: bool | None = None
    ) -> None:
        """Keep a person's words on a run, and its star (None: as it was)."""
        if starred is None:
            starred = store.read_notes(folder).starred
        store.annotate(folder, store.Notes(title=title, notes=notes, starred=starred))
        self.refresh()

    def refresh(self) -> None:
        """List the runs again, in the background."""
        self._list_again = self._listing
        if not self._listing:
            self._listing = True
            runs_folder = self.runs_folder
            self._background.run(
                lambda: store.list_runs(runs_folder), self._on_listed, self._on_not_listed
            )

    def warm_up(self, backend: str) -> None:
        """Keep a worker ready with the backend imported."""
        self.launcher.warm_up(backend)

    def readiness(self, backend: str) -> Readiness:
        """Return how far the worker is that waits with a backend."""
        return self.launcher.readiness(backend)

    def cool_down(self, backend: str) -> None:
        """Let go of the worker that waits with a backend."""
        self.launcher.cool_down(backend)

    def tick(self) -> None:
        """Apply new events to `state`, take over loaded files."""
        self._background.tick()
        if self._shown is None:
            return
        was_active = self._shown.is_active
        changed = self._shown.tick()
        came_or_went = was_active != self._shown.is_active
        if came_or_went:
            self.refresh()
        if changed or came_or_went:
            self.updated.emit()

    def close(self) -> None:
        """Stop following; training goes on."""
        if self._shown is not None:
            self._shown.close()
        if self._launcher is not None:
            self._launcher.close()

    @property
    def launcher(self) -> Launcher:
        """What starts workers."""
        if self._launcher is None:
            self._launcher = self._catalog.launchers["local"]()
        return self._launcher

    def _show(self, shown: ShownRun | None) -> None:
        if self._shown is not None:
            self._shown.close()
        self._shown = shown
        self._sent = None
        self.opened.emit()

    def _restart(self, epochs: int | None) -> None:
        """Start another worker, now or as soon as the present one is gone."""
        shown = self._shown
        if shown is None:
            raise UserError("No run is open.", "Choose one in the list of runs.")
        if shown.is_active:
            shown.resume_when_free = lambda: self._restart_now(shown, epochs)
        else:
            self._restart_now(shown, epochs)
        self.updated.emit()

    def _restart_now(self, shown: ShownRun, epochs: int | None) -> None:
        control.request_resume(shown.folder, epochs)
        self._sent = None
        if self._watch is not None:
            control.send(shown.folder, self._watch)
            self._sent = self._watch
        shown.submit()

    def _tell(self, command: commands.Command) -> None:
        if self._shown is None or not self.is_active:
            raise UserError("The run is not training.", "Resume it first.")
        control.send(self._shown.folder, command)

    def _send_watch(self) -> None:
        if self._watch is None or self._watch == self._sent or not self.is_active:
            return
        with contextlib.suppress(UserError):  # only the pictures stay as they are
            self._tell(self._watch)
            self._sent = self._watch

    def _on_listed(self, runs: list[RunSummary]) -> None:
        self._listing = False
        if runs != self.runs:
            self.runs = runs
            self.runs_changed.emit()
        if self._list_again:
            self.refresh()

    def _on_not_listed(self, error: Exception) -> None:
        self._listing = False
        self.messaged.emit(Message("error", f"The runs could not be listed: {error}."))

    def _on_not_continued(self, error: Exception) -> None:
        hint = error.hint if isinstance(error, UserError) else ""
        text = error.message if isinstance(error, UserError) else f"Not continued: {error}."
        self.messaged.emit(Message("error", text, hint))

    def _on_not_deleted(self, error: Exception) -> None:
        hint = error.hint if isinstance(error, UserError) else ""
        text = error.message if isinstance(error, UserError) else f"Not deleted: {error}."
        self.messaged.emit(Message("error", text, hint))
        self.refresh()
