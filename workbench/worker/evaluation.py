"""Evaluates whole splits: metrics for the events, predictions for the results folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.errors import UserError
from workbench.runs.results import Results, write_results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Model
    from workbench.plugin_api.data import SplitName
    from workbench.plugin_api.task import Evaluation
    from workbench.worker.assembly import Assembly

LARGEST_CONFUSION = 100
"""More classes than this are left out of events; the results file has the whole matrix."""


@dataclass(frozen=True)
class Evaluated:
    """What evaluating a split gave.

    Attributes:
        evaluation: metrics, "loss" among them.
        results: one row a sample.
    """

    evaluation: Evaluation
    results: Results

    def for_event(self) -> Evaluation:
        """Return the evaluation, bounded in size."""
        if len(self.evaluation.confusion) <= LARGEST_CONFUSION:
            return self.evaluation
        return msgspec.structs.replace(self.evaluation, confusion=(), per_class={})

    def write(self, folder: Path, split: SplitName) -> None:
        """Write the predictions to FOLDER/SPLIT.safetensors; raises UserError."""
        folder.mkdir(exist_ok=True)
        write_results(folder / f"{split}.safetensors", self.results)


def evaluate(
    assembly: Assembly,
    model: Model,
    split: SplitName,
    step: int,
    between: Callable[[], None] = lambda: None,
) -> Evaluated:
    """Evaluate a split with the model's present weights.

    Args:
        between: called between batches; may raise to give up.

    Raises:
        UserError: no sample of the split can be read.
    """
    task = assembly.task
    samples = assembly.prepared.opened.splits[split]
    evaluator = task.evaluator(replace(assembly.context, samples=samples))
    indices: list[NDArray[np.int64]] = []
    total, weight, count = 0.0, 0.0, 0
    for batch in assembly.feed.batches(split):
        if not len(batch):
            continue
        outputs, loss = model.evaluate_step(batch)
        evaluator.update(outputs, batch)
        in_order = np.arange(count, count + len(batch))
        indices.append(in_order if batch.indices is None else batch.indices)
        share = task.loss_weight(batch)
        total += loss * share if share else 0.0
        weight += share
        count += len(batch)
        between()
    if not count:
        raise UserError(
            f"No sample of the {split} split can be read.", "Make the data available again."
        )
    found = evaluator.compute()
    metrics = {"loss": total / max(weight, 1.0), **found.metrics}
    results = Results(step, np.concatenate(indices), evaluator.results())
    baselines = {**assembly.baselines(split), **found.baselines}
    found = msgspec.structs.replace(found, metrics=metrics, baselines=baselines)
    return Evaluated(found, results)
