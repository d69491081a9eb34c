"""The contract of a task: loss, metrics, and what the network's head must produce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import msgspec

from workbench.plugin_api.parameters import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.problems import Problem


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a split said of a model.

    Attributes:
        metrics: name to value, without the split ("accuracy", "f1").
        per_class: metric name to one value a class.
        confusion: rows are the true classes, columns the predicted ones.
    """

    metrics: dict[str, float]
    per_class: dict[str, tuple[float, ...]] = {}
    confusion: tuple[tuple[int, ...], ...] = ()


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One sample's answer for a person: the likeliest labels with their probabilities."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


class Evaluator(Protocol):
    """Gathers a split batch by batch."""

    def update(self, outputs: NDArray[np.float32], targets: NDArray[Any]) -> None:
        """Take one batch: raw network outputs and targets."""
        ...

    def compute(self) -> Evaluation:
        """Return the metrics of all batches."""
        ...


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of learning task. Its fields are its settings."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what stands between this network and this task, head and classes first."""
        raise NotImplementedError

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return loss(outputs, targets) -> scalar tensor, mean over the batch."""
        raise NotImplementedError

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

    def evaluator(self, network: Network, info: DataInfo) -> Evaluator:
        """Return an empty evaluator."""
        raise NotImplementedError

    def probabilities(self, outputs: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
        """Return what people read from raw outputs: batch × classes, each row adds up to 1."""
        raise NotImplementedError

    def predictions(
        self, outputs: NDArray[np.float32], network: Network, classes: Sequence[str]
    ) -> list[Prediction]:
        """Return one readable answer a sample."""
        raise NotImplementedError

    def python_source(self, network: Network) -> str:
        """Return a function `answers(outputs, classes)` for exported scripts, NumPy only.

        It takes one sample's raw outputs and the class names, and returns (label, probability)
        pairs, likeliest first.
        """
        raise NotImplementedError

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """Metric that decides the best checkpoint, and which way is better."""
        return "loss", "min"

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)
