"""Making run folders, and telling their workers what to do."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from workbench.document.files import dumps
from workbench.errors import UserError
from workbench.files import unwritable, write_atomically
from workbench.runs import commands
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.request import Request, read_request, write_request

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.document.experiment import Experiment


def create_run(experiment: Experiment, runs_folder: Path, name: str | None = None) -> RunFolder:
    """Make a new folder such as `2026-11-22_103107_digits-cnn` that holds the experiment.

    Args:
        name: ends the folder's name; None takes the experiment's.

    Raises:
        UserError: the folder cannot be made, or the disk is full.
    """
    stem = f"{datetime.now():%Y-%m-%d_%H%M%S}_{_slug(name or experiment.name)}"
    folder = RunFolder(_new_folder(runs_folder, stem))
    try:
        write_atomically(folder.experiment, dumps(experiment))
    except UserError:
        with contextlib.suppress(OSError):
            folder.path.rmdir()
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
        epochs: epochs in all to train up to; None keeps what was asked for last.

    Raises:
        UserError: the run is running, or its folder cannot be written to.
    """
    if is_running(folder):
        raise UserError(f"{folder.name} is running.", "Stop it first, or let it end.")
    wanted = epochs if epochs is not None else _requested_epochs(folder)
    write_request(folder, Request(resume=True, epochs=wanted))
    with contextlib.suppress(FileNotFoundError):
        folder.commands.unlink()


def _requested_epochs(folder: RunFolder) -> int | None:
    try:
        return read_request(folder).epochs
    except UserError:
        return None


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
