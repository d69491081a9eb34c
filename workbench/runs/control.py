"""Making run folders, and telling their workers what to do."""

from __future__ import annotations

import contextlib
import re
import shutil
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from workbench.document.files import dumps
from workbench.errors import UserError
from workbench.files import unwritable, write_atomically
from workbench.runs import commands
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.request import Request, read_request, write_request
from workbench.runs.start import copy_into, find

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.document.experiment import Experiment


def create_run(
    experiment: Experiment,
    runs_folder: Path,
    name: str | None = None,
    start: Path | None = None,
) -> RunFolder:
    """Make a new folder such as `2026-11-22_103107_digits-cnn` that holds the experiment.

    Weights that the experiment starts from are copied, so that the run needs no other file.

    Args:
        name: ends the folder's name; None takes the experiment's.
        start: a copy of the starting weights; None takes what the experiment names.

    Raises:
        UserError: the folder cannot be made, the disk is full, or the starting weights are gone.
    """
    if experiment.start is not None:
        start = start or find(experiment.start)
    stem = f"{datetime.now():%Y-%m-%d_%H%M%S}_{_slug(name or experiment.name)}"
    folder = RunFolder(_new_folder(runs_folder, stem))
    try:
        if experiment.start is not None and start is not None:
            copy_into(folder, start)
        write_atomically(folder.experiment, dumps(experiment))
    except UserError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


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


def request_resume(folder: RunFolder, epochs: int | None = None) -> None:
    """Ask the next worker to go on from the last checkpoint.

    What was commanded of earlier workers is void: commands.jsonl begins anew, so that a worker
    reads it from its first line.

    Args:
        epochs: epochs in all to train up to, whatever limit of steps there was; None keeps what
            was asked for last.

    Raises:
        UserError: the run is running, or its folder cannot be written to.
    """
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
