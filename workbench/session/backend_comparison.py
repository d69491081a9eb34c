"""One experiment trained for some steps on several backends, one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import msgspec
from psygnal import Signal

from workbench.document.edits import set_training
from workbench.errors import UserError
from workbench.plugin_api.parameters import param
from workbench.runs import control, store
from workbench.runs.folder import RunFolder
from workbench.runs.request import Request, write_request
from workbench.session.shown_run import ShownRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.launcher import Launcher
    from workbench.plugin_api.network import Network
    from workbench.session.message import Message


class ComparisonSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a person may choose of a comparison, besides the backends."""

    steps: Annotated[
        int, param("Steps", "Optimizer steps that each backend trains", minimum=1, maximum=100_000)
    ] = 30


@dataclass
class Trial:
    """What one backend made of the experiment.

    Attributes:
        folder: of its run; None before it begins.
        losses: one a step.
        max_difference: largest absolute difference of the loss from the first backend's; None
            while either is missing. Losses that are not finite are never told, only that
            training failed of them.
        seconds: of training, compilation included.
        error: why it did not come to its end; empty otherwise.
        stage: what it is doing now, in words.
    """

    backend: str
    title: str
    folder: RunFolder | None = None
    losses: list[float] = field(default_factory=list)
    max_difference: float | None = None
    seconds: float = 0.0
    error: str = ""
    stage: str = ""
    is_done: bool = False


class BackendComparison:
    """Runs the trials; `tick` is to be called now and then until `is_running` is false.

    Signals:
        changed(): read `trials`.
        started(RunFolder): a run has begun.
    """

    changed = Signal()
    started = Signal(RunFolder)

    def __init__(
        self,
        experiment: Experiment,
        backends: Sequence[str],
        steps: int,
        *,
        catalog: Catalog,
        runs_folder: Path,
        launcher: Launcher,
    ) -> None:
        self.steps = steps
        self.is_running = True
        self.trials = [Trial(backend, catalog.backends[backend].title) for backend in backends]
        self._experiment = experiment
        self._catalog = catalog
        self._runs_folder = runs_folder
        self._launcher = launcher
        self._shown: ShownRun | None = None
        self._messages: list[Message] = []

    @property
    def present(self) -> Trial | None:
        """The trial whose turn it is."""
        return next((trial for trial in self.trials if not trial.is_done), None)

    def tick(self) -> None:
        """Follow the present trial; when it is done, begin the next."""
        trial = self.present
        if trial is None or not self.is_running:
            self.is_running = False
            return
        if self._shown is None:
            self._begin(trial)
        else:
            self._follow(trial, self._shown)

    def cancel(self) -> None:
        """End the present trial at once, and begin no other."""
        trial = self.present
        if not self.is_running or trial is None:
            return
        if self._shown is not None:
            self._shown.stop_asked = True
            self._shown.cancel()
            self._shown.close()
            self._shown = None
        for left in self.trials:
            if not left.is_done:
                left.error, left.is_done = "Cancelled.", True
        self.is_running = False
        self.changed.emit()

    def _begin(self, trial: Trial) -> None:
        try:
            available = self._catalog.backend(trial.backend).availability()
            if not available.ok:
                raise UserError(available.reason, available.install)
            self._submit(trial)
        except UserError as error:
            self._finish(trial, f"{error.message} {error.hint}".strip())

    def _submit(self, trial: Trial) -> None:
        experiment = set_training(self._experiment, backend=trial.backend)
        name = f"{experiment.name} {trial.backend}"
        folder = control.create_run(experiment, self._runs_folder, name)
        write_request(folder, Request(steps=self.steps))
        store.annotate(folder, store.Notes(title=f"{experiment.name} · {trial.title}"))
        shown = ShownRun(folder, self._launcher, self._messages.append)
        trial.folder, trial.stage = folder, "Starting …"
        self._messages.clear()
        self._shown = shown
        try:
            shown.submit()
        except UserError:
            self._end(shown)
            raise
        self.started.emit(folder)
        self.changed.emit()

    def _follow(self, trial: Trial, shown: ShownRun) -> None:
        changed = shown.tick()
        state = shown.state
        if changed:
            losses = state.steps.get("loss")
            trial.losses = list(losses.values) if losses is not None else []
            trial.seconds = state.clock.values[-1] if len(state.clock) else 0.0
            trial.stage = state.message if state.status == "preparing" else ""
            self._compare(trial)
        if shown.is_active:
            if changed:
                self.changed.emit()
            return
        self._end(shown)
        self._finish(trial, "" if state.status == "completed" else self._reason(shown))

    def _end(self, shown: ShownRun) -> None:
        shown.close()
        self._shown = None

    def _finish(self, trial: Trial, error: str) -> None:
        trial.error, trial.is_done, trial.stage = error, True, ""
        self.is_running = self.present is not None
        self.changed.emit()

    def _compare(self, trial: Trial) -> None:
        first = self.trials[0].losses
        pairs = zip(first, trial.losses, strict=False)
        differences = [abs(one - other) for one, other in pairs]
        trial.max_difference = max(differences) if differences else None

    def _reason(self, shown: ShownRun) -> str:
        state = shown.state
        if state.status == "failed":
            where = f"{state.failed_node}: " if state.failed_node else ""
            return f"{where}{state.message} {state.hint}".strip()
        said = [message.text for message in self._messages if message.severity != "info"]
        return said[-1] if said else "It was stopped before its end."


def random_layers(network: Network) -> tuple[str, ...]:
    """Return the layers that draw at random while training: backends need not agree on them."""
    return tuple(node.id for node in network.nodes if node.layer.is_random)


def random_note(layers: Sequence[str]) -> str:
    """Return what that means for a comparison, in a sentence; empty if nothing is random."""
    if not layers:
        return ""
    names = ", ".join(layers[:3]) + (" and others" if len(layers) > 3 else "")
    return (
        f"Equal losses are not promised: {names} {'draws' if len(layers) == 1 else 'draw'} "
        "at random while training, and each framework draws numbers of its own."
    )
