"""The contract of a task: loss, metrics, and what the network's head must produce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import msgspec

from workbench.plugin_api.parameters import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.preprocessing import Preprocessing
    from workbench.plugin_api.problems import Problem


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a split said of a model.

    Attributes:
        metrics: name to value, without the split ("accuracy", "f1").
        per_class: metric name to one value a class.
        confusion: rows are the true classes, columns the predicted ones.
        baselines: metrics of simple answers to the same samples, by the name of the answer
            ("naive", "majority class").
    """

    metrics: dict[str, float]
    per_class: dict[str, tuple[float, ...]] = {}
    confusion: tuple[tuple[int, ...], ...] = ()
    baselines: dict[str, dict[str, float]] = {}


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One sample's answer for a person; its fields are what `--json` prints."""

    def in_words(self) -> str:
        """Return the answer in a line, or a table below an empty first one."""
        raise NotImplementedError


class ClassPrediction(Prediction, frozen=True, kw_only=True):
    """The likeliest labels with their probabilities."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]

    def in_words(self) -> str:
        """Return "cat 98.1 %, dog 1.2 %": three labels at most."""
        pairs = zip(self.labels, self.probabilities, strict=True)
        return ", ".join(f"{label} {100 * share:.1f} %" for label, share in list(pairs)[:3])


@dataclass(frozen=True)
class Context:
    """What a network's outputs have to be read with.

    Attributes:
        fitted: what preprocessing learned from the training split.
        samples: the arranged samples that outputs are for: of a split, or of a user's file; a
            batch's `indices` are numbers in it. None where they are not at hand.
    """

    network: Network
    info: DataInfo
    preprocessing: Preprocessing
    fitted: dict[str, Any]
    samples: Samples | None = None


class Evaluator(Protocol):
    """Gathers a split batch by batch."""

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take the raw outputs for one batch."""
        ...

    def compute(self) -> Evaluation:
        """Return the metrics of all batches."""
        ...

    def results(self) -> Mapping[str, NDArray[Any]]:
        """Return what is kept of the split for the task's views, one row a sample."""
        ...


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of learning task. Its fields are its settings."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    mixes: ClassVar[bool] = False
    """Whether mixtures of two samples can be learned, by the losses of both in their shares."""

    def fits(self, info: DataInfo) -> bool:
        """Whether data have what this task learns; if not, one that fits is suggested."""
        return True

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what stands between this network and this task, head and classes first."""
        raise NotImplementedError

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return loss(outputs, targets) -> scalar tensor, mean over the batch.

        Targets are as in Batch; those that are `IGNORED` count for nothing.
        """
        raise NotImplementedError

    def loss_weight(self, batch: Batch) -> float:
        """Return what a batch's mean loss is a mean over: samples, or steps that have a target."""
        return len(batch)

    def torch_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return cheap training metrics, each one value a sample, as tensors: {"accuracy": …}."""
        return {}

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return loss(outputs, targets, present) -> scalar tensor, by keras.ops.

        The same number as `torch_loss` for the samples whose `present` (batch, float32) is 1; the
        others, with 0, fill up a short batch and count for nothing. It is traced and compiled.
        """
        raise NotImplementedError

    def keras_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return what `torch_metrics` does, by keras.ops: one float a sample."""
        return {}

    def evaluator(self, context: Context) -> Evaluator:
        """Return an empty evaluator."""
        raise NotImplementedError

    def baselines(
        self, context: Context, train: Samples, judged: Samples
    ) -> Mapping[str, dict[str, float]]:
        """Return metrics of simple answers to a split, as in `Evaluation.baselines`.

        Called in the worker, once a split, and bounded in time and memory: what learned from, or
        was judged by, a part of the samples says so in its name.

        Args:
            train: arranged samples of the training split, to learn from.
            judged: arranged samples of the split in question.
        """
        return {}

    def sample(
        self, predict: Callable[[NDArray[Any]], NDArray[np.float32]], context: Context, epoch: int
    ) -> str:
        """Return what the network makes by itself after an epoch; empty where it makes nothing.

        Args:
            predict: prepared inputs (a batch) -> raw outputs.
        """
        return ""

    def probabilities(self, outputs: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
        """Return raw outputs as probabilities that add up to 1 over the last axis.

        The outputs themselves where they are that already, or where the task has none.
        """
        return outputs

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> Sequence[Prediction]:
        """Return one readable answer a sample.

        Args:
            inputs: prepared samples that the outputs are for.
        """
        raise NotImplementedError

    def answer(
        self,
        raw: NDArray[Any],
        outputs: NDArray[np.float32],
        context: Context,
        inputs: NDArray[Any],
    ) -> Prediction:
        """Return the answer to one sample that a person gave.

        Args:
            raw: the sample before it was scaled.
            outputs, inputs: as for `predictions`, a batch of one.
        """
        return self.predictions(outputs, context, inputs)[0]

    def python_source(self, network: Network) -> str:
        """Return a function for exported scripts, NumPy only.

        Either `answers(outputs, classes)`, which takes one sample's raw outputs and the class
        names, and returns (label, probability) pairs, likeliest first. Or `told(outputs, path)`,
        which returns what a script prints of a file: it has the batch of raw outputs for what
        `load(path)` gave, and all else that the preprocessing's source defines.
        """
        raise NotImplementedError

    def does(self, info: DataInfo) -> str:
        """Return what a network of this task does, for the head of scripts."""
        return f"tells {len(info.classes)} classes apart"

    def direction(self, metric: str) -> Literal["min", "max"]:
        """Return which way a metric, named without its split, is better."""
        return "min" if metric.endswith("loss") else "max"

    @property
    def headline(self) -> str:
        """Metric that people look at first, without its split."""
        return self.monitor[0]

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """Metric that decides the best checkpoint, and which way is better."""
        return "loss", "min"

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)
