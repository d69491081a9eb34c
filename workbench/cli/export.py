"""`export` and `formats`: trained networks leave in every format, and what each can express."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.analysis.exports import formats as format_states
from workbench.catalog import Catalog
from workbench.cli.design import examine, open_experiment
from workbench.cli.parser import WrongUsage
from workbench.cli.runs import runs_folder
from workbench.errors import UserError
from workbench.files import unwritable
from workbench.plugin_api.exporter import ExportOptions
from workbench.runs import exports, store

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from workbench.analysis.exports import FormatState
    from workbench.cli.output import Output
    from workbench.plugin_api.exporter import ExportedFile
    from workbench.plugin_api.network import Network
    from workbench.runs.folder import RunFolder

ALL = "all"


def export(options: argparse.Namespace, output: Output) -> int:
    """Write a run's network to files, and check them; the status is 3 if any failed."""
    from workbench.worker.export import export_run

    catalog = Catalog.load()
    wishes = _options(options)
    folder = store.find_run(options.name, runs_folder(options))
    with _interruptible():
        report = export_run(
            folder,
            _wanted(options, catalog, folder),
            catalog,
            options.checkpoint,
            options=wishes,
            verify=options.verify,
            keep_going=options.keep_going,
            progress=_progress(output, streaming=options.progress),
        )
    failed = [{"format": f.format, "message": f.message, "hint": f.hint} for f in report.failed]
    output.result({"files": report.files, "failed": failed})
    return 3 if report.failed else 0


def formats(options: argparse.Namespace, output: Output) -> int:
    """List export formats: whether each is available, and its limits for a network."""
    catalog = Catalog.load()
    network = _network(options, catalog) if options.name else None
    states = format_states(catalog, network)
    rows = [
        [state.format, state.title, state.suffix or "folder", _state(state)] for state in states
    ]
    output.table(["format", "title", "suffix", "state"], rows)
    if not output.as_json:
        for state in states:
            for limit in state.limits:
                where = f"{limit.node}: " if limit.node else ""
                output.note(f"{state.format}: {where}{limit.message}")
    output.result({"formats": [_described(state) for state in states]})
    return 0


def _wanted(
    options: argparse.Namespace, catalog: Catalog, folder: RunFolder
) -> list[tuple[str, Path]]:
    from workbench.worker.export import targets
    from workbench.worker.trained import open_design

    known = [exporter.id for exporter in catalog.exporters]
    names = list(dict.fromkeys(options.format))
    if ALL in names:
        states = format_states(catalog, open_design(folder, catalog).network)
        names = [state.format for state in states if state.is_possible]
    for name in names:
        if name not in known:
            raise WrongUsage(
                f"There is no format called “{name}”.", f"There are: {', '.join(known)}, {ALL}."
            )
    if options.format != [ALL] and len(names) == 1 and not options.name_of_files:
        return [(names[0], options.output)]
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UserError(
            f"{options.output} is a file, but several formats need a folder.",
            "Choose a folder with -o.",
        ) from None
    except OSError as error:
        raise unwritable(options.output, error) from error
    return targets(names, options.output, options.name_of_files or folder.name, catalog)


def _options(options: argparse.Namespace) -> ExportOptions:
    chosen: dict[str, Any] = {"softmax": options.softmax}
    if options.opset is not None:
        chosen["opset"] = options.opset
    try:
        return msgspec.convert(chosen, ExportOptions)
    except msgspec.ValidationError as error:
        raise WrongUsage(
            f"The options cannot be used: {error}.", "See workbench export -h."
        ) from None


def _progress(output: Output, *, streaming: bool) -> Callable[[exports.Event], None]:
    def tell(event: exports.Event) -> None:
        if output.as_json and streaming:
            output.result(event)
        if isinstance(event, exports.Doing):
            output.note(event.message)
        elif isinstance(event, exports.Failed):
            output.note(f"{event.format}: {event.message} {event.hint}".rstrip())
        else:
            output.say(_line(event.file))
            for note in event.file.notes:
                output.note(f"  {note}")

    return tell


def _line(file: ExportedFile) -> str:
    checked = "not verified"
    if file.max_difference is not None:
        checked = f"verified, its outputs differ by {file.max_difference:.1e} at most"
    if file.seconds_per_sample is not None:
        checked += f", {file.seconds_per_sample * 1e3:.3g} ms a sample"
    return f"{file.path} ({file.size / 1e6:.2f} MB): {checked}"


def _network(options: argparse.Namespace, catalog: Catalog) -> Network:
    from workbench.worker.trained import open_design

    path = Path(options.name)
    if path.is_file():
        report = examine(open_experiment(options.name), catalog)
        for problem in report.errors:
            raise UserError(problem.message, problem.hint)
        return report.network
    return open_design(store.find_run(options.name, runs_folder(options)), catalog).network


def _state(state: FormatState) -> str:
    if not state.availability.ok:
        return f"{state.availability.reason} {state.availability.install}".strip()
    if state.refusals:
        return "refuses this network"
    return "limited" if state.limits else "ready"


def _described(state: FormatState) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(state)
    return {**found, "refusals": state.refusals, "possible": state.is_possible}


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end an export as Ctrl-C does: its children end, and nothing half is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
