"""`new`, `check` and `code`: everything before training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import resources
from workbench.analysis.adapting import adapters_in_words
from workbench.analysis.body import caching
from workbench.analysis.problems import Report
from workbench.analysis.problems import check as check_design
from workbench.catalog import Catalog
from workbench.cli.parser import WrongUsage
from workbench.document import exports
from workbench.document.edits import set_training
from workbench.document.files import SUFFIX, with_suffix
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.plugin_api.problems import Problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from workbench.cli.output import Output
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network

SHOWN_FILES = 10
"""So many unusable files are named; the window lists them all."""


def new(options: argparse.Namespace, output: Output) -> int:
    """Copy an example, or list them."""
    examples = resources.examples()
    if options.example is None:
        output.result({"examples": list(examples)})
        if not output.as_json:
            for name in examples:
                output.say(name)
        return 0
    if options.example not in examples:
        raise WrongUsage(
            f"There is no example called “{options.example}”.", f"There are: {', '.join(examples)}."
        )
    target = with_suffix(options.output or Path(options.example + SUFFIX))
    if target.exists():
        raise UserError(f"{target} exists already.", "Choose another name with -o, or delete it.")
    write_atomically(target, examples[options.example].read_bytes())
    output.say(f"{target} written. Train it with: workbench train {target}")
    output.result({"file": str(target)})
    return 0


def check(options: argparse.Namespace, output: Output) -> int:
    """List problems, and every layer's shape and cost."""
    experiment = open_experiment(options.file)
    catalog = Catalog.load()
    report, info = examined(experiment, catalog)
    kept = None if report.errors else caching(experiment, report.network, catalog)
    corrected = _corrected(experiment, info)
    nodes = [_node(node.id, node.type, report) for node in experiment.graph.nodes]
    if not output.as_json:
        output.table(
            ["layer", "type", "output", "parameters", "multiply-adds"],
            [[_cell(value) for value in node.values()] for node in nodes],
        )
        output.say(f"{_cell(report.network.parameters)} parameters")
        if adapters := adapters_in_words(report.network):
            output.say(adapters)
        if experiment.data.corrections:
            parts = (f"{count} {what}" for what, count in corrected.items() if count)
            output.say(f"corrections of samples: {', '.join(parts)}")
        if kept and (told := kept.in_words()):
            output.say(told)
        say_problems(report, output)
    output.result(
        {
            "problems": problems_of(report),
            "kept_after": kept.parting.cut.id if kept and kept.parting else None,
            "nodes": nodes,
            "parameters": report.network.parameters,
            "trained_parameters": report.network.trained_parameters,
            "corrections": corrected,
        }
    )
    return 1 if report.errors else 0


def code(options: argparse.Namespace, output: Output) -> int:
    """Print the generated module."""
    catalog = Catalog.load()
    experiment = open_experiment(options.file)
    if options.backend:
        experiment = set_training(experiment, backend=options.backend)
    name = experiment.training.backend
    if name not in catalog.backends:
        known = ", ".join(backend.id for backend in catalog.backends)
        raise WrongUsage(f"There is no backend called “{name}” here.", f"There are: {known}.")
    report = examine(experiment, catalog)
    if report.errors:
        say_problems(report, output)
        output.result({"problems": problems_of(report)})
        return 1
    generated = catalog.backend(name).generate(report.network)
    if not output.as_json:
        output.say(generated.source.rstrip())
    output.result({"backend": name, "class_name": generated.class_name, "source": generated.source})
    return 0


def open_experiment(name: str) -> Experiment:
    """Read an experiment file, an export that carries one, or an example; raises UserError."""
    path = Path(name)
    if not path.exists() and name in resources.examples():
        path = resources.examples()[name]
    return exports.open_experiment(path)


def target_of(options: argparse.Namespace) -> Path:
    """Return the file to write: -o, else the experiment file that was named.

    Raises:
        WrongUsage: without -o, what was named is no experiment file.
    """
    if options.output is not None:
        return with_suffix(options.output)
    path = Path(options.file)
    if not path.exists() or exports.is_export(path):
        raise WrongUsage(
            f"{options.file} is not an experiment file that could be changed.",
            "Name the file to write with -o FILE.",
        )
    return path


def start_of(target: Path) -> Path:
    """Return the file of weights that an experiment file starts from, which lies beside it."""
    return target.with_name(target.name.removesuffix(SUFFIX) + ".start.safetensors")


def check_whole(network: Network, experiment: Experiment) -> None:
    """Raise a UserError unless the weights of all layers are known."""
    if len(network.nodes) < len(experiment.graph.nodes):
        raise UserError(
            "Not all layers of this network make sense yet, so its weights are not known.",
            "`workbench check` lists what is wrong.",
        )


def examine(experiment: Experiment, catalog: Catalog) -> Report:
    """Look at the data and check the experiment; data that cannot be used are a problem of it."""
    return examined(experiment, catalog)[0]


def examined(experiment: Experiment, catalog: Catalog) -> tuple[Report, DataInfo | None]:
    """Return the report of `examine`, and what is known of the data."""
    from workbench.worker.preparation import describe

    try:
        _, info = describe(experiment.data, catalog)
    except UserError as error:
        report = check_design(experiment, catalog)
        problem = Problem("error", error.message, error.hint)
        return Report(report.resolution, (problem, *report.problems)), None
    report = check_design(experiment, catalog, info)
    return Report(report.resolution, (*report.problems, *_data_warnings(info))), info


def _corrected(experiment: Experiment, info: DataInfo | None) -> dict[str, int]:
    """Return how many samples were relabelled, left out, and not found; none: data unread."""
    if info is None:
        return {"corrected": len(experiment.data.corrections)}
    found = info.corrected
    return {
        "relabelled": found.relabelled,
        "left out": found.excluded,
        "not found": len(found.missing),
        "unchanged": len(found.idle),
    }


def _data_warnings(info: DataInfo) -> Iterator[Problem]:
    """Yield what the window's Data panel says about usable data."""
    for text in info.warnings:
        yield Problem("warning", text)
    if not info.bad_files:
        return
    count = len(info.bad_files)
    named = [f"{file.path} ({file.reason})" for file in info.bad_files[:SHOWN_FILES]]
    more = f" and {count - len(named)} more" if count > len(named) else ""
    yield Problem(
        "warning",
        f"{count} file{'s' if count > 1 else ''} cannot be used: {', '.join(named)}{more}.",
        "All others are used.",
    )


def problems_of(report: Report) -> list[dict[str, str]]:
    """Return the problems for programs."""
    return [
        {
            "severity": problem.severity,
            "node": problem.node,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in report.problems
    ]


def say_problems(report: Report, output: Output) -> None:
    """Print the problems for people."""
    for problem in report.problems:
        where = f"{problem.node}: " if problem.node else ""
        output.note(f"{problem.severity}: {where}{problem.message} {problem.hint}".rstrip())


def _node(node_id: str, kind: str, report: Report) -> dict[str, Any]:
    resolved = report.resolution.by_id.get(node_id)
    return {
        "id": node_id,
        "type": kind,
        "output": list(resolved.output.shape) if resolved else None,
        "parameters": resolved.parameters if resolved else 0,
        "multiply_adds": resolved.multiply_adds if resolved else 0,
    }


def _cell(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, list):
        return " × ".join("?" if size is None else str(size) for size in value)
    return f"{value:,}".replace(",", "\u2009") if isinstance(value, int) else str(value)
