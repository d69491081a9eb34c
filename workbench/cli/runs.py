"""`runs list`, `runs show` and `runs delete`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import preferences
from workbench.cli.progress import duration
from workbench.errors import UserError
from workbench.runs import store

if TYPE_CHECKING:
    import argparse

    from workbench.cli.output import Output
    from workbench.runs.store import RunSummary


def runs_folder(options: argparse.Namespace) -> Path:
    """Return the folder of --runs, else the preferred one, else the default."""
    if options.runs is not None:
        return Path(options.runs)
    preferred = preferences.load().runs_folder
    return Path(preferred) if preferred else preferences.default_runs_folder()


def list_all(options: argparse.Namespace, output: Output) -> int:
    """List the runs, newest first."""
    folder = runs_folder(options)
    if folder.is_file():
        raise UserError(f"{folder} is a file, not a folder.", "Choose another one with --runs DIR.")
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        raise UserError(f"{folder} cannot be read.", "Change its rights, or use --runs DIR.")
    runs = store.list_runs(folder)
    if runs:
        output.table(
            ["run", "title", "status", "epochs", "best", "test", "time"],
            [_row(run) for run in runs],
        )
    elif not output.as_json:
        output.note(f"There is no run in {folder}.")
    output.result([_described(run) for run in runs])
    return 0


def show(options: argparse.Namespace, output: Output) -> int:
    """Show one run."""
    run = store.summarise(store.find_run(options.name, runs_folder(options)))
    described = _described(run)
    if not output.as_json:
        for key, value in described.items():
            if value not in ("", None, {}):
                output.say(f"{key}: {_in_words(value)}")
    output.result(described)
    return 0


def delete(options: argparse.Namespace, output: Output) -> int:
    """Delete a run; on a terminal, ask first."""
    folder = store.find_run(options.name, runs_folder(options))
    if not options.yes and not output.as_json and sys.stdin.isatty():
        answer = input(f"Delete {folder.path} and all its files? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            output.say("Nothing was deleted.")
            return 0
    store.delete(folder)
    output.say(f"{folder.name} deleted.")
    output.result({"deleted": str(folder.path)})
    return 0


def _described(run: RunSummary) -> dict[str, Any]:
    return {
        "run": str(run.folder.path),
        "name": run.folder.name,
        "title": run.title,
        "experiment": run.experiment,
        "status": run.status,
        "reason": run.reason,
        "created": datetime.fromtimestamp(run.created, UTC).isoformat(timespec="seconds"),
        "epochs": run.epochs,
        "planned_epochs": run.planned_epochs,
        "monitor": run.monitor,
        "best": run.best,
        "last": run.last,
        "metrics": run.test,
        "backend": run.backend,
        "device": run.device,
        "seconds": round(run.duration, 3),
        "bytes": run.size,
        "notes": run.notes,
        "starred": run.starred,
    }


def _row(run: RunSummary) -> list[str]:
    best = f"{run.monitor} {run.best:.4g}" if run.best is not None else ""
    test = run.test_score
    return [
        run.folder.name,
        run.title,
        run.status.replace("_", " "),
        f"{run.epochs}/{run.planned_epochs}" if run.planned_epochs else "",
        best,
        f"{test:.4g}" if test is not None else "",
        duration(run.duration) if run.duration else "",
    ]


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:.4g}" for key, number in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
