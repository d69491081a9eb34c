"""Training settings: optimizers, schedules and everything the Training panel shows.

Every default is written here; none is left to a framework.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# Bounds and labels are msgspec.Meta, as `plugin_api.parameters.param` makes them; the document
# cannot import the plug-in API, which stands on top of it.
LearningRate = Annotated[float, Meta(gt=0, title="Learning rate")]
Penalty = Annotated[float, Meta(ge=0)]
Epsilon = Annotated[float, Meta(gt=0, title="Epsilon", extra={"advanced": True})]


class _Part(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """A tagged part of the training settings."""


class SGD(_Part, frozen=True, tag="sgd"):
    """Stochastic gradient descent, with momentum or Nesterov momentum."""

    learning_rate: LearningRate = 0.01
    momentum: Annotated[float, Meta(ge=0, lt=1, title="Momentum")] = 0.9
    nesterov: Annotated[bool, Meta(title="Nesterov")] = False
    weight_decay: Annotated[float, Meta(ge=0, title="Weight decay")] = 0.0


class Adam(_Part, frozen=True, tag="adam"):
    """Adam (Kingma and Ba, 2015); weight decay is added to the gradient."""

    learning_rate: LearningRate = 0.001
    beta_1: Annotated[float, Meta(ge=0, lt=1, title="Beta 1", extra={"advanced": True})] = 0.9
    beta_2: Annotated[float, Meta(ge=0, lt=1, title="Beta 2", extra={"advanced": True})] = 0.999
    epsilon: Epsilon = 1e-8
    weight_decay: Annotated[float, Meta(ge=0, title="Weight decay")] = 0.0


class AdamW(_Part, frozen=True, tag="adamw"):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    learning_rate: LearningRate = 0.001
    beta_1: Annotated[float, Meta(ge=0, lt=1, title="Beta 1", extra={"advanced": True})] = 0.9
    beta_2: Annotated[float, Meta(ge=0, lt=1, title="Beta 2", extra={"advanced": True})] = 0.999
    epsilon: Epsilon = 1e-8
    weight_decay: Annotated[float, Meta(ge=0, title="Weight decay")] = 0.01


class RMSprop(_Part, frozen=True, tag="rmsprop"):
    """RMSprop (Hinton, 2012)."""

    learning_rate: LearningRate = 0.001
    rho: Annotated[float, Meta(ge=0, lt=1, title="Rho", description="Weight of the old mean")] = 0.9
    momentum: Annotated[float, Meta(ge=0, lt=1, title="Momentum")] = 0.0
    epsilon: Epsilon = 1e-8
    weight_decay: Annotated[float, Meta(ge=0, title="Weight decay")] = 0.0


class Adagrad(_Part, frozen=True, tag="adagrad"):
    """Adagrad (Duchi, Hazan and Singer, 2011)."""

    learning_rate: LearningRate = 0.01
    initial_accumulator: Annotated[
        float, Meta(ge=0, title="Initial accumulator", extra={"advanced": True})
    ] = 0.1
    epsilon: Epsilon = 1e-8
    weight_decay: Annotated[float, Meta(ge=0, title="Weight decay")] = 0.0


Optimizer = SGD | Adam | AdamW | RMSprop | Adagrad


class Constant(_Part, frozen=True, tag="constant"):
    """The learning rate as it is."""

    def scale(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Return the factor on the learning rate at a step (from 0)."""
        return 1.0


