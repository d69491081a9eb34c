"""Options of the commands that make and change experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.parser import add, count

if TYPE_CHECKING:
    import argparse

    from workbench.cli.parser import Commands


def add_design(commands: Commands) -> None:
    """Add `new`, `check` and `code`."""
    from workbench.cli import design

    new = add(commands, "new", "copy an example; without a name, list them", design.new)
    new.add_argument("example", nargs="?", metavar="EXAMPLE")
    new.add_argument("-o", "--output", type=Path, metavar="FILE")
    check = add(commands, "check", "list what is wrong with an experiment", design.check)
    check.add_argument("file", metavar="FILE")
    code = add(commands, "code", "print the program that would train", design.code)
    code.add_argument("file", metavar="FILE")
    code.add_argument("--backend", metavar="B", help="such as torch")


def add_correct(commands: Commands) -> None:
    """Add `correct`."""
    from workbench.cli import correct

    text = "give samples another class or leave them out; without options, list what is corrected"
    parser = add(commands, "correct", text, correct.correct)
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


def add_load(commands: Commands) -> None:
    """Add `load`."""
    from workbench.cli import load

    parser = add(commands, "load", "let an experiment start from weights of a file", load.load)
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


def add_lora(commands: Commands) -> None:
    """Add `lora`."""
    from workbench.cli import adapters

    text = "train LoRA adapters of an experiment's layers instead of their weights"
    parser = add(commands, "lora", text, adapters.adapt)
    parser.add_argument("file", metavar="FILE", help="an experiment")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--rank", dest="lora", type=count, default=8, metavar="RANK", help="of all adapters (8)"
    )
    what.add_argument("--remove", action="store_true", help="remove all adapters")
    what.add_argument(
        "--load",
        type=Path,
        metavar="ADAPTERS",
        help="apply a file of adapters, or a folder of peft, to the network they were trained on",
    )
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


def add_models(commands: Commands) -> None:
    """Add `models` and `import`."""
    from workbench.cli import models

    parser = commands.add_parser("models", help="list or show networks that can be imported")
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    listed = add(actions, "list", "list the networks, or those with all WORDS", models.list_all)
    listed.add_argument("words", nargs="*", metavar="WORD")
    shown = add(actions, "show", "show one network and its published weights", models.show)
    shown.add_argument("name", metavar="NAME", help="such as resnet18 or timm:resnet18")
    text = "make an experiment of a network from a library or a file"
    parser = add(commands, "import", text, models.import_model)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a name; a .onnx, .pt2, .safetensors, .pt, .pth, .keras or .h5 file; or the folder "
        "of a SavedModel or of Hugging Face",
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
    parser.add_argument("--classes", type=count, metavar="N", help="outputs of a new head")
    held = parser.add_mutually_exclusive_group()
    held.add_argument("--freeze", metavar="all-but-head|LAYER", help="what training leaves alone")
    held.add_argument(
        "--lora", type=count, metavar="RANK", help="train LoRA adapters of the body and the head"
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
