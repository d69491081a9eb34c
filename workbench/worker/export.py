"""Writes a run's trained network in other formats, and checks every file that was written.

The window never calls this: it asks `workbench.analysis.exports` what is possible, which imports no
framework, and starts `workbench export RUN --format F … -o FOLDER --json --progress`. That process
prints one JSON line for each thing that happens (`workbench.runs.exports`: doing, written, failed),
and a last line with the report. To cancel, end it: on SIGINT or SIGTERM it ends its own children
and removes what it has not finished; if it is killed outright, they end by themselves.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.analysis.exports import format_state
from workbench.errors import UserError
from workbench.files import unwritable
from workbench.plugin_api.exporter import ASSETS, ExportedFile, ExportOptions
from workbench.runs.exports import Doing, Failed, Written
from workbench.worker.export_request import MERGED, raw_request, unmerged, with_softmax
from workbench.worker.trained import open_design, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.exporter import Exporter, ExportRequest, Outputs
    from workbench.plugin_api.network import Network
    from workbench.runs.exports import Event
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Which

TOLERANCE = 1e-4
"""Largest difference of outputs that an export may have."""


@dataclass
class Report:
    """What came of an export: every format is in one of the two."""

    files: list[ExportedFile] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


def export_run(
    folder: RunFolder,
    wanted: Sequence[tuple[str, Path]],
    catalog: Catalog,
    which: Which = "best",
    *,
    options: ExportOptions = ExportOptions(),  # noqa: B008 - frozen
    verify: bool = True,
    keep_going: bool = False,
    progress: Callable[[Event], object] = lambda event: None,
) -> Report:
    """Export to each (format, path), one after the other; one that fails does not stop the others.

    In a folder the file gets the run's name; a missing suffix is added. A file appears in its
    place, or replaces what was there, only when it has been checked. Whatever `progress` raises
    ends the export, and nothing unfinished is left.

    Args:
        verify: run each file in a process without the workbench and compare its outputs.
        keep_going: count formats that are missing something or refuse the network as failed,
            instead of writing nothing at all.

    Raises:
        UserError: the run has no trained network, a format is unknown or, without `keep_going`,
            missing something or refusing this network.
    """
    exporters = [(catalog.exporters[name](), path) for name, path in wanted]
    network = open_design(folder, catalog).network
    report = Report(failed=_refused([exporter for exporter, _ in exporters], network, keep_going))
    for failure in report.failed:
        progress(failure)
    refused = {failure.format for failure in report.failed}
    ready = [pair for pair in exporters if pair[0].id not in refused]
    if ready:
        job = _Job(folder, catalog, which, options, verify, progress, len(wanted), report)
        job.run(ready)
    return report


def targets(
    formats: Sequence[str], destination: Path, stem: str, catalog: Catalog
) -> list[tuple[str, Path]]:
    """Return a path for each format in one folder: STEM.onnx, or STEM-ID.py where two would meet.

    Raises:
        UserError: a format is unknown.
    """
    kinds = [catalog.exporters[name] for name in formats]
    found = []
    for kind in kinds:
        others = [other for other in kinds if other is not kind]
        meets = any(
            other.suffix == kind.suffix or {other.suffix, *other.companions} & {*kind.companions}
            for other in others
        )
        found.append(
            (kind.id, destination / f"{stem}{f'-{kind.id}' if meets else ''}{kind.suffix}")
        )
    return found


def _refused(exporters: Sequence[Exporter], network: Network, keep_going: bool) -> list[Failed]:
    found = []
    for exporter in exporters:
        state = format_state(exporter, network)
        if state.is_possible:
            continue
        available = state.availability
        message = available.reason if not available.ok else " ".join(state.refusals)
        hint = available.install if not available.ok else "Choose another format."
        if not keep_going:
            raise UserError(message, hint)
        found.append(Failed(format=exporter.id, message=message, hint=hint))
    return found


@dataclass
class _Job:
    """One export on its way."""

    folder: RunFolder
    catalog: Catalog
    which: Which
    options: ExportOptions
    verify: bool
    progress: Callable[[Event], object]
    total: int
    report: Report

    def run(self, exporters: Sequence[tuple[Exporter, Path]]) -> None:
        self._say("Opening the run")
        trained = open_trained(self.folder, self.catalog, self.which)
        raw, notes = raw_request(self.folder, trained, self.catalog, self.options)
        probable = with_softmax(raw, self.catalog) if self.options.softmax else raw
        apart = unmerged(raw, trained)
        for exporter, path in exporters:
            request = probable if exporter.holds_network else raw
            request = request if exporter.merges_adapters else apart
            target = _target(path, self.folder.name, exporter)
            try:
                file = self._export(exporter, target, request)
            except UserError as error:
                self._fail(exporter, error)
            except Exception as error:  # of a framework's exporter; the others go on
                self._fail(exporter, _unexpected(exporter, error))
            else:
                if file.max_difference is not None:
                    is_merged = exporter.merges_adapters and raw.network is not trained.network
                    said = (*notes, MERGED) if is_merged else notes
                    file = msgspec.structs.replace(file, notes=(*file.notes, *said))
                self.report.files.append(file)
                self.progress(Written(file=file))

    def _export(self, exporter: Exporter, target: Path, request: ExportRequest) -> ExportedFile:
        with _beside(target) as folder:
            path = folder / target.name
            self._say(f"Writing {target.name}", exporter.id)
            exporter.export(request, path)
            difference = seconds = None
            if self.verify:
                self._say(f"Checking {target.name}", exporter.id)
                difference, seconds = _compared(exporter, path, request)
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            _put(folder, target)
        return ExportedFile(
            format=exporter.id,
            path=str(target),
            size=size,
            max_difference=difference,
            seconds_per_sample=seconds,
            notes=tuple(exporter.notes(request)),
        )

    def _say(self, message: str, format: str = "") -> None:
        done = len(self.report.files) + len(self.report.failed)
        self.progress(Doing(message=message, format=format, done=done, total=self.total))

    def _fail(self, exporter: Exporter, error: UserError) -> None:
        failure = Failed(format=exporter.id, message=error.message, hint=error.hint)
        self.report.failed.append(failure)
        self.progress(failure)


def _target(path: Path, run_name: str, exporter: Exporter) -> Path:
    if path.is_dir():
        return path / f"{run_name}{exporter.suffix}"
    return path if path.suffix else path.with_name(f"{path.name}{exporter.suffix}")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield an empty folder on the target's disk, which is gone afterwards."""
    try:
        name = tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise unwritable(target, error) from error
    try:
        yield Path(name)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        shutil.rmtree(name, ignore_errors=True)


