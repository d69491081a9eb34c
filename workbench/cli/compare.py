"""`compare-backends`: the same steps of one experiment on several backends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from workbench.catalog import Catalog
from workbench.cli.design import examine, open_experiment, say_problems
from workbench.cli.parser import WrongUsage
from workbench.cli.runs import runs_folder
from workbench.document.edits import set_training
from workbench.errors import UserError
from workbench.session.backend_comparison import BackendComparison, random_layers, random_note

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from workbench.cli.output import Output
    from workbench.session.backend_comparison import Trial

TICK_SECONDS = 0.05


def compare_backends(options: argparse.Namespace, output: Output) -> int:
    """Train an experiment for some steps on each backend, and compare the losses."""
    catalog = Catalog.load()
    experiment = open_experiment(options.file)
    backends = _wanted(options.backend, catalog)
    report = examine(set_training(experiment, backend=backends[0]), catalog)
    say_problems(report, output)
    if report.errors:
        raise UserError(report.errors[0].message, report.errors[0].hint)
    layers = random_layers(report.network)
    if layers:
        output.note(random_note(layers))
    launcher = catalog.launchers["local"]()
    comparison = BackendComparison(
        experiment,
        backends,
        options.steps,
        catalog=catalog,
        runs_folder=runs_folder(options),
        launcher=launcher,
    )
    try:
        _follow(comparison, output)
    except KeyboardInterrupt:
        comparison.cancel()
    finally:
        launcher.close()
    _conclude(comparison, bool(layers), output)
    if any(trial.error == "Cancelled." for trial in comparison.trials):
        return 130
    return 3 if any(trial.error for trial in comparison.trials) else 0


def _wanted(named: Sequence[str] | None, catalog: Catalog) -> list[str]:
    """Return the backends named, or all that are installed, PyTorch first."""
    known = [kind.id for kind in catalog.backends]
    if named:
        for name in named:
            if name not in known:
                raise WrongUsage(
                    f"There is no backend called “{name}”.", f"There are: {', '.join(known)}."
                )
        return list(dict.fromkeys(named))
    installed = [name for name in known if catalog.backend(name).availability().ok]
    if not installed:
        raise UserError("No backend is installed.", "Install one: pip install torch")
    return sorted(installed, key=lambda name: name != "torch")


def _follow(comparison: BackendComparison, output: Output) -> None:
    told: set[str] = set()
    while comparison.is_running:
        comparison.tick()
        for trial in comparison.trials:
            if trial.is_done and trial.backend not in told:
                told.add(trial.backend)
                output.note(f"{trial.title}: {_outcome(trial)}")
        time.sleep(TICK_SECONDS)


def _outcome(trial: Trial) -> str:
    return trial.error or f"{len(trial.losses)} steps in {trial.seconds:.1f} s"


def _conclude(comparison: BackendComparison, is_random: bool, output: Output) -> None:
    rows = [
        [
            trial.title,
            str(len(trial.losses)),
            f"{trial.losses[-1]:.6f}" if trial.losses else "",
            difference_text(trial.max_difference),
            f"{trial.seconds:.1f} s",
        ]
        for trial in comparison.trials
        if not trial.error
    ]
    first = comparison.trials[0].title
    output.table(
        ["Backend", "Steps", "Last loss", f"Largest difference from {first}", "Time"], rows
    )
    output.result(
        {
            "steps": comparison.steps,
            "backends": [_described(trial) for trial in comparison.trials],
            "random": is_random,
        }
    )


def difference_text(difference: float | None) -> str:
    """Return a difference in two digits; nothing where nothing could be compared."""
    return "" if difference is None else f"{difference:.2g}"


def _described(trial: Trial) -> dict[str, Any]:
    found: dict[str, Any] = {
        "backend": trial.backend,
        "run": str(trial.folder.path) if trial.folder else None,
        "losses": trial.losses,
        "max_difference": trial.max_difference,
        "seconds": trial.seconds,
    }
    return found | ({"error": trial.error} if trial.error else {})
