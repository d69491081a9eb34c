"""Options of the commands for trained networks and their runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.parser import add, add_checkpoint, add_run, add_runs_folder, count, share_up_to

if TYPE_CHECKING:
    from workbench.cli.parser import Commands


def add_results(commands: Commands) -> None:
    """Add `evaluate`, `predict`, `generate`, `export`, `formats` and `report`."""
    from workbench.cli import results

    evaluate = add(commands, "evaluate", "measure a trained network", results.evaluate)
    add_run(evaluate)
    evaluate.add_argument("--split", choices=("train", "validation", "test"), default="test")
    evaluate.add_argument(
        "--mistakes", type=count, metavar="N", help="list the N samples with the highest loss"
    )
    add_checkpoint(evaluate)
    predict = add(commands, "predict", "ask a trained network about files", results.predict)
    add_run(predict)
    predict.add_argument("files", nargs="*", type=Path, metavar="FILE")
    predict.add_argument(
        "--text", action="append", metavar="TEXT", help="a text instead of a file; repeatable"
    )
    _explaining(predict)
    add_checkpoint(predict)
    _writing(commands)
    _export(commands)
    report = add(commands, "report", "draw a run's curves and feature maps", results.report)
    add_run(report)
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

    parser = add(commands, "generate", "let a language model write", generate.generate)
    add_run(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="how the text begins")
    parser.add_argument("--tokens", type=count, default=200, metavar="N", help="to write (200)")
    parser.add_argument(
        "--temperature",
        type=share_up_to(10.0),
        default=0.8,
        metavar="T",
        help="0 always takes the likeliest token, 1 draws as the network says (0.8)",
    )
    parser.add_argument(
        "--top-k", type=int, default=0, metavar="K", help="draw among the K likeliest (all)"
    )
    parser.add_argument(
        "--top-p",
        type=share_up_to(1.0),
        default=1.0,
        metavar="P",
        help="draw among the likeliest that have this probability together (1)",
    )
    parser.add_argument("--seed", type=int, metavar="S", help="the same writes the same again")
    add_checkpoint(parser)


def _export(commands: Commands) -> None:
    from workbench.cli import export

    parser = add(commands, "export", "write a trained network to files", export.export)
    add_run(parser)
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
    add_checkpoint(parser)
    formats = add(commands, "formats", "list export formats and their limits", export.formats)
    formats.add_argument("name", nargs="?", metavar="RUN|FILE", help="a run, or an experiment file")
    add_runs_folder(formats)


def add_runs(commands: Commands) -> None:
    """Add `runs`."""
    from workbench.cli import runs

    parser = commands.add_parser("runs", help="list, show or delete runs")
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    add_runs_folder(add(actions, "list", "list the runs, newest first", runs.list_all))
    add_run(add(actions, "show", "show one run", runs.show))
    delete = add(actions, "delete", "delete a run and all its files", runs.delete)
    add_run(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
