"""Single-label classification: every sample belongs to exactly one class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.tasks._class_baselines import bag_of_words, logistic_regression, majority
from plugins.tasks.classification_head import head_problems, softmax_node
from workbench.plugin_api.class_results import summarise
from workbench.plugin_api.parameters import param
from workbench.plugin_api.problems import Problem
from workbench.plugin_api.task import ClassPrediction, Evaluation, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Context

SHOWN_LABELS = 5
_ANSWERS = '''
import numpy as np


def answers(outputs: np.ndarray, classes: list[str]) -> list[tuple[str, float]]:
    """Return every class with its probability, likeliest first."""
    probabilities = {probabilities}
    order = np.argsort(-probabilities, kind="stable")
    return [(classes[i], float(probabilities[i])) for i in order]
'''
SMALLEST_PROBABILITY = 1e-7


class Classification(Task, frozen=True, kw_only=True):
    """Cross-entropy on logits, with class weights and label smoothing."""

    id: ClassVar[str] = "classification"
    title: ClassVar[str] = "Classification"
    help: ClassVar[str] = "Tells which one of several classes a sample belongs to."
    mixes: ClassVar[bool] = True

    label_smoothing: Annotated[
        float,
        param(
            "Label smoothing",
            "Share of certainty taken from the true class and spread over all (Szegedy, 2016).",
            minimum=0,
            below=1,
        ),
    ] = 0.0
    class_weights: Annotated[
        Literal["none", "balanced"],
        param(
            "Class weights", "Balanced: rare classes weigh more, by samples / (classes · count)."
        ),
    ] = "none"
    top_k: Annotated[
        int,
        param(
            "Top k",
            "A sample also counts as right when its class is among the k likeliest.",
            minimum=2,
        ),
    ] = 5

    def fits(self, info: DataInfo) -> bool:
        """Whether each sample has one class."""
        return info.target is None and len(info.classes) > 1

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what is wrong with the data's classes and the network's head."""
        return [*_data_problems(info), *head_problems(network, info)]

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return the cross-entropy of raw outputs (batch × classes) and class numbers (batch)."""
        import torch
        from torch.nn.functional import cross_entropy

        smoothing = self.label_smoothing
        weights = self._weights(train_counts)
        by_device: dict[Any, Any] = {}
        is_softmax = softmax_node(network) is not None

        def loss(outputs: Any, targets: Any) -> Any:
            logits = outputs.float()
            if is_softmax:
                logits = logits.clamp_min(SMALLEST_PROBABILITY).log()
            if weights is None:
                return cross_entropy(logits, targets, label_smoothing=smoothing)
            if logits.device not in by_device:
                by_device[logits.device] = torch.from_numpy(weights).to(logits.device)
            weight = by_device[logits.device]
            return cross_entropy(logits, targets, weight, label_smoothing=smoothing)

        return loss

    def torch_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return whether each sample is right, as 0 or 1."""
        return {"accuracy": (outputs.argmax(1) == targets).float()}

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return the cross-entropy as `torch_loss` does, of the samples that are present."""
        from keras import ops

        smoothing, weights = self.label_smoothing, self._weights(train_counts)
        is_softmax = softmax_node(network) is not None

        def loss(outputs: Any, targets: Any, present: Any) -> Any:
            logits = ops.cast(outputs, "float32")
            if is_softmax:
                log = ops.log(ops.maximum(logits, SMALLEST_PROBABILITY))
                logs = log - ops.logsumexp(log, axis=-1, keepdims=True)
            else:
                logs = ops.log_softmax(logits, axis=-1)
            classes = logs.shape[-1]
            true = ops.one_hot(targets, classes, dtype="float32")
            weight = ops.ones((classes,)) if weights is None else ops.convert_to_tensor(weights)
            shares = (1 - smoothing) * true + smoothing / classes
            each = -ops.sum(shares * weight * logs, axis=-1)
            return ops.sum(each * present) / ops.sum(ops.sum(true * weight, axis=-1) * present)

        return loss

    def keras_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return whether each sample is right, as 0 or 1."""
        from keras import ops

        right = ops.equal(ops.argmax(outputs, axis=-1), ops.cast(targets, "int32"))
        return {"accuracy": ops.cast(right, "float32")}

    def evaluator(self, context: Context) -> ClassificationEvaluator:
        """Return an empty evaluator."""
        return ClassificationEvaluator(
            len(context.info.classes),
            self.top_k,
            lambda outputs: self.probabilities(outputs, context.network),
        )

    def baselines(
        self, context: Context, train: Samples, judged: Samples
    ) -> Mapping[str, dict[str, float]]:
        """Return the score of the most frequent class, and of a bag of words for texts."""
        found = majority(train.targets, judged.targets, len(context.info.classes))
        if context.info.kind == "texts":
            found |= bag_of_words(train, judged, len(context.info.classes))
        elif context.info.kind == "tables":
            found |= logistic_regression(context, train, judged)
        return found

    def probabilities(self, outputs: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
        """Return the softmax of logits, or the outputs themselves when the head has it already."""
        if softmax_node(network) is not None:
            return outputs
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> list[ClassPrediction]:
        """Return the likeliest classes of each sample, five at most."""
        classes = context.info.classes
        probabilities = self.probabilities(outputs, context.network)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :SHOWN_LABELS]
        return [
            ClassPrediction(
                labels=tuple(classes[i] for i in best),
                probabilities=tuple(float(row[i]) for i in best),
            )
            for row, best in zip(probabilities, order, strict=True)
        ]

    def python_source(self, network: Network) -> str:
        """Return `answers(outputs, classes)`: softmax of logits, or probabilities as they are."""
        return _ANSWERS.format(
            probabilities="outputs"
            if softmax_node(network) is not None
            else "np.exp(outputs - outputs.max()) / np.exp(outputs - outputs.max()).sum()"
        )

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """The best checkpoint has the highest accuracy."""
        return "accuracy", "max"

    def _weights(self, train_counts: Sequence[int]) -> NDArray[np.float32] | None:
        if self.class_weights == "none":
            return None
        counts = np.asarray(train_counts, np.float64)
        weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return weights.astype(np.float32)


