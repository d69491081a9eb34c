"""The shown run: starting, following and commanding it; the list of all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.session.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.runs.folder import RunFolder
    from workbench.runs.probes import Snapshot
    from workbench.runs.state import RunState
    from workbench.runs.store import RunSummary


class RunSession:
    """Follows one run at a time and lists the others.

    Signals:
        opened(): another run is shown, or none; read `folder`, `experiment`, `state`.
        updated(): events were applied to `state`; at most once a tick.
        runs_changed(): the list of runs is another; read `runs`.
        messaged(Message): something to show in the message bar.
    """

    opened = Signal()
    updated = Signal()
    runs_changed = Signal()
    messaged = Signal(Message)

    folder: RunFolder | None
    experiment: Experiment | None  # what the shown run trains
    state: RunState
    runs: list[RunSummary]
    runs_folder: Path

    def __init__(self, catalog: Catalog, runs_folder: Path) -> None: ...

    @property
    def is_active(self) -> bool:
        """Whether the shown run has a living worker (told by its lock) or is being started."""

    def start(self, experiment: Experiment) -> None:
        """Make a run folder, submit it, and show it. Raises UserError (read-only, disk full)."""

    def open(self, folder: RunFolder) -> None:
        """Show a run: replay its events, then follow them."""

    def close_run(self) -> None:
        """Show no run."""

    def pause(self) -> None:
        """Ask the worker to pause."""

    def resume(self) -> None:
        """Go on: after a pause by a command, else by a new worker from the last checkpoint."""

    def stop(self) -> None:
        """Ask the worker to stop; asked a second time, end it at once."""

    def save_now(self) -> None:
        """Ask for a checkpoint."""

    def continue_for(self, epochs: int) -> None:
        """Train an ended run for so many more epochs."""

    def set_learning_rate(self, learning_rate: float) -> None:
        """Replace the rate of the running training."""

    def watch(self, sample: int, layers: tuple[str, ...], thumbnails: tuple[str, ...]) -> None:
        """Say what is on screen; repeated calls with the same values cost nothing."""

    def snapshot(self, name: str) -> Snapshot | None:
        """Return a probe file's content if it is loaded; else load it in the background.

        `updated` is emitted when a wanted snapshot has arrived.
        """

    def delete(self, folder: RunFolder) -> None:
        """Delete an ended run; raises UserError for a running one."""

    def annotate(self, folder: RunFolder, title: str, notes: str) -> None:
        """Keep a person's words on a run."""

    def refresh(self) -> None:
        """List the runs again, in the background."""

    def warm_up(self, backend: str) -> None:
        """Keep a worker ready with the backend imported."""

    def tick(self) -> None:
        """Apply new events to `state`, take over loaded files."""

    def close(self) -> None:
        """Stop following; training goes on."""
