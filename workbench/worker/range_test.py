"""The learning-rate range test (Smith, 2017): training with a rate that rises at every step."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from workbench.analysis.learning_rate import (
    HIGHEST,
    LOWEST,
    STEPS,
    RatePoint,
    Suggestion,
    has_diverged,
    suggest,
)
from workbench.runs.control import create_run
from workbench.worker.assembly import assemble
from workbench.worker.importing import import_framework
from workbench.worker.loop import grouped
from workbench.worker.start import first_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Model
    from workbench.worker.assembly import Assembly

DIFFERENT = 8
"""Steps whose batches differ."""


def find_rate(
    experiment: Experiment,
    catalog: Catalog,
    folder: Path,
    tell: Callable[[str], None],
    show: Callable[[RatePoint], None],
) -> Suggestion:
    """Test an experiment as a run would begin, and suggest its learning rate.

    Args:
        folder: where a copy of the experiment and its module go; it may be removed afterwards.
        tell: called with what is being done, in words.
        show: called with every step.

    Raises:
        UserError: the data cannot be used, the design has an error, the device is not there.
        NodeError, OutOfMemoryError: from the model.
    """
    tell("Reading the experiment and its data")
    assembly = assemble(create_run(experiment, folder), catalog)
    try:
        tell(f"Starting {assembly.backend.title}")
        import_framework(assembly.backend)
        model = assembly.build()
        weights, _ = first_weights(assembly.network, assembly.experiment, assembly.folder)
        model.load_weights(weights)
        tell("Raising the learning rate step by step")
        tested: list[RatePoint] = []
        for point in range_test(assembly, model):
            tested.append(point)
            show(point)
            if has_diverged(tested):
                break
    finally:
        assembly.feed.close()
    return suggest(tested)


def range_test(assembly: Assembly, model: Model, steps: int = STEPS) -> Iterator[RatePoint]:
    """Yield one step after the other until the loss is not finite or all steps are done.

    The steps are those that training would do first, accumulated as the settings say; after
    `DIFFERENT` of them the same batches come again. On new batches at every step the loss of a
    hard task hardly falls within so few steps, and differs more from batch to batch than from rate
    to rate. The model is trained by it, and of no use afterwards.
    """
    accumulate = assembly.experiment.training.accumulate
    batches = list(itertools.islice(assembly.feed.train_batches(0), DIFFERENT * accumulate))
    groups = itertools.cycle(grouped(batches, accumulate))
    for step, group in enumerate(itertools.islice(groups, steps)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(steps - 1, 1))
        model.train_step(group, rate)
        loss = model.drain_logs(wait=True)["loss"][-1]
        if not math.isfinite(loss):
            return
        yield RatePoint(rate, loss)
