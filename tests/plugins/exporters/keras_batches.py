"""Many exports from Keras in one process: importing a framework takes longer than an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from plugins.exporters.isolation import answers, lay_out, run_folders
from plugins.exporters.samples import Samples, samples_of
from tests.plugins.exporters.networks import NETWORKS, Sketch, experiment, run_of
from workbench.plugin_api.exporter import ExportOptions
from workbench.worker.export import difference
from workbench.worker.export_request import raw_request, with_softmax
from workbench.worker.trained import open_trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from plugins.exporters.keras_writing import KerasExporter
    from workbench.catalog import Catalog
    from workbench.plugin_api.exporter import ExportRequest

THREADS = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def requests(catalog: Catalog, folder: Path) -> dict[str, ExportRequest]:
    """Return the five networks, one with a layer that Keras lacks, and one with softmax added."""
    add = Sketch()
    add("Flatten")
    add("Dense", units=20)
    add("GLU")
    add("Dense", units=10)
    experiments = {name: experiment(name) for name in NETWORKS}
    experiments["custom"] = msgspec.structs.replace(experiments["mlp"], graph=add.graph())
    found = {}
    for name, wanted in experiments.items():
        run = run_of(wanted, folder / name, catalog)
        trained = open_trained(run, catalog)
        found[name], _ = raw_request(run, trained, catalog, ExportOptions())
    return {**found, "probable": with_softmax(found["cnn"], catalog)}


def written(
    exporters: Sequence[KerasExporter], found: Mapping[str, ExportRequest], folder: Path
) -> dict[tuple[str, str], Path]:
    """Write every network in every format, all in one process; return the files."""
    jobs = {}
    for exporter in exporters:
        for name, request in found.items():
            job = folder / "jobs" / exporter.id / name
            job.mkdir(parents=True)
            exporter.lay_out(request, job)
            jobs[exporter.id, name] = job
    network = next(iter(found.values())).network
    environment = {**exporters[0].environment(network), **THREADS}
    failures = run_folders(list(jobs.values()), environment=environment)
    assert failures == [""] * len(jobs)
    by_id = {exporter.id: exporter for exporter in exporters}
    files = {}
    for (kind, name), job in jobs.items():
        place = folder / kind
        place.mkdir(exist_ok=True)
        path = place / f"{name}{by_id[kind].suffix}"
        by_id[kind].collect(found[name], job, path)
        files[kind, name] = path
    return files


def differences(
    exporters: Sequence[KerasExporter],
    found: Mapping[str, ExportRequest],
    files: Mapping[tuple[str, str], Path],
    folder: Path,
) -> dict[tuple[str, str], float]:
    """Let every file answer, all in one process; return the largest differences."""
    by_id = {exporter.id: exporter for exporter in exporters}
    asked = {}
    for (kind, name), path in files.items():
        place = folder / "asked" / kind / name
        place.mkdir(parents=True)
        script = by_id[kind].reader(path, found[name])
        lay_out(place, script, path, samples(found[name]))
        asked[kind, name] = place
    network = next(iter(found.values())).network
    environment = {**exporters[0].environment(network), **THREADS}
    assert run_folders(list(asked.values()), environment=environment) == [""] * len(asked)
    return {
        (kind, name): difference(answers(place, samples(found[name])), found[name].sample_outputs)
        for (kind, name), place in asked.items()
    }


def samples(request: ExportRequest) -> Samples:
    """Return what a file is asked."""
    return samples_of(request, request.sample_inputs)
