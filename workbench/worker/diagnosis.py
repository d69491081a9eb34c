"""Finds the layer in which a loss stopped being a number."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.worker.failures import TrainingError
from workbench.worker.loop import grouped, steps_per_epoch
from workbench.worker.progress import Progress
from workbench.worker.schedule import LearningRates
from workbench.worker.start import first_weights
from workbench.worker.thawing import bring_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.plugin_api.backend import Batch, ModelState
    from workbench.worker.loop import Tools
    from workbench.worker.reporter import DivergedError

LONGEST_REPLAY = 60.0
"""Seconds that the search may take."""


def diagnose(error: DivergedError, tools: Tools, first_state: ModelState) -> TrainingError:
    """Return the failure to report; the model's weights are of no use afterwards.

    One bad step spoils every weight, so looking at what is left would always blame the first
    layer. Training is repeated from the last good checkpoint up to the bad step instead, and that
    step's batch is followed through the network.

    Args:
        first_state: of the model before its first step, for a run without a checkpoint.
    """
    try:
        node = _replay(error.step, tools, first_state)
    except Exception:  # the failure itself matters more than where it began
        node = ""
    training = tools.assembly.experiment.training
    where = f"; it began in {node}" if node else ""
    clip = "" if training.clip_norm is not None else ", or clip the gradients"
    saved = "The last good checkpoint is kept." if tools.checkpoints.names() else ""
    return TrainingError(
        f"The loss stopped being a number at step {error.step}{where}.",
        f"Lower the learning rate{clip}. {saved}".strip(),
        node,
    )


def _replay(bad_step: int, tools: Tools, first_state: ModelState) -> str:
    """Train again up to a step and return the node in which its values stop being finite."""
    assembly, model = tools.assembly, tools.model
    training = assembly.experiment.training
    found = tools.checkpoints.newest()
    if found is None:
        weights, _ = first_weights(assembly.network, assembly.experiment, assembly.folder)
        model.load_weights(weights)
        model.load_state(first_state)
        progress = Progress(epochs=training.epochs, learning_rate=training.optimizer.learning_rate)
    else:
        progress = found.progress
        bring_back(model, assembly, progress)
        model.load_weights(found.weights)
        model.load_state(found.model)
    rates = LearningRates(training, steps_per_epoch(assembly), progress.epochs)
    deadline = time.perf_counter() + LONGEST_REPLAY
    for group in _groups(tools, progress):
        if progress.step + 1 >= bad_step:
            return next((node for batch in group if (node := model.first_non_finite(batch))), "")
        if time.perf_counter() > deadline:
            break
        model.train_step(group, rates.rate(progress))
        progress.step += 1
    return ""


def _groups(tools: Tools, progress: Progress) -> Iterator[tuple[Batch, ...]]:
    """Yield the rest of the running epoch, and the next one."""
    feed, size = tools.assembly.feed, tools.assembly.experiment.training.accumulate
    yield from grouped(feed.train_batches(progress.epoch, progress.batch), size)
    yield from grouped(feed.train_batches(progress.epoch + 1), size)
