"""Writes runs of forecasters as a worker would: real temperatures, forecasts that miss a little."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

import resources
from tests.widgets.runs_on_disk import BEGAN, write_experiment
from workbench.document.experiment import Component, Data, Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.task import Context
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.results import Results, write_results
from workbench.worker.preparation import prepare

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog

HORIZON = 3


def table(folder: Path) -> Path:
    """Write two series of two channels, from the sea's temperatures."""
    path = resources.path("samples", "elnino.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    lines = ["month,place,warm,cold"]
    for place, shift in (("coast", 0.0), ("island", 2.0)):
        lines += [f"{m},{place},{float(t) + shift},{float(t) - 9}" for m, t in rows]
    made = folder / "places.csv"
    made.write_text("\n".join(lines), encoding="utf-8")
    return made


def forecaster(folder: Path) -> Experiment:
    """Return an experiment with quantiles of three steps of two channels."""
    nodes = (
        Node("input1", "Input"),
        Node("lstm1", "LSTM", {"units": 4}, ("input1",)),
        Node("dense1", "Dense", {"units": HORIZON * 2 * 3}, ("lstm1",)),
        Node("output1", "Output", {}, ("dense1",)),
    )
    source = {"file": str(table(folder)), "series": "place"}
    return Experiment(
        name="Places",
        graph=Graph(nodes),
        data=Data(
            source=Component("time_table", source),
            preprocessing=Component("windows", {"window": 12, "horizon": HORIZON}),
        ),
        task=Component("forecasting", {"loss": "quantile"}),
    )


def write_forecasts(runs: Path, catalog: Catalog) -> RunFolder:
    """Write a run with results of the validation and test splits, and return its folder."""
    folder = RunFolder(runs / "2026-11-20_101500_places")
    for path in (folder.path, folder.probes, folder.results):
        path.mkdir(parents=True)
    given = forecaster(runs.parent)
    write_experiment(folder, given)
    prepared = prepare(given, catalog)
    saved = {"info": prepared.info, "fitted": prepared.fitted}
    folder.info.write_bytes(msgspec.json.encode(saved))
    context = Context(None, prepared.info, prepared.preprocessing, prepared.fitted)
    with LineWriter(folder.events) as events:
        started = ev.Started(
            time=BEGAN,
            step=0,
            epoch=0,
            epochs=2,
            steps_per_epoch=10,
            samples_per_epoch=320,
            backend="torch",
            device="cpu",
            pid=1,
            headline="mae",
            direction="min",
        )
        events.write(ev.encode(started))
        for epoch, mae in ((1, 0.9), (2, 0.4)):
            metrics = {"train/loss": mae, "val/loss": mae, "val/mae": mae, "val/smape": 3.0}
            ended = ev.EpochFinished(
                time=BEGAN + epoch, epoch=epoch, step=10 * epoch, metrics=metrics, seconds=1.0
            )
            events.write(ev.encode(ended))
        for split in ("validation", "test"):
            samples = prepared.opened.splits[split]
            evaluation, results = _evaluated(catalog, given, replace(context, samples=samples))
            write_results(folder.results / f"{split}.safetensors", results)
            told = ev.Evaluated(time=BEGAN + 3, split=split, step=20, evaluation=evaluation)
            events.write(ev.encode(told))
        found = {f"test/{name}": value for name, value in evaluation.metrics.items()}
        done = ev.Finished(time=BEGAN + 4, step=20, reason="completed", metrics=found)
        events.write(ev.encode(done))
    return folder


def _evaluated(catalog: Catalog, given: Experiment, context: Context):
    samples, indices = context.samples, np.arange(len(context.samples))
    prepare_one = context.preprocessing.target
    targets = np.stack([prepare_one(samples.target(n), context.fitted) for n in indices])
    outputs = 0.9 * targets[..., None] + np.array([-0.3, 0.0, 0.3])
    evaluator = catalog.task(given.task).evaluator(context)
    flat = outputs.reshape(len(indices), -1).astype(np.float32)
    evaluator.update(flat, Batch(targets, targets, indices))
    return evaluator.compute(), Results(20, indices, evaluator.results())
