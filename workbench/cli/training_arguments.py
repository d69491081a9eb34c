"""Options of the commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.parser import add, add_run, add_runs_folder, add_settings, count

if TYPE_CHECKING:
    from workbench.cli.parser import Commands


def add_find_rate(commands: Commands) -> None:
    """Add `find-lr`."""
    from workbench.cli import find_rate

    text = "suggest a learning rate: a few steps with a rising one, then short trainings"
    parser = add(commands, "find-lr", text, find_rate.find_rate)
    parser.add_argument("file", metavar="FILE")
    add_settings(parser)
    parser.add_argument(
        "--quick", action="store_true", help="without the short trainings, in a fifth of the time"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="experiment to write with that rate"
    )


def add_training(commands: Commands) -> None:
    """Add `train` and `resume`."""
    from workbench.cli import train

    start = add(commands, "train", "train an experiment", train.train)
    start.add_argument("file", metavar="FILE")
    add_runs_folder(start)
    add_settings(start)
    start.add_argument("--epochs", type=count, metavar="N")
    resume = add(commands, "resume", "go on with a run from its last checkpoint", train.resume)
    add_run(resume)
    resume.add_argument(
        "--epochs", type=count, metavar="N", help="epochs in all, those already done included"
    )
    resume.add_argument(
        "--backend", metavar="B", help="go on in another backend, in a new run that begins there"
    )


def add_compare(commands: Commands) -> None:
    """Add `compare-backends`."""
    from workbench.cli import compare

    text = "train the same steps on several backends and compare the losses"
    parser = add(commands, "compare-backends", text, compare.compare_backends)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--steps", type=count, default=30, metavar="N", help="of each (30)")
    parser.add_argument(
        "--backend",
        action="append",
        metavar="B",
        help="repeatable; the first is what others are compared with (all that are installed)",
    )
    add_runs_folder(parser)
