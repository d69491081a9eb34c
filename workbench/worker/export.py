"""Writes a run's trained network in other formats, and checks every file that was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.document.files import dumps
from workbench.errors import UserError
from workbench.plugin_api.exporter import ExportedFile, ExportRequest
from workbench.worker.preparation import prepare
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.exporter import Exporter
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Trained

SAMPLES = 16
"""Samples with which an exported file is compared."""
TOLERANCE = 1e-4
"""Largest difference of outputs that an export may have."""


def export_run(
    folder: RunFolder,
    wanted: Sequence[tuple[str, Path]],
    catalog: Catalog,
    which: Which = "best",
    *,
    verify: bool = True,
    progress: Callable[[str], object] = lambda message: None,
) -> list[ExportedFile]:
    """Export to each (format, path).

    In a folder the file gets the run's name; a missing suffix is added.

    Args:
        verify: run each file in a process without the workbench and compare its outputs.

    Raises:
        UserError: a format is unknown or missing something, a file cannot be written, or its
            outputs differ by more than 1e-4; nothing is silent.
    """
    for name, _ in wanted:
        available = catalog.exporters[name]().availability()
        if not available.ok:
            raise UserError(available.reason, available.install)
    progress("Opening the run")
    trained = open_trained(folder, catalog, which)
    request = _request(trained, catalog)
    written = []
    for name, path in wanted:
        exporter = catalog.exporters[name]()
        target = _target(path, folder.name, exporter)
        progress(f"Writing and checking {target.name}" if verify else f"Writing {target.name}")
        written.append(_export(exporter, target, request, verify))
    return written


def _target(path: Path, run_name: str, exporter: Exporter) -> Path:
    if path.is_dir():
        return path / f"{run_name}{exporter.suffix}"
    return path if path.suffix else path.with_suffix(exporter.suffix)


def _export(exporter: Exporter, path: Path, request: ExportRequest, verify: bool) -> ExportedFile:
    files = exporter.export(request, path)
    difference = seconds = None
    if verify and (outputs := exporter.outputs(path, request.sample_inputs, request)) is not None:
        seconds = outputs.seconds_per_sample
        difference = _difference(outputs.values, request.sample_outputs)
        if not difference <= TOLERANCE:
            raise UserError(
                f"{path.name} gives other outputs than the model, by up to {difference:.2g}.",
                "Do not use this file; please report this.",
            )
    return ExportedFile(
        format=exporter.id,
        path=str(path),
        size=sum(file.stat().st_size for file in files),
        max_difference=difference,
        seconds_per_sample=seconds,
    )


def _difference(outputs: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    if outputs.shape != expected.shape:
        return float("inf")
    return float(np.abs(outputs - expected).max(initial=0.0))


def _request(trained: Trained, catalog: Catalog) -> ExportRequest:
    inputs = _real_samples(trained, catalog)
    return ExportRequest(
        experiment=trained.experiment,
        experiment_json=dumps(trained.experiment).decode(),
        network=trained.network,
        task=trained.task,
        info=trained.info,
        preprocessing=trained.preprocessing,
        fitted=trained.fitted,
        weights=trained.weights,
        sample_inputs=inputs,
        sample_outputs=trained.model.predict(inputs),
    )


def _real_samples(trained: Trained, catalog: Catalog) -> NDArray[np.float32]:
    """Return prepared samples of the data; where they are gone, noise of the same shape."""
    try:
        splits = prepare(trained.experiment, catalog).opened.splits
        samples = splits.get("test") or splits.get("validation") or splits["train"]
        chosen = np.unique(np.linspace(0, len(samples) - 1, SAMPLES).astype(int))
        preprocessing = trained.preprocessing
        raw = (samples.read(index) for index in chosen.tolist())
        return np.stack([preprocessing.scale(preprocessing.shape(r), trained.fitted) for r in raw])
    except UserError:
        shape = (SAMPLES, *(size or 1 for size in trained.network.inputs[0].output.shape))
        return np.random.default_rng(0).random(shape, dtype=np.float32)
