"""Training settings that would run, and yet not do what they are meant to do."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from workbench.document.edits import set_training
from workbench.document.training import Adam, AdamW, RMSprop
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.document.experiment import Experiment
    from workbench.document.training import Training
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network, ResolvedNode

HIGHEST_FOR_ATTENTION, USUAL_FOR_ATTENTION = 3e-4, 5e-5
"""Learning rates for Transformers that were trained before: Devlin et al., 2019, appendix A.3,
fine-tune with 2e-5 to 5e-5; what an adaptive rule multiplies by more soon forgets."""


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


def fine_tuning_problems(experiment: Experiment, network: Network) -> Iterator[Problem]:
    """Yield a warning where attention that was trained before would soon forget it."""
    start, optimizer = experiment.start, experiment.training.optimizer
    if start is None or not isinstance(optimizer, Adam | AdamW | RMSprop):
        return
    fast = [
        node
        for node in network.nodes
        if optimizer.learning_rate * node.learning_rate_scale > HIGHEST_FOR_ATTENTION
        and start.names.get(node.id) != ""
        and _trains_attention(node)
    ]
    if fast:
        yield Problem(
            "warning",
            f"{fast[0].id} was trained before, and a learning rate of "
            f"{optimizer.learning_rate:g} soon overwrites what its attention has learned.",
            "Transformers are fine-tuned with 2e-5 to 5e-5. Or freeze all but the head, or add "
            "adapters.",
            fast[0].id,
            Repair(f"Learn at a rate of {USUAL_FOR_ATTENTION:g}", partial(_slower, optimizer)),
        )


def _trains_attention(node: ResolvedNode) -> bool:
    if node.lora is not None or not node.trained:
        return False
    return any("query" in one.roles for one in node.layer.projections(node.input_types).values())


def _slower(optimizer: Adam | AdamW | RMSprop, experiment: Experiment) -> Experiment:
    slow = msgspec.structs.replace(optimizer, learning_rate=USUAL_FOR_ATTENTION)
    return set_training(experiment, optimizer=slow)