class ClassificationEvaluator:
    """Gathers raw outputs; the numbers come from scikit-learn.

    Args:
        probabilities: makes them of raw outputs, batch × classes.
    """

    def __init__(
        self,
        classes: int,
        top_k: int,
        probabilities: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ) -> None:
        self._classes = classes
        self._top_k = top_k
        self._probabilities = probabilities
        self._outputs: list[NDArray[np.float32]] = []
        self._targets: list[NDArray[Any]] = []

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take one batch: batch × classes, and class numbers."""
        self._outputs.append(outputs)
        self._targets.append(batch.targets)

    def compute(self) -> Evaluation:
        """Return accuracy, top-k accuracy, macro and per-class scores, and the confusion."""
        from sklearn.metrics import (
            accuracy_score,
            confusion_matrix,
            precision_recall_fscore_support,
        )

        outputs = np.nan_to_num(np.concatenate(self._outputs))
        targets = np.concatenate(self._targets)
        labels = np.arange(self._classes)
        predicted = outputs.argmax(axis=1)
        scores = precision_recall_fscore_support(
            targets, predicted, labels=labels, zero_division=0.0
        )
        per_class = {
            name: tuple(float(value) for value in values)
            for name, values in zip(("precision", "recall", "f1", "support"), scores, strict=True)
        }
        present = np.union1d(targets, predicted).astype(int)
        metrics = {"accuracy": float(accuracy_score(targets, predicted))}
        metrics |= self._top_k_accuracy(outputs, targets, labels)
        for name in ("precision", "recall", "f1"):
            metrics[name] = float(np.mean([per_class[name][i] for i in present]))
        matrix = confusion_matrix(targets, predicted, labels=labels)
        confusion = tuple(tuple(int(count) for count in row) for row in matrix)
        return Evaluation(metrics=metrics, per_class=per_class, confusion=confusion)

    def results(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of ClassResults."""
        outputs, targets = np.concatenate(self._outputs), np.concatenate(self._targets)
        return summarise(self._probabilities(outputs), targets).arrays()

    def _top_k_accuracy(
        self, outputs: NDArray[np.float32], targets: NDArray[Any], labels: NDArray[Any]
    ) -> dict[str, float]:
        if self._classes <= self._top_k:
            return {}
        from sklearn.metrics import top_k_accuracy_score

        score = top_k_accuracy_score(targets, outputs, k=self._top_k, labels=labels)
        return {f"top_{self._top_k}_accuracy": float(score)}


def _data_problems(info: DataInfo | None) -> Iterator[Problem]:
    if info is None:
        return
    if info.target is not None:
        yield Problem(
            "error",
            f"Classification needs one class for each sample, but the data bring {info.target} "
            f"({info.target.in_words()}) to learn.",
            "Choose a task that learns this, or other data.",
        )
        return
    if len(info.classes) < 2:
        yield Problem(
            "error",
            f"The data have {len(info.classes) or 'no'} class{'es' if not info.classes else ''}, "
            "but classification needs two at least.",
            "Choose other data, for instance a folder with one subfolder for each class.",
        )
    if not info.counts.get("validation"):
        yield Problem(
            "warning",
            "There are no validation samples, so overfitting will not be seen.",
            "Give the validation split a share of the data.",
        )
