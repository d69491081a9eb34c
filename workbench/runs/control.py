"""Making run folders, and telling their workers what to do."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from workbench.document.edits import set_training
from workbench.document.files import dumps, load
from workbench.errors import UserError
from workbench.files import unwritable, write_atomically
from workbench.runs import commands
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.request import Request, read_request, write_request
from workbench.runs.start import copy_into, find, find_asset

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment


def create_run(
    experiment: Experiment,
    runs_folder: Path,
    name: str | None = None,
    origin: RunFolder | None = None,
) -> RunFolder:
    """Make a new folder such as `2026-11-22_103107_digits-cnn` that holds the experiment.

    Weights that the experiment starts from, and files that its network reads, are copied, so that
    the run needs no other file.

    Args:
        name: ends the folder's name; None takes the experiment's.
        origin: a run of the same network, whose copies are copied; None takes what the experiment
            names.

    Raises:
        UserError: the folder cannot be made, the disk is full, or a file that it needs is
            gone.
    """
    sources = _needed(experiment, origin)
    stem = f"{datetime.now():%Y-%m-%d_%H%M%S}_{_slug(name or experiment.name)}"
    folder = RunFolder(_new_folder(runs_folder, stem))
    try:
        for place, source in sources.items():
            copy_into(folder.path / place, source)
        write_atomically(folder.experiment, dumps(experiment))
    except UserError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


def _needed(experiment: Experiment, origin: RunFolder | None) -> dict[Path, Path]:
    """Return the files that a run of an experiment holds: by place in its folder, where they lie.

    Raises:
        UserError: one is gone.
    """
    in_folder = RunFolder(Path())
    found: dict[Path, Path] = {}
    if experiment.start is not None:
        kept = origin.start if origin is not None else None
        found[in_folder.start] = kept if kept and kept.exists() else find(experiment.start)
    for asset in experiment.assets:
        kept = origin.assets / asset.name if origin is not None else None
        found[in_folder.assets / asset.name] = kept if kept and kept.exists() else find_asset(asset)
    return found


def is_running(folder: RunFolder) -> bool:
    """Whether a worker lives, told by its lock and by nothing else.

    The lock is held for an instant to find out; a starting worker tries again for a second.
    """
    if not folder.lock.exists():
        return False
    lock = FileLock(folder.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def send(folder: RunFolder, command: commands.Command) -> None:
    """Tell the worker; raises UserError when the folder cannot be written to."""
    try:
        with LineWriter(folder.commands) as writer:
            writer.write(commands.encode(command))
    except OSError as error:
        raise unwritable(folder.commands, error) from error


def continue_elsewhere(
    folder: RunFolder, backend: str, runs_folder: Path, epochs: int | None = None
) -> RunFolder:
    """Make a new run that goes on, in another backend, from where a run is; that stays as it is.

    Events, checkpoints, data and results are copied, so that the curves of the new run go on from
    the old ones. Its device is chosen anew, unless it was the processor.

    Args:
        backend: id of the backend; the caller has seen that it is there.
        epochs: epochs in all to train up to; None: as many as were asked for last.

    Raises:
        UserError: the run is running, has no checkpoint, or cannot be read; or the disk is full.
    """
    if is_running(folder):
        raise UserError(f"{folder.name} is running.", "Stop it first, or let it end.")
    if not any(folder.checkpoints.glob("step-*")):
        raise UserError(
            f"{folder.name} has no checkpoint to go on from.", "Train a new run instead."
        )
    experiment = load(folder.experiment)
    device = "cpu" if experiment.training.device == "cpu" else "auto"
    moved = set_training(experiment, backend=backend, device=device)
    new = create_run(moved, runs_folder, origin=folder)
    try:
        _copy_past(folder, new)
        last = _last_request(folder) if epochs is None else Request(epochs=epochs)
        write_request(new, Request(resume=True, epochs=last.epochs))
    except (OSError, UserError) as error:
        shutil.rmtree(new.path, ignore_errors=True)
        raise unwritable(new.path, error) if isinstance(error, OSError) else error from error
    return new


def _copy_past(old: RunFolder, new: RunFolder) -> None:
    """Copy what a run goes on from. Feature maps stay behind: they are large, and soon anew."""
    note = ev.Noted(time=time.time(), severity="info", message=f"A continuation of {old.name}.")
    # First, so that the new run counts as made now.
    new.events.write_bytes(ev.encode(note) + old.events.read_bytes())
    partial = shutil.ignore_patterns(".*")
    shutil.copytree(old.checkpoints, new.checkpoints, ignore=partial)
    if old.results.is_dir():
        shutil.copytree(old.results, new.results, ignore=partial)
    if old.info.is_file():
        shutil.copyfile(old.info, new.info)


def request_resume(folder: RunFolder, epochs: int | None = None) -> None:
    """Ask the next worker to go on from the last checkpoint.

    What was commanded of earlier workers is void: commands.jsonl begins anew, so that a worker
    reads it from its first line.

    Args:
        epochs: epochs in all to train up to, whatever limit of steps there was; None keeps what
            was asked for last.

    Raises:
        UserError: the run is running or gone, or its folder cannot be written to.
    """
    if not folder.path.is_dir():
        raise UserError(f"The run {folder.name} is gone.", "It was deleted or moved.")
    if is_running(folder):
        raise UserError(f"{folder.name} is running.", "Stop it first, or let it end.")
    last = _last_request(folder) if epochs is None else Request(epochs=epochs)
    write_request(folder, msgspec.structs.replace(last, resume=True))
    with contextlib.suppress(FileNotFoundError):
        folder.commands.unlink()


def _last_request(folder: RunFolder) -> Request:
    try:
        return read_request(folder)
    except UserError:
        return Request()


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-") or "run"


def _new_folder(runs_folder: Path, stem: str) -> Path:
    path, number = runs_folder / stem, 1
    while True:
        try:
            runs_folder.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if not runs_folder.is_dir():
                raise UserError(
                    f"{runs_folder} is a file, not a folder.", "Choose another folder for runs."
                ) from None
            number += 1
            path = runs_folder / f"{stem}-{number}"
        except OSError as error:
            raise unwritable(path, error) from error
        else:
            return path
