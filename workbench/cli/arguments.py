"""Commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import workbench
from workbench.cli.design_arguments import add_correct, add_design, add_load, add_lora, add_models
from workbench.cli.parser import Parser, WrongUsage, add
from workbench.cli.results_arguments import add_results, add_runs
from workbench.cli.training_arguments import add_compare, add_find_rate, add_training

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from workbench.cli.output import Output

NAMES = frozenset(
    (
        "new",
        "check",
        "code",
        "correct",
        "load",
        "lora",
        "models",
        "import",
        "find-lr",
        "train",
        "resume",
        "evaluate",
        "predict",
        "generate",
        "export",
        "formats",
        "report",
        "runs",
        "doctor",
        "compare-backends",
    )
)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options, with the command's function as `run`; raises WrongUsage."""
    parser = Parser(
        prog="workbench",
        description="Design, train and take away neural networks. Without a command, or with an "
        "experiment file alone, the window opens.",
    )
    parser.add_argument("--version", action="version", version=workbench.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    add_design(commands)
    add_correct(commands)
    add_load(commands)
    add_models(commands)
    add_lora(commands)
    add_find_rate(commands)
    add_training(commands)
    add_compare(commands)
    add_results(commands)
    add_runs(commands)
    add(commands, "doctor", "check this computer, and say how to mend what is missing", _doctor)
    options, others = parser.parse_known_args(arguments)
    if hasattr(options, "files") and not any(text.startswith("-") for text in others):
        options.files += map(Path, others)  # those behind an option, which argparse leaves over
    elif others:
        usage = parser.format_usage().strip()
        raise WrongUsage(f"Unrecognized arguments: {' '.join(others)}.", usage)
    return options


def _doctor(options: argparse.Namespace, output: Output) -> int:
    from workbench.cli import doctor

    return doctor.examine(output)
