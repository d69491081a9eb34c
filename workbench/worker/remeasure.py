"""Evaluates a run's checkpoint again, on the data as they are now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.worker.assembly import assemble
from workbench.worker.batches import Feed
from workbench.worker.evaluation import evaluate
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.folder import RunFolder

SMALLEST_BATCH = 32


def evaluate_run(
    folder: RunFolder, catalog: Catalog, split: SplitName = "test", which: Which = "best"
) -> Evaluation:
    """Return what a split says of a run's network; the folder is only read.

    Samples are prepared with what preprocessing learned when the run was trained.

    Args:
        which: "best" falls back to the last when no best was kept.

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
        return evaluate(same, trained.model, split, trained.step).evaluation
    finally:
        feed.close()