def _put(folder: Path, target: Path) -> None:
    """Move everything from a folder to where it belongs, the target last."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == target.name):
        place = target.with_name(path.name)
        if path.name == ASSETS and place.is_dir():  # named after their content
            for file in path.iterdir():
                file.replace(place / file.name)
            continue
        if path.is_dir() and place.is_dir():
            _set_aside(place, folder, path)
        path.replace(place)


def _set_aside(old: Path, folder: Path, new: Path) -> None:
    """Move what an earlier export left out of the way; never a folder that holds other things."""
    known = {path.name for path in new.iterdir()}
    if not {path.name for path in old.iterdir()} <= known:
        raise UserError(
            f"{old} is there already and holds other files.", "Choose another name or folder."
        )
    old.replace(folder / f".{old.name}.old")


def _compared(
    exporter: Exporter, path: Path, request: ExportRequest
) -> tuple[float | None, float | None]:
    """Return the largest difference and the seconds per sample; raises UserError above 1e-4."""
    outputs = exporter.outputs(path, request.sample_inputs, request)
    if outputs is None:
        return None, None
    found = difference(outputs, request.sample_outputs)
    if not found <= TOLERANCE:
        raise UserError(
            f"{path.name} gives other outputs than the model, by up to {found:.2g}, "
            "so it was not kept.",
            "Please report this.",
        )
    return found, outputs.seconds_per_sample


def difference(outputs: Outputs, expected: NDArray[np.float32]) -> float:
    """Return the largest difference; where samples differ in length, of the real steps."""
    found = [0.0]
    pairs = [(outputs.values, expected)]
    if outputs.singly:
        pairs = []
        for row, alone in outputs.singly.items():
            real = slice(row, row + 1), slice(alone.shape[1])
            pairs += [(alone, expected[real]), (outputs.values[real], expected[real])]
        if expected.ndim == 2:
            pairs.append((outputs.values, expected))
    for given, wanted in pairs:
        if given.shape != wanted.shape:
            return float("inf")
        found.append(float(np.abs(given - wanted).max(initial=0.0)))
    return float(np.max(found))


def _unexpected(exporter: Exporter, error: Exception) -> UserError:
    lines = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
    return UserError(f"{exporter.title} cannot be written: {reason.rstrip('. ')}.", "")
