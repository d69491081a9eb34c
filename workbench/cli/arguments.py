"""Commands and their options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import workbench
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.cli.output import Output

    Run = Callable[[argparse.Namespace, Output], int]
    Commands = argparse._SubParsersAction["_Parser"]

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


class WrongUsage(UserError):
    """The command cannot be understood, or names something that is not there."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message[:1].upper() + message[1:] + ".", self.format_usage().strip())


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options, with the command's function as `run`; raises WrongUsage."""
    parser = _Parser(
        prog="workbench",
        description="Design, train and take away neural networks. Without a command, or with an "
        "experiment file alone, the window opens.",
    )
    parser.add_argument("--version", action="version", version=workbench.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _design(commands)
    _correcting(commands)
    _loading(commands)
    _models(commands)
    _adapting(commands)
    _finding(commands)
    _training(commands)
    _comparing(commands)
    _results(commands)
    _runs(commands)
    _add(commands, "doctor", "check this computer, and say how to mend what is missing", _doctor)
    options, others = parser.parse_known_args(arguments)
    if hasattr(options, "files") and not any(text.startswith("-") for text in others):
        options.files += map(Path, others)  # those behind an option, which argparse leaves over
    elif others:
        usage = parser.format_usage().strip()
        raise WrongUsage(f"Unrecognized arguments: {' '.join(others)}.", usage)
    return options


def _add(commands: Commands, name: str, text: str, run: Run) -> _Parser:
    parser = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print one JSON line at the end")
    parser.set_defaults(run=run)
    return parser


def _add_runs_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="RUN", help="a run's folder or name, or “last”")
    _add_runs_folder(parser)


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", choices=("best", "last"), default="best", help="which weights (best)"
    )


def _design(commands: Commands) -> None:
    from workbench.cli import design

    new = _add(commands, "new", "copy an example; without a name, list them", design.new)
    new.add_argument("example", nargs="?", metavar="EXAMPLE")
    new.add_argument("-o", "--output", type=Path, metavar="FILE")
    check = _add(commands, "check", "list what is wrong with an experiment", design.check)
    check.add_argument("file", metavar="FILE")
    code = _add(commands, "code", "print the program that would train", design.code)
    code.add_argument("file", metavar="FILE")
    code.add_argument("--backend", metavar="B", help="such as torch")


def _correcting(commands: Commands) -> None:
    from workbench.cli import correct

    text = "give samples another class or leave them out; without options, list what is corrected"
    parser = _add(commands, "correct", text, correct.correct)
    parser.add_argument("file", metavar="FILE", help="an experiment; the data stay as they are")
    for name, shape, tells in (
        ("--relabel", "ID=CLASS", "another class for a sample"),
        ("--leave-out", "ID", "do without a sample"),
        ("--take-back", "ID", "believe the data again about a sample"),
    ):
        parser.add_argument(
            name, action="append", default=[], metavar=shape, help=f"{tells}; repeatable"
        )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(FILE itself)")


def _loading(commands: Commands) -> None:
    from workbench.cli import load

    parser = _add(commands, "load", "let an experiment start from weights of a file", load.load)
    parser.add_argument("file", metavar="FILE", help="an experiment")
    parser.add_argument("weights", metavar="WEIGHTS", help=".safetensors, .pt, .pth, .h5 or .keras")
    parser.add_argument(
        "--by", choices=("name", "order"), default="name", help="what tells them apart (name)"
    )
    parser.add_argument(
        "--partial", action="store_true", help="take what matches, though something does not"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="experiment to write (FILE itself)"
    )


def _adapting(commands: Commands) -> None:
    from workbench.cli import adapters

    text = "train LoRA adapters of an experiment's layers instead of their weights"
    parser = _add(commands, "lora", text, adapters.adapt)
    parser.add_argument("file", metavar="FILE", help="an experiment")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--rank", dest="lora", type=_count, default=8, metavar="RANK", help="of all adapters (8)"
    )
    what.add_argument("--remove", action="store_true", help="remove all adapters")
    _add_adapters(parser, "--")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(FILE itself)")