class Step(_Part, frozen=True, tag="step"):
    """Multiply by `factor` every `every` epochs."""

    every: Annotated[int, Meta(ge=1, title="Every", extra={"unit": "epochs"})] = 10
    factor: Annotated[float, Meta(gt=0, le=1, title="Factor")] = 0.1

    def scale(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Return the factor on the learning rate at a step (from 0)."""
        return self.factor ** (step // (steps_per_epoch * self.every))


class Cosine(_Part, frozen=True, tag="cosine"):
    """Fall along half a cosine to `final` times the rate (Loshchilov and Hutter, 2017)."""

    final: Annotated[float, Meta(ge=0, le=1, title="Final factor")] = 0.0

    def scale(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Return the factor on the learning rate at a step (from 0)."""
        progress = min(step / max(total_steps, 1), 1.0)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2


class OneCycle(_Part, frozen=True, tag="one_cycle"):
    """Rise to the rate, then fall far below where it began (Smith and Topin, 2018)."""

    rise: Annotated[float, Meta(gt=0, lt=1, title="Share of rising steps")] = 0.3
    initial: Annotated[float, Meta(gt=0, le=1, title="First factor")] = 0.04
    final: Annotated[float, Meta(ge=0, le=1, title="Last factor")] = 4e-6

    def scale(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Return the factor on the learning rate at a step (from 0)."""
        peak = max(self.rise * total_steps - 1, 1)
        last = max(total_steps - 1, peak + 1)
        if step <= peak:
            start, end, share = self.initial, 1.0, step / peak
        else:
            start, end, share = 1.0, self.final, min((step - peak) / (last - peak), 1.0)
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


class Plateau(_Part, frozen=True, tag="plateau"):
    """Multiply by `factor` when the watched metric has not improved for `patience` epochs."""

    factor: Annotated[float, Meta(gt=0, lt=1, title="Factor")] = 0.1
    patience: Annotated[int, Meta(ge=0, title="Patience", extra={"unit": "epochs"})] = 5
    minimum_change: Annotated[float, Meta(ge=0, title="Smallest improvement")] = 1e-4

    def scale(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """Return 1: the training loop keeps this schedule's own factor, from the metrics."""
        return 1.0


Schedule = Constant | Step | Cosine | OneCycle | Plateau


def depends_on_length(schedule: Schedule) -> bool:
    """Whether training for more epochs changes the rate of all steps."""
    return isinstance(schedule, Cosine | OneCycle)


class EarlyStopping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stop when the watched metric has not improved for `patience` epochs."""

    patience: Annotated[int, Meta(ge=1, title="Patience", extra={"unit": "epochs"})] = 10
    minimum_change: Annotated[float, Meta(ge=0, title="Smallest improvement")] = 0.0


class Mixup(_Part, frozen=True, tag="mixup"):
    """Train on blends of two samples, with both classes in their shares (Zhang et al., 2018)."""

    alpha: Annotated[
        float,
        Meta(
            gt=0,
            title="Alpha",
            description="Shares are drawn from Beta(alpha, alpha): small ones blend little",
        ),
    ] = 0.2


class CutMix(_Part, frozen=True, tag="cutmix"):
    """Paste a rectangle of one picture into another (Yun et al., 2019)."""

    alpha: Annotated[
        float,
        Meta(
            gt=0,
            title="Alpha",
            description="Areas are drawn from Beta(alpha, alpha): 1 draws all alike",
        ),
    ] = 1.0


Mixing = Mixup | CutMix


class Averaging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let a running average of the weights stand for them (Polyak and Juditsky, 1992)."""

    decay: Annotated[
        float,
        Meta(
            gt=0,
            lt=1,
            title="Decay",
            description="What the average keeps of itself at each step: 0.99 reaches back some 100 "
            "steps, 0.999 a thousand; at first it is smaller",
        ),
    ] = 0.99


class Unfreezing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thaw frozen layers while training goes on, the last ones first (Howard and Ruder, 2018)."""

    every: Annotated[int, Meta(ge=1, title="Every", extra={"unit": "epochs"})] = 1
    stages: Annotated[
        int,
        Meta(
            ge=1,
            title="Stages",
            description="Frozen layers are divided by their depth into so many parts",
        ),
    ] = 3


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a network is trained."""

    epochs: Annotated[int, Meta(ge=1, title="Epochs")] = 10
    batch_size: Annotated[int, Meta(ge=1, title="Batch size")] = 32
    optimizer: Annotated[Optimizer, Meta(title="Optimizer")] = Adam()
    schedule: Annotated[Schedule, Meta(title="Schedule")] = Constant()
    warmup_steps: Annotated[
        int,
        Meta(
            ge=0,
            title="Warm-up",
            description="Steps over which the learning rate rises linearly from zero",
            extra={"unit": "steps"},
        ),
    ] = 0
    clip_norm: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(title="Clip gradients", description="Largest L2 norm of all gradients together"),
    ] = None
    accumulate: Annotated[
        int,
        Meta(
            ge=1,
            title="Accumulate",
            description="Batches whose gradients are averaged into one step",
            extra={"unit": "batches"},
        ),
    ] = 1
    sampling: Annotated[
        Literal["shuffled", "balanced"],
        Meta(
            title="Sampling",
            description="Balanced: an epoch draws each class equally often, however rare it is",
        ),
    ] = "shuffled"
    mixing: Annotated[
        Mixing | None,
        Meta(title="Mix samples", description="Train on mixtures of two samples of a batch"),
    ] = None
    unfreezing: Annotated[
        Unfreezing | None,
        Meta(
            title="Unfreeze gradually",
            description="Frozen layers join the training one after the other, the last ones first",
        ),
    ] = None
    averaging: Annotated[
        Averaging | None,
        Meta(
            title="Average weights",
            description="Evaluate, keep and export a running average of the weights",
        ),
    ] = None
    early_stopping: Annotated[EarlyStopping | None, Meta(title="Early stopping")] = None
    monitor: Annotated[
        str,
        Meta(
            title="Best by",
            description="Metric that decides the best checkpoint; empty: the task's own",
            extra={"advanced": True},
        ),
    ] = ""
    backend: Annotated[str, Meta(title="Backend", extra={"hidden": True})] = "torch"
    device: Annotated[
        str,
        Meta(title="Device", description="auto, cpu, cuda, cuda:1, mps", extra={"hidden": True}),
    ] = "auto"
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"],
        Meta(title="Precision", description="Mixed precision where the device has it"),
    ] = "float32"
    channels_last: Annotated[
        bool,
        Meta(
            title="Channels last",
            description="Memory format of pictures; often faster on GPUs with mixed precision",
            extra={"advanced": True},
        ),
    ] = False
    compile: Annotated[
        bool,
        Meta(
            title="Compile",
            description="Let the framework compile the network; slow to start, then faster",
            extra={"advanced": True},
        ),
    ] = False
    threads: Annotated[
        int,
        Meta(
            ge=0,
            title="Threads",
            description="Threads for computing; 0: all cores",
            extra={"advanced": True},
        ),
    ] = 0
    loaders: Annotated[
        int,
        Meta(
            ge=0,
            title="Loading processes",
            description="Processes that read and augment; 0: as many as help here",
            extra={"advanced": True},
        ),
    ] = 0
    cache_features: Annotated[
        Literal["auto", "on", "off"],
        Meta(
            title="Keep what frozen layers give",
            description="Frozen layers at the start run once for each sample and their outputs "
            "are kept, unless augmentation changes the samples. auto: where that is possible",
            extra={"advanced": True},
        ),
    ] = "auto"
    checkpoint_seconds: Annotated[
        float,
        Meta(
            gt=0,
            title="Save at least every",
            description="Longest time between checkpoints; the end of an epoch saves one, too",
            extra={"unit": "s", "advanced": True},
        ),
    ] = 30.0
