"""`models` and `import`: networks made elsewhere, by name or from a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from workbench import preferences
from workbench.catalog import Catalog
from workbench.cli.adapters import wanted_adapters
from workbench.cli.design import open_experiment
from workbench.document.experiment import Experiment
from workbench.document.files import save, with_suffix
from workbench.errors import UserError
from workbench.worker.pretrained.finding import named
from workbench.worker.pretrained.importing import Wish, ask, take

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from workbench.cli.output import Output
    from workbench.plugin_api.importer import Architecture

INTERVAL = 5.0
"""Seconds between two lines on how far the same work is."""


def list_all(options: argparse.Namespace, output: Output) -> int:
    """List the architectures that can be imported by name."""
    words = [word.lower() for word in options.words]
    found = [
        each
        for kind in Catalog.load().importers
        for each in kind().architectures()
        if all(word in f"{each.importer} {each.family} {each.name}".lower() for word in words)
    ]
    output.table(
        ["network", "from", "input", "parameters", "weights here", "published"],
        [
            [
                each.name,
                each.importer,
                each.takes,
                _millions(each.parameters),
                "yes" if any(item.is_here for item in each.weights) else "",
                str(len(each.weights) or ""),
            ]
            for each in found
        ],
    )
    if not found and not output.as_json:
        output.note("No network is called like that.")
    output.result({"models": [_plain(each) for each in found]})
    return 0


def show(options: argparse.Namespace, output: Output) -> int:
    """Show one architecture and the weights that were published for it."""
    importer, name = named(options.name, [kind() for kind in Catalog.load().importers])
    found = importer.architecture(name)
    if not output.as_json:
        output.say(f"{found.name}, of {importer.title}")
        gives = f", gives {found.classes} classes" if found.classes else ""
        pictures = "pictures of " if all(found.input) else ""
        output.say(f"takes {pictures}{found.takes}{gives}")
        output.say(f"{_millions(found.parameters)} parameters")
        for line in _coverage(found):
            output.say(line)
        for weights in found.weights:
            output.say(f"weights {weights.name}: {', '.join(weights.facts)}")
        if not (ready := importer.availability()).ok:
            output.note(f"{ready.reason} {ready.install}")
    output.result({"model": _plain(found)})
    return 0


def import_model(options: argparse.Namespace, output: Output) -> int:
    """Import a network and write an experiment that starts from its weights."""
    catalog = Catalog.load()
    target = with_suffix(options.output)
    if target.exists() and not options.force:
        raise UserError(f"{target} exists already.", "Choose another name, or use --force.")
    base = Experiment() if options.like is None else open_experiment(options.like)
    wish = Wish(
        source=options.source,
        architecture=options.architecture or "",
        published=options.weights or "",
        classes=options.classes or 0,
        freeze=options.freeze or "",
        lora=wanted_adapters(options),
        form=options.form,
        tokeniser=options.tokenizer,
        base=base,
        has_data=options.like is not None,
        folder=preferences.weights_folder(),
    )
    taken = take(wish, catalog, _teller(output))
    answers = []
    for picture in options.ask or ():
        answers.append({"file": str(picture), "answers": ask(taken, picture, catalog)})
    written = save(taken.experiment, target)
    if not output.as_json:
        for line in taken.report.lines():
            output.say(line)
        for answer in answers:
            words = ", ".join(f"{name} {100 * share:.1f} %" for name, share in answer["answers"])
            output.say(f"{answer['file']}: {words}")
        output.say(f"{written} written. Train it with: workbench train {written}")
    output.result({"file": str(written), "report": taken.report, "asked": answers})
    return 0


def _teller(output: Output) -> Callable[[str], None]:
    """Return what prints what is being done; of how far a download is, a line now and then."""
    last, since = "", 0.0

    def tell(words: str) -> None:
        nonlocal last, since
        work = words.partition(":")[0]
        if work != last or time.monotonic() - since > INTERVAL:
            last, since = work, time.monotonic()
            output.note(f"{words} …")

    return tell


def _plain(found: Architecture) -> dict[str, object]:
    """Return an architecture for programs, without the marks of its weights."""
    known: dict[str, object] = msgspec.to_builtins(found)
    for mark in ("names", "shapes", "ordered", "body"):
        known.pop(mark, None)
    return known


def _coverage(found: Architecture) -> Iterator[str]:
    if found.covered:
        yield "turns into layers that can be edited"
    elif found.is_block:
        yield f"is kept as one block: {found.reason}"
    elif found.covered is False:
        yield f"cannot be imported yet: {found.reason}"


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count else "?"
