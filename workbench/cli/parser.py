"""What the options of all commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.cli.output import Output

    Run = Callable[[argparse.Namespace, Output], int]
    Commands = argparse._SubParsersAction["Parser"]


class WrongUsage(UserError):
    """The command cannot be understood, or names something that is not there."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong as a UserError, and exits nothing."""

    def error(self, message: str) -> NoReturn:
        """Raise WrongUsage."""
        raise WrongUsage(message[:1].upper() + message[1:] + ".", self.format_usage().strip())


def add(commands: Commands, name: str, text: str, run: Run) -> Parser:
    """Return the parser of a new command, whose function is `run`."""
    parser = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print one JSON line at the end")
    parser.set_defaults(run=run)
    return parser


def add_runs_folder(parser: argparse.ArgumentParser) -> None:
    """Let a person say where the runs are."""
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Take a run's name."""
    parser.add_argument("name", metavar="RUN", help="a run's folder or name, or “last”")
    add_runs_folder(parser)


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """Let a person choose between the best and the last weights."""
    parser.add_argument(
        "--checkpoint", choices=("best", "last"), default="best", help="which weights (best)"
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Let a person replace settings of an experiment for once."""
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--backend", metavar="B", help="such as torch")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="replace a setting: training.batch_size=64, graph.conv1.filters=32; repeatable",
    )


def share_up_to(most: float) -> Callable[[str], float]:
    """Return what reads a number from 0 to `most`."""

    def number(text: str) -> float:
        value = float(text)
        if not 0 <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between 0 and {most:g}")
        return value

    return number


def count(text: str) -> int:
    """Return a positive whole number."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value