def _add_adapters(parser: argparse.ArgumentParser, prefix: str) -> None:
    parser.add_argument(
        f"{prefix}alpha",
        dest="lora_alpha",
        type=float,
        metavar="A",
        help="how much adapters count (twice the rank)",
    )
    parser.add_argument(
        f"{prefix}on",
        dest="lora_on",
        action="append",
        metavar="WHAT",
        help="query, key, value, output, dense, all, or a module's dotted name; repeatable "
        "(query and value, or all where there is no attention)",
    )


def _models(commands: Commands) -> None:
    from workbench.cli import models

    parser = commands.add_parser("models", help="list or show networks that can be imported")
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    listed = _add(actions, "list", "list the networks, or those with all WORDS", models.list_all)
    listed.add_argument("words", nargs="*", metavar="WORD")
    shown = _add(actions, "show", "show one network and its published weights", models.show)
    shown.add_argument("name", metavar="NAME", help="such as resnet18 or timm:resnet18")
    text = "make an experiment of a network from a library or a file"
    parser = _add(commands, "import", text, models.import_model)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a name, or a .onnx, .pt2, .safetensors, .pt, .pth, .keras or .h5 file",
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--architecture",
        metavar="NAME|FILE",
        help="what a weights file belongs to: a name, or another file of the same network, such as "
        ".onnx (it is guessed)",
    )
    parser.add_argument(
        "--weights", metavar="NAME", help="published weights, see `models show` (random ones)"
    )
    parser.add_argument("--classes", type=_count, metavar="N", help="outputs of a new head")
    held = parser.add_mutually_exclusive_group()
    held.add_argument("--freeze", metavar="all-but-head|LAYER", help="what training leaves alone")
    held.add_argument(
        "--lora", type=_count, metavar="RANK", help="train LoRA adapters of the body and the head"
    )
    _add_adapters(parser, "--lora-")
    parser.add_argument(
        "--as",
        dest="form",
        choices=["auto", "nodes", "block"],
        default="auto",
        help="layers one by one, or one block that keeps the original modules; "
        "auto: layers where all of it can be",
    )
    parser.add_argument(
        "--tokenizer",
        type=Path,
        metavar="FOLDER|FILE",
        help="tokenizer.json or vocab.txt of an ONNX file for texts (what lies beside it)",
    )
    parser.add_argument(
        "--like", metavar="FILE", help="an experiment whose data and training settings are kept"
    )
    parser.add_argument(
        "--ask",
        action="append",
        type=Path,
        metavar="PICTURE",
        help="what the network as it came says of a picture; repeatable",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")


def _finding(commands: Commands) -> None:
    from workbench.cli import find_rate

    text = "suggest a learning rate: a few steps with a rising one, then short trainings"
    parser = _add(commands, "find-lr", text, find_rate.find_rate)
    parser.add_argument("file", metavar="FILE")
    _add_settings(parser)
    parser.add_argument(
        "--quick", action="store_true", help="without the short trainings, in a fifth of the time"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="experiment to write with that rate"
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--backend", metavar="B", help="such as torch")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="replace a setting: training.batch_size=64, graph.conv1.filters=32; repeatable",
    )


def _training(commands: Commands) -> None:
    from workbench.cli import train

    start = _add(commands, "train", "train an experiment", train.train)
    start.add_argument("file", metavar="FILE")
    _add_runs_folder(start)
    _add_settings(start)
    start.add_argument("--epochs", type=_count, metavar="N")
    resume = _add(commands, "resume", "go on with a run from its last checkpoint", train.resume)
    _add_run(resume)
    resume.add_argument(
        "--epochs", type=_count, metavar="N", help="epochs in all, those already done included"
    )
    resume.add_argument(
        "--backend", metavar="B", help="go on in another backend, in a new run that begins there"
    )


def _comparing(commands: Commands) -> None:
    from workbench.cli import compare

    text = "train the same steps on several backends and compare the losses"
    parser = _add(commands, "compare-backends", text, compare.compare_backends)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--steps", type=_count, default=30, metavar="N", help="of each (30)")
    parser.add_argument(
        "--backend",
        action="append",
        metavar="B",
        help="repeatable; the first is what others are compared with (all that are installed)",
    )
    _add_runs_folder(parser)


def _results(commands: Commands) -> None:
    from workbench.cli import results

    evaluate = _add(commands, "evaluate", "measure a trained network", results.evaluate)
    _add_run(evaluate)
    evaluate.add_argument("--split", choices=("train", "validation", "test"), default="test")
    evaluate.add_argument(
        "--mistakes", type=_count, metavar="N", help="list the N samples with the highest loss"
    )
    _add_checkpoint(evaluate)
    predict = _add(commands, "predict", "ask a trained network about files", results.predict)
    _add_run(predict)
    predict.add_argument("files", nargs="*", type=Path, metavar="FILE")
    predict.add_argument(
        "--text", action="append", metavar="TEXT", help="a text instead of a file; repeatable"
    )
    _explaining(predict)
    _add_checkpoint(predict)
    _writing(commands)
    _export(commands)
    report = _add(commands, "report", "draw a run's curves and feature maps", results.report)
    _add_run(report)
    report.add_argument("-o", "--output", required=True, type=Path, metavar="PNG")


def _explaining(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--explain", action="store_true", help="say what each word, step or pixel adds to the score"
    )
    parser.add_argument(
        "--method",
        choices=("grad-cam", "occlusion", "integrated-gradients"),
        help="how to explain; the first two are for pictures (integrated-gradients)",
    )
    parser.add_argument("--layer", metavar="L", help="for Grad-CAM (the last one before pooling)")
    parser.add_argument(
        "--of", dest="target", metavar="CLASS", help="the class to explain (the likeliest)"
    )
    parser.add_argument(
        "--picture", type=Path, metavar="PNG", help="draw the explanation over the picture"
    )


def _writing(commands: Commands) -> None:
    from workbench.cli import generate

    parser = _add(commands, "generate", "let a language model write", generate.generate)
    _add_run(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="how the text begins")
    parser.add_argument("--tokens", type=_count, default=200, metavar="N", help="to write (200)")
    parser.add_argument(
        "--temperature",
        type=_share_up_to(10.0),
        default=0.8,
        metavar="T",
        help="0 always takes the likeliest token, 1 draws as the network says (0.8)",
    )
    parser.add_argument(
        "--top-k", type=int, default=0, metavar="K", help="draw among the K likeliest (all)"
    )
    parser.add_argument(
        "--top-p",
        type=_share_up_to(1.0),
        default=1.0,
        metavar="P",
        help="draw among the likeliest that have this probability together (1)",
    )
    parser.add_argument("--seed", type=int, metavar="S", help="the same writes the same again")
    _add_checkpoint(parser)


def _export(commands: Commands) -> None:
    from workbench.cli import export

    parser = _add(commands, "export", "write a trained network to files", export.export)
    _add_run(parser)
    parser.add_argument(
        "--format",
        required=True,
        action="append",
        metavar="F",
        help="such as onnx; repeatable; “all” for every format that can be written here",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="PATH",
        help="a file; with several formats a folder, which is made",
    )
    parser.add_argument(
        "--name",
        dest="name_of_files",
        metavar="NAME",
        help="of the files in a folder, without suffix (the run's name)",
    )
    parser.add_argument("--softmax", action="store_true", help="end in probabilities")
    parser.add_argument("--opset", type=int, metavar="N", help="version of the ONNX operators")
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run each file without the workbench and compare its outputs",
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="leave out formats that refuse the network"
    )
    parser.add_argument(
        "--progress", action="store_true", help="with --json: a line for each thing that happens"
    )
    _add_checkpoint(parser)
    formats = _add(commands, "formats", "list export formats and their limits", export.formats)
    formats.add_argument("name", nargs="?", metavar="RUN|FILE", help="a run, or an experiment file")
    _add_runs_folder(formats)


def _runs(commands: Commands) -> None:
    from workbench.cli import runs

    parser = commands.add_parser("runs", help="list, show or delete runs")
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    _add_runs_folder(_add(actions, "list", "list the runs, newest first", runs.list_all))
    _add_run(_add(actions, "show", "show one run", runs.show))
    delete = _add(actions, "delete", "delete a run and all its files", runs.delete)
    _add_run(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")


def _doctor(options: argparse.Namespace, output: Output) -> int:
    from workbench.cli import doctor

    return doctor.examine(output)


def _share_up_to(most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not 0 <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between 0 and {most:g}")
        return value

    return number


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value
