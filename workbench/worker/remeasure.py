"""Evaluates a run's checkpoint again, on the data as they are now."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.class_results import ClassResults
from workbench.worker.assembly import assemble
from workbench.worker.batches import Feed
from workbench.worker.evaluation import evaluate
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.folder import RunFolder
    from workbench.runs.results import Results

SMALLEST_BATCH = 32


@dataclass(frozen=True)
class Mistake:
    """A sample that was taken for another class.

    Attributes:
        sample_id: by which it can be corrected; empty where that cannot be.
        loss: −log of the probability of its class, `true`.
    """

    sample_id: str
    name: str
    true: str
    answer: str
    probability: float
    loss: float


def evaluate_run(
    folder: RunFolder, catalog: Catalog, split: SplitName = "test", which: Which = "best"
) -> Evaluation:
    """Return what a split says of a run's network; see `evaluate_samples`."""
    return evaluate_samples(folder, catalog, split, which)[0]


def evaluate_samples(
    folder: RunFolder,
    catalog: Catalog,
    split: SplitName = "test",
    which: Which = "best",
    mistakes: int = 0,
) -> tuple[Evaluation, list[Mistake]]:
    """Return what a split says of a run's network; the folder is only read.

    Samples are prepared with what preprocessing learned when the run was trained.

    Args:
        which: "best" falls back to the last when no best was kept.
        mistakes: so many wrongly classified samples are returned, the highest loss first.

    Raises:
        UserError: the run has no checkpoint, its data are gone or have other classes now, or
            there is no such split.
    """
    trained = open_trained(folder, catalog, which)
    assembly = assemble(folder, catalog, fitted=trained.fitted)
    assembly.feed.close()
    if assembly.info.classes != trained.info.classes:
        raise UserError(
            "The data have other classes now than when this run was trained.",
            "Make the old data available again, or train a new run.",
        )
    if not assembly.info.counts.get(split):
        known = ", ".join(assembly.info.counts)
        raise UserError(f"The data have no {split} split.", f"There are: {known}.")
    batch_size = max(trained.experiment.training.batch_size, SMALLEST_BATCH)
    feed = Feed(assembly.prepared, seed=trained.experiment.seed, batch_size=batch_size)
    try:
        same = replace(assembly, feed=feed)
        found = evaluate(same, trained.model, split, trained.step)
    finally:
        feed.close()
    source = catalog.source(trained.experiment.data.source)
    samples = assembly.prepared.opened.splits[split]
    worst = _worst(found.results, mistakes) if mistakes else []
    classes = assembly.info.classes

    def described(row: int, rows: ClassResults) -> Mistake:
        index = int(found.results.indices[row])
        return Mistake(
            sample_id=source.sample_id(samples, index) if source.correctable else "",
            name=samples.name(index),
            true=classes[rows.targets[row]],
            answer=classes[rows.top_classes[row, 0]],
            probability=float(rows.top_probabilities[row, 0]),
            loss=-math.log(max(float(rows.target_probability[row]), 1e-30)),
        )

    return found.evaluation, [described(*each) for each in worst]


def _worst(results: Results, count: int) -> list[tuple[int, ClassResults]]:
    """Return rows of wrong answers, the highest loss first.

    Raises:
        UserError: the task is no classification.
    """
    rows = ClassResults.of(results.arrays)
    if rows is None:
        raise UserError("Only classifiers make mistakes that can be listed.", "Omit --mistakes.")
    wrong = np.flatnonzero(rows.top_classes[:, 0] != rows.targets)
    order = wrong[np.argsort(rows.target_probability[wrong], kind="stable")]
    return [(int(row), rows) for row in order[:count]]
