"""What each batch of a step counts for in the mean over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.task import Task


def shares(task: Task, batches: Sequence[Batch]) -> Iterator[tuple[Batch, float]]:
    """Yield each batch with its share: the mean of means is the mean over all targets then."""
    weights = [task.loss_weight(batch) for batch in batches]
    total = sum(weights) or 1.0
    for batch, weight in zip(batches, weights, strict=True):
        yield batch, weight / total
