"""Trains a run folder from whatever state it is in, and says in events how that ends."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.request import Request, read_request
from workbench.worker.assembly import Assembly, assemble
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.control import Control
from workbench.worker.diagnosis import diagnose
from workbench.worker.environment import environment
from workbench.worker.eventlog import EventLog
from workbench.worker.failures import failure
from workbench.worker.importing import import_framework
from workbench.worker.interruptions import StoppedError
from workbench.worker.loop import Tools, TrainingLoop, steps_per_epoch
from workbench.worker.parting import with_kept_features
from workbench.worker.probes import Prober
from workbench.worker.progress import Progress
from workbench.worker.reporter import DivergedError
from workbench.worker.sampling import balanced_words
from workbench.worker.schedule import stretching
from workbench.worker.standard_error import StandardError
from workbench.worker.start import first_weights
from workbench.worker.thawing import bring_back

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.plugin_api.backend import Model
    from workbench.worker.checkpoints import Checkpoint

OK, FAILED, UNWRITABLE, BUSY = 0, 1, 3, 4
"""Exit statuses: ended as it should, failed and said so in the events, could not even say so,
another worker is at it."""
LOCK_SECONDS = 2.0
"""A starting worker waits so long for the lock, which others hold for an instant to look."""


def train(path: Path, catalog: Catalog) -> int:
    """Train a run folder; return the exit status of the process."""
    folder = RunFolder(path.resolve())
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        print(f"{folder.path}: another worker is training this run.", file=sys.stderr)
        return BUSY
    except OSError as error:
        print(f"{folder.path} cannot be written to: {error.strerror}.", file=sys.stderr)
        return UNWRITABLE
    try:
        with StandardError(folder.stderr):
            return _train_locked(folder, catalog)
    finally:
        lock.release()


def _train_locked(folder: RunFolder, catalog: Catalog) -> int:
    try:
        events = EventLog(folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return UNWRITABLE
    try:
        Session(folder, catalog, events).run()
    except Exception as error:
        events.release_reserve()  # first: the log may lie on the same full disk
        with contextlib.suppress(OSError):
            traceback.print_exc()
        try:
            events.write(ev.Failed, **failure(error))
        except UserError as unwritable:
            with contextlib.suppress(OSError):
                print(f"{failure(error)['message']} {unwritable}", file=sys.stderr)
            return UNWRITABLE
        return FAILED
    finally:
        events.close()
    return OK


class Session:
    """One worker's time with a run folder."""

    def __init__(self, folder: RunFolder, catalog: Catalog, events: EventLog) -> None:
        self._folder = folder
        self._catalog = catalog
        self._events = events
        self._control = Control(folder.commands)

    def run(self) -> None:
        """Prepare, train, test; raises whatever keeps it from ending well."""
        self._control.listen_to_signals()
        request = read_request(self._folder)
        assembly = self._assemble()
        try:
            self._train(assembly, request)
        finally:
            assembly.feed.close()

    def _assemble(self) -> Assembly:
        self._prepare("Reading the experiment and its data")
        assembly = assemble(self._folder, self._catalog, self._on_bad_sample)
        self._prepare(f"Starting {assembly.backend.title}")
        import_framework(assembly.backend)
        return assembly

    def _train(self, assembly: Assembly, request: Request) -> None:
        folder, events = self._folder, self._events
        model = assembly.build()
        checkpoints = Checkpoints(
            folder.checkpoints, {"experiment": folder.experiment.read_text(encoding="utf-8")}
        )
        checkpoints.remove_leftovers()
        found = checkpoints.newest()
        first_state = model.state().without_weights()
        progress = self._load(model, assembly, found, request)
        checkpoints.remove_after(progress.step)
        if found is not None:
            self._compare_data(assembly)
        self._control.skip(progress.commands_read, progress.commands_sum)
        model = with_kept_features(assembly, model, self._control, events)
        prober = Prober(folder.probes, model, assembly.network, assembly.feed, events)
        prober.remove_after(progress.step)
        self._describe(assembly, model)
        tools = Tools(assembly, model, events, checkpoints, self._control, prober)
        last_step = request.steps or 0
        loop = TrainingLoop(tools, progress, last_step)
        self._announce(assembly, model, progress, last_step)
        for message in model.warnings():
            self._note(message)
        try:
            reason = loop.run()
        except DivergedError as error:
            raise diagnose(error, tools, first_state) from error
        metrics = dict(progress.metrics)
        if reason != "stopped" and not last_step:  # so few steps are no result
            with contextlib.suppress(StoppedError):
                metrics |= self._test(loop, tools)
        events.write(ev.Finished, step=progress.step, reason=reason, metrics=metrics)

    def _load(
        self, model: Model, assembly: Assembly, found: Checkpoint | None, request: Request
    ) -> Progress:
        """Bring the model to where training goes on, and return that."""
        training = assembly.experiment.training
        epochs = request.epochs or training.epochs
        if request.steps:  # as many as these steps take; the schedule stays, unless they are more
            epochs = max(epochs, -(-request.steps // steps_per_epoch(assembly)))
        if found is None:
            if request.resume and self._folder.checkpoints.exists():
                self._note("No checkpoint could be read, so training begins anew.")
            weights, told = first_weights(assembly.network, assembly.experiment, self._folder)
            model.load_weights(weights)
            if told:
                self._inform(told)
            if training.sampling == "balanced":
                counts = assembly.info.class_counts["train"]
                self._inform(balanced_words(assembly.info.classes, counts))
            return Progress(epochs=epochs, learning_rate=training.optimizer.learning_rate)
        progress = found.progress
        bring_back(model, assembly, progress)
        model.load_weights(found.weights)
        model.load_state(found.model)
        if epochs > progress.epochs:
            progress.stopping.waited = 0
            if told := stretching(training, steps_per_epoch(assembly), progress, epochs):
                self._inform(told)
        progress.epochs = epochs
        return progress

    def _compare_data(self, assembly: Assembly) -> None:
        """Say so when the data are not those that training began with."""
        try:
            before = msgspec.json.decode(self._folder.info.read_bytes())
            fingerprint = before["info"]["fingerprint"]
        except (OSError, msgspec.DecodeError, KeyError):
            return
        if fingerprint != assembly.info.fingerprint:
            self._note(
                "The data have changed since this run began.",
                "Its curves go on, but compare what lies before and after; or train a new run.",
            )

    def _announce(
        self, assembly: Assembly, model: Model, progress: Progress, last_step: int
    ) -> None:
        self._events.write(
            ev.Started,
            step=progress.step,
            epoch=progress.epoch,
            epochs=progress.epochs,
            steps_per_epoch=steps_per_epoch(assembly),
            samples_per_epoch=assembly.feed.counts["train"],
            backend=assembly.backend.id,
            device=model.device.id,
            pid=os.getpid(),
            last_step=last_step,
            headline=assembly.task.headline,
            direction=assembly.task.direction(assembly.task.headline),
        )

    def _test(self, loop: TrainingLoop, tools: Tools) -> dict[str, float]:
        if not tools.assembly.feed.counts.get("test"):
            return {}
        step, which = loop.progress.step, "last"
        if tools.assembly.feed.counts.get("validation") and loop.progress.best_name:
            try:
                best = tools.checkpoints.load(loop.progress.best_name)
            except UserError as error:
                self._note(f"{error.message} The test uses the last weights.")
            else:
                tools.model.load_weights(best.weights)
                step, which = best.progress.step, "best"
        found = loop.test(step)
        self._events.write(
            ev.Evaluated, split="test", step=step, evaluation=found.for_event(), checkpoint=which
        )
        return {f"test/{name}": value for name, value in found.evaluation.metrics.items()}

    def _describe(self, assembly: Assembly, model: Model) -> None:
        described = msgspec.json.encode(environment(assembly, model))
        write_atomically(self._folder.environment, msgspec.json.format(described))
        data = {"info": assembly.info, "fitted": assembly.prepared.fitted}
        write_atomically(self._folder.info, msgspec.json.encode(data))

    def _prepare(self, message: str) -> None:
        self._events.write(ev.Preparing, message=message)

    def _inform(self, message: str) -> None:
        self._events.write(ev.Noted, severity="info", message=message)

    def _note(self, message: str, hint: str = "") -> None:
        self._events.write(ev.Noted, severity="warning", message=message, hint=hint)

    def _on_bad_sample(self, name: str, reason: str) -> None:
        self._note(f"{name} is left out: {reason}")
