"""Training settings that would run, and yet not do what they are meant to do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.document.edits import set_training
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.document.experiment import Experiment
    from workbench.document.training import Training
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network


def training_problems(
    training: Training, network: Network, info: DataInfo | None
) -> Iterator[Problem]:
    """Yield a warning for each setting that has no effect, or a harmful one, on this network."""
    samples = info.counts.get("train", 0) if info is not None else 0
    last = samples % training.batch_size or training.batch_size
    if 1 in (training.batch_size, last):
        yield from _single_values(network, only_last=training.batch_size > 1)
    if samples:
        yield from _too_few_steps(training, -(-samples // training.batch_size))


def _single_values(network: Network, *, only_last: bool) -> Iterator[Problem]:
    """Yield layers whose statistics are taken over one value, which is then its own mean.

    PyTorch's nn.BatchNorm, which keeps the unbiased variance, refuses such a batch.
    """
    for node in network.nodes:
        places = node.output.shape[:-1]
        is_single = math.prod(2 if size is None else size for size in places) == 1
        if not (node.layer.is_over_batch and is_single):
            continue
        is_refused = getattr(node.layer, "running_variance", "") == "unbiased"
        if is_refused or not only_last:
            batches = "The last batch of each epoch holds" if only_last else "Each batch holds"
            yield Problem(
                "error" if is_refused else "warning",
                f"{batches} a single sample, so {node.id} compares each value with itself alone.",
                "Choose another batch size, or use layer norm instead.",
                node.id,
                None if only_last else Repair("Use a batch size of 32", _larger_batches),
            )


def _larger_batches(experiment: Experiment) -> Experiment:
    return set_training(experiment, batch_size=32)


def _too_few_steps(training: Training, batches: int) -> Iterator[Problem]:
    steps = -(-batches // training.accumulate) * training.epochs
    if training.warmup_steps >= steps:
        yield Problem(
            "warning",
            f"Warm-up takes {training.warmup_steps} steps, but all epochs together have {steps}: "
            "the learning rate never gets to its value.",
            "Warm up for fewer steps, or train for more epochs.",
        )
    if training.accumulate > batches:
        yield Problem(
            "warning",
            f"Gradients of {training.accumulate} batches are to be averaged, but an epoch has "
            f"only {batches}.",
            "Average fewer, or use smaller batches.",
        )
