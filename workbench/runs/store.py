"""The runs of a folder: list, find, annotate and delete them."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from workbench.document import files
from workbench.errors import UserError
from workbench.files import unwritable, write_atomically
from workbench.runs.control import is_running
from workbench.runs.folder import RunFolder
from workbench.runs.state import ENDED, Status
from workbench.runs.summary import facts_of

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment

RunStatus = Status | Literal["interrupted", "damaged"]


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """A person's words on a run."""

    title: str = ""
    notes: str = ""
    starred: bool = False


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line in the list of runs.

    Attributes:
        title: the person's own; else the experiment's name.
        status: from events and lock together: "interrupted" is a run whose events go on but
            whose worker is gone, "damaged" one whose experiment cannot be read.
        reason: why it failed or is damaged, as a sentence.
        created: seconds since the epoch, UTC.
        monitor: the validation metric shown ("val/accuracy"); best and last are its values.
        headline: metric that people look at first, without its split.
        test: test metrics by name.
        duration: seconds of work, pauses and interruptions left out as far as is known.
        size: bytes of all its files.
    """

    folder: RunFolder
    title: str
    experiment: str = ""
    status: RunStatus = "new"
    reason: str = ""
    created: float = 0.0
    epochs: int = 0
    planned_epochs: int = 0
    monitor: str = ""
    best: float | None = None
    last: float | None = None
    headline: str = "accuracy"
    test: dict[str, float] = {}
    backend: str = ""
    device: str = ""
    duration: float = 0.0
    size: int = 0
    notes: str = ""
    starred: bool = False
    running: bool = False

    @property
    def test_score(self) -> float | None:
        """What people look at first of the test split; None where nothing was measured."""
        return self.test.get(f"test/{self.headline}", next(iter(self.test.values()), None))


def run_status(told: Status, running: bool) -> RunStatus:
    """Return the status from what the events tell and whether the lock is held."""
    if running or told in ENDED or told == "new":
        return told
    return "interrupted"


def list_runs(runs_folder: Path) -> list[RunSummary]:
    """Return the runs below a folder, newest first; foreign folders are passed over.

    Never raises: a folder that does not exist or cannot be read has no runs.
    """
    try:
        folders = [RunFolder(Path(entry)) for entry in runs_folder.iterdir() if entry.is_dir()]
    except OSError:
        return []
    runs = [summarise(folder) for folder in folders if is_run(folder)]
    return sorted(runs, key=lambda run: (run.created, run.folder.name), reverse=True)


def is_run(folder: RunFolder) -> bool:
    """Whether a folder holds a run, damaged or not."""
    return folder.experiment.is_file() or folder.events.is_file()


def summarise(folder: RunFolder) -> RunSummary:
    """Return one run's summary; never raises."""
    try:
        facts = facts_of(folder)
    except (OSError, msgspec.DecodeError) as error:
        reason = f"Its files cannot be read: {error}."
        return RunSummary(folder=folder, title=folder.name, status="damaged", reason=reason)
    notes = read_notes(folder)
    running = is_running(folder)
    status: RunStatus = "damaged" if facts.damage else run_status(facts.status, running)
    return RunSummary(
        folder=folder,
        title=notes.title or facts.experiment or folder.name,
        experiment=facts.experiment,
        status=status,
        reason=facts.damage or (facts.message if status == "failed" else ""),
        created=facts.created,
        epochs=facts.epochs,
        planned_epochs=facts.planned_epochs,
        monitor=facts.monitor,
        best=facts.best,
        last=facts.last,
        headline=facts.headline,
        test=facts.test,
        backend=facts.backend,
        device=facts.device,
        duration=facts.duration,
        size=facts.size,
        notes=notes.notes,
        starred=notes.starred,
        running=running,
    )


def find_run(name: str, runs_folder: Path) -> RunFolder:
    """Return the run of a name: a folder's path, a name in the runs folder, or "last".

    A part of a name will do when only one run has it.

    Raises:
        UserError: there is no such run, or several.
    """
    direct = RunFolder(Path(name))
    if name != "last" and is_run(direct):
        return direct
    runs = list_runs(runs_folder)
    if name == "last" and runs:
        return runs[0].folder
    exact = [run.folder for run in runs if run.folder.name == name]
    found = exact or [run.folder for run in runs if name and name in run.folder.name]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(folder.name for folder in found[:5])
        raise UserError(f"Several runs are called “{name}”: {names}.", "Give the whole name.")
    hint = "`workbench runs list` shows what is there." if runs else "No run is there yet."
    raise UserError(f"There is no run called “{name}” in {runs_folder}.", hint)


def check_deletable(folder: RunFolder) -> None:
    """Raise UserError for what is no run, and for a running one."""
    if not is_run(folder):
        raise UserError(f"{folder.path} is not a run.", "Only run folders are deleted from here.")
    if is_running(folder):
        raise UserError(f"{folder.name} is running.", "Stop it before deleting it.")


def delete(folder: RunFolder) -> None:
    """Delete a run and all its files.

    Raises:
        UserError: it is running, it is no run, or it cannot be deleted.
    """
    check_deletable(folder)
    try:
        shutil.rmtree(folder.path)
    except OSError as error:
        raise UserError(
            f"{folder.name} could not be deleted: {error.strerror or error}.",
            "Close what may be using its files, and look at the folder's rights.",
        ) from error


def read_notes(folder: RunFolder) -> Notes:
    """Return a person's words on a run; empty ones when there are none."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(folder.notes.read_bytes(), type=Notes)
    return Notes()


def annotate(folder: RunFolder, notes: Notes) -> None:
    """Keep a person's words on a run; raises UserError when they cannot be written."""
    if not folder.path.is_dir():
        raise unwritable(folder.notes, FileNotFoundError(2, "No such file or directory"))
    write_atomically(folder.notes, msgspec.json.encode(notes))


def read_experiment(folder: RunFolder) -> Experiment:
    """Return what a run trains; raises UserError when its file is gone or damaged."""
    return files.load(folder.experiment)
