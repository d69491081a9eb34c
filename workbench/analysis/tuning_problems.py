"""Ways of training that do not go with these data, this task or this network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.analysis.unfreezing import parts
from workbench.document.edits import set_training
from workbench.document.training import Averaging, CutMix
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.document.experiment import Experiment
    from workbench.document.training import Training
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Task


def tuning_problems(
    training: Training, task: Task, network: Network, info: DataInfo | None
) -> Iterator[Problem]:
    """Yield an error for each setting that means nothing here, a warning for one without effect."""
    yield from _mixing(training, task, info)
    yield from _sampling(training, task, info)
    yield from _unfreezing(training, network)
    yield from _averaging(training, info)


def _mixing(training: Training, task: Task, info: DataInfo | None) -> Iterator[Problem]:
    if training.mixing is None:
        return
    name = "CutMix" if isinstance(training.mixing, CutMix) else "Mixup"
    off = Repair("Mix no samples", partial(set_training, mixing=None))
    kind = info.input if info is not None else None
    if not task.mixes:
        yield Problem(
            "error",
            f"{name} mixes the classes of two samples, which {task.title.lower()} has none of.",
            "Mix no samples, or choose a task with one class a sample.",
            repair=off,
        )
    elif kind is not None and kind.dtype != "float32":
        yield Problem(
            "error",
            f"{name} cannot mix words: half a word means nothing.",
            "Mix no samples.",
            repair=off,
        )
    elif kind is not None and kind.varies:
        yield Problem(
            "error",
            f"{name} cannot mix samples of different lengths.",
            "Mix no samples, or give all the same length in the data settings.",
            repair=off,
        )
    elif isinstance(training.mixing, CutMix) and kind is not None and len(kind.shape) != 3:
        yield Problem(
            "error",
            "CutMix pastes parts of pictures, and the data are none.",
            "Use mixup instead, or mix no samples.",
            repair=off,
        )
    elif training.batch_size == 1:
        yield Problem(
            "warning",
            f"{name} mixes the samples of a batch, and a batch has one.",
            "Choose a larger batch size.",
        )


def _sampling(training: Training, task: Task, info: DataInfo | None) -> Iterator[Problem]:
    if training.sampling != "balanced" or info is None:
        return
    shuffle = Repair("Draw samples as they are", partial(set_training, sampling="shuffled"))
    if info.target is not None or not info.class_counts.get("train"):
        yield Problem(
            "error",
            "Balanced sampling draws each class equally often, but these samples have not one "
            "class each.",
            "Draw samples as they are.",
            repair=shuffle,
        )
    elif getattr(task, "class_weights", "none") == "balanced":
        yield Problem(
            "warning",
            "Rare classes are drawn more often and weigh more, too: they count twice over.",
            "Use either balanced sampling or balanced class weights.",
            repair=shuffle,
        )


def _unfreezing(training: Training, network: Network) -> Iterator[Problem]:
    unfreezing = training.unfreezing
    if unfreezing is None:
        return
    stages = parts(network, unfreezing)
    if not stages:
        yield Problem(
            "warning",
            "Layers are to thaw one after the other, but none is frozen.",
            "Freeze the layers that are to join later.",
            repair=Repair("Do not unfreeze", partial(set_training, unfreezing=None)),
        )
    elif unfreezing.every * len(stages) >= training.epochs:
        late = [item.name for item in stages[-1]]
        yield Problem(
            "warning",
            f"{late[-1]} would thaw after {unfreezing.every * len(stages)} epochs, but training "
            f"ends after {training.epochs}.",
            "Unfreeze more quickly, in fewer stages, or train for longer.",
        )


def _averaging(training: Training, info: DataInfo | None) -> Iterator[Problem]:
    samples = info.counts.get("train", 0) if info is not None else 0
    if training.averaging is None or not samples:
        return
    batches = -(-samples // training.batch_size)
    steps = -(-batches // training.accumulate) * training.epochs
    reach = 1 / (1 - training.averaging.decay)
    if reach > steps / 2:
        yield Problem(
            "warning",
            f"The average of the weights reaches back over some {reach:.0f} steps, but the whole "
            f"training has {steps}: it will lag far behind.",
            "Use a smaller decay.",
            repair=Repair("Fit the decay to the training", partial(_fitted, steps=steps)),
        )


def _fitted(experiment: Experiment, steps: int) -> Experiment:
    """Let the average reach over a tenth of the training."""
    decay = float(f"{1 - 10 / max(steps, 20):.4f}")
    return set_training(experiment, averaging=Averaging(decay=decay))
