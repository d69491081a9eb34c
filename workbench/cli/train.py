"""`train` and `resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.cli.design import examine, open_experiment, problems_of, say_problems
from workbench.cli.follow import run_and_follow
from workbench.cli.parser import WrongUsage
from workbench.cli.runs import runs_folder
from workbench.cli.settings import apply
from workbench.document.edits import set_training
from workbench.errors import UserError
from workbench.runs import control, store

if TYPE_CHECKING:
    import argparse

    from workbench.cli.output import Output
    from workbench.document.experiment import Experiment


def train(options: argparse.Namespace, output: Output) -> int:
    """Check an experiment, make a run of it, and train it."""
    catalog = Catalog.load()
    experiment = _configured(options)
    report = examine(experiment, catalog)
    say_problems(report, output)
    if report.errors:
        first = report.errors[0]
        output.result({"error": first.message, "hint": first.hint, "problems": problems_of(report)})
        return 1
    folder = control.create_run(experiment, runs_folder(options))
    output.say(f"Run: {folder.path}")
    return run_and_follow(folder, catalog.launchers["local"](), output)


def resume(options: argparse.Namespace, output: Output) -> int:
    """Go on with a run that was stopped, interrupted or is to be longer."""
    folder = store.find_run(options.name, runs_folder(options))
    run = store.summarise(folder)
    if run.status == "damaged":
        raise UserError(f"{folder.name} cannot be resumed. {run.reason}")
    planned = options.epochs or run.planned_epochs
    if run.planned_epochs and run.epochs >= planned and run.status != "stopped":
        raise WrongUsage(
            f"{run.epochs} epochs are done already.",
            f"Ask for more in all, such as --epochs {run.epochs + 5}.",
        )
    catalog = Catalog.load()
    if options.backend is None or options.backend == store.read_experiment(folder).training.backend:
        control.request_resume(folder, options.epochs)
    else:
        check_backend(options.backend, catalog)
        folder = control.continue_elsewhere(
            folder, options.backend, runs_folder(options), options.epochs
        )
        output.say(f"Run: {folder.path}")
    return run_and_follow(folder, catalog.launchers["local"](), output)


def check_backend(name: str, catalog: Catalog) -> None:
    """Raise WrongUsage for a backend that nobody knows, UserError for one that is missing."""
    if name not in catalog.backends:
        known = ", ".join(backend.id for backend in catalog.backends)
        raise WrongUsage(f"There is no backend called “{name}” here.", f"There are: {known}.")
    available = catalog.backend(name).availability()
    if not available.ok:
        raise UserError(available.reason, available.install)


def _configured(options: argparse.Namespace) -> Experiment:
    experiment = apply(open_experiment(options.file), options.set)
    wanted = {name: getattr(options, name) for name in ("device", "backend", "epochs")}
    return set_training(experiment, **{key: v for key, v in wanted.items() if v is not None})
