"""Multi-label classification: a sample may belong to any number of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.tasks._class_baselines import MOST_TEXTS, bag_title, chosen_texts, text_features
from plugins.tasks._plain_features import plain_features
from plugins.tasks.classification_head import activation, head, head_problems, without_activation
from workbench.plugin_api.data import raw_target
from workbench.plugin_api.label_results import LabelResults
from workbench.plugin_api.parameters import param
from workbench.plugin_api.predictions import LabelsPrediction
from workbench.plugin_api.problems import Problem, Repair
from workbench.plugin_api.task import Evaluation, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Context

SHOWN_LABELS = 10
MOST_CLASSES = 100
"""With more, a bag of words would take too long."""
LARGEST_WEIGHT = 100.0
_ANSWERS = '''


def answers(outputs: np.ndarray, classes: list[str]) -> list[tuple[str, float]]:
    """Return every class with its own probability, likeliest first."""
    probabilities = 0.5 * (1 + np.tanh(0.5 * outputs))
    order = np.argsort(-probabilities, kind="stable")
    return [(classes[i], float(probabilities[i])) for i in order]


def told(outputs: np.ndarray, path: str) -> str:
    """Return the classes that hold of a file, or of each row in it, with their probabilities."""
    lines = []
    for row in outputs:
        found = answers(row, CLASSES)
        held = [(label, share) for label, share in found if share >= THRESHOLD]
        words = ", ".join(f"{label} {100 * share:.1f} %" for label, share in held)
        lines.append(words or f"no class ({found[0][0]} {100 * found[0][1]:.1f} %)")
    return lines[0] if len(lines) == 1 else "\\n".join(["", *lines])
'''


class MultiLabel(Task, frozen=True, kw_only=True):
    """Binary cross-entropy on the logit of each class."""

    id: ClassVar[str] = "multi_label"
    title: ClassVar[str] = "Multi-label classification"
    help: ClassVar[str] = "Tells for each of several classes whether a sample belongs to it."

    threshold: Annotated[
        float,
        param("Threshold", "A class holds from this probability on", above=0, below=1),
    ] = 0.5
    class_weights: Annotated[
        Literal["none", "balanced"],
        param(
            "Class weights",
            "Balanced: samples of a class weigh as much as all others together, 100 times at most.",
        ),
    ] = "none"

    def fits(self, info: DataInfo) -> bool:
        """Whether each sample has any number of classes."""
        target = info.target
        return (
            len(info.classes) > 1
            and target is not None
            and target.shape == (len(info.classes),)
            and target.dtype == "float32"
        )

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what is wrong with the data's classes and the network's head."""
        if info is not None and not self.fits(info):
            return [
                Problem(
                    "error",
                    "Multi-label classification needs any number of classes for each sample, "
                    "which these data do not have.",
                    "Choose a table with a column of classes, or another task.",
                )
            ]
        last = head(network)
        if last is not None and activation(last.layer) in ("sigmoid", "softmax"):
            name = activation(last.layer)
            return [
                Problem(
                    "error",
                    f"{last.id} ends in {name}, but the loss works on the numbers before it.",
                    "The last layer needs no activation; probabilities are shown all the same.",
                    last.id,
                    Repair(f"Remove the {name}", without_activation(last)),
                )
            ]
        return list(head_problems(network, info))

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return the mean over all samples and classes."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        weights = self._weights(info, train_counts)
        by_device: dict[Any, Any] = {}

        def loss(outputs: Any, targets: Any) -> Any:
            device = outputs.device
            if weights is not None and device not in by_device:
                by_device[device] = torch.from_numpy(weights).to(device)
            return binary_cross_entropy_with_logits(
                outputs.float(), targets, pos_weight=by_device.get(device)
            )

        return loss

    def torch_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return whether all classes of a sample are right."""
        right = (outputs > self._logit) == (targets > 0.5)
        return {"subset_accuracy": right.all(-1).float()}

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return what `torch_loss` does, of the samples that are present."""
        from keras import ops

        weights = self._weights(info, train_counts)

        def loss(outputs: Any, targets: Any, present: Any) -> Any:
            logits, true = ops.cast(outputs, "float32"), ops.cast(targets, "float32")
            positive = 1.0 if weights is None else ops.convert_to_tensor(weights)
            # −log sigmoid(x) = softplus(−x), without overflow.
            each = positive * true * ops.softplus(-logits) + (1 - true) * ops.softplus(logits)
            return ops.sum(ops.mean(each, axis=-1) * present) / ops.sum(present)

        return loss

    def keras_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return what `torch_metrics` does."""
        from keras import ops

        right = ops.equal(outputs > self._logit, targets > 0.5)
        return {"subset_accuracy": ops.cast(ops.all(right, axis=-1), "float32")}

    def evaluator(self, context: Context) -> MultiLabelEvaluator:
        """Return an empty evaluator."""
        return MultiLabelEvaluator(self.threshold)

    def baselines(
        self, context: Context, train: Samples, judged: Samples
    ) -> Mapping[str, dict[str, float]]:
        """Return what the frequent classes reach, and for texts a bag of words."""
        learned, judging = chosen_texts(train), chosen_texts(judged)
        true = _targets(judged, judging)
        shares = _targets(train, learned).mean(axis=0)
        usual = np.broadcast_to(shares, true.shape)
        name = "same classes for all"
        found = {name: scores(usual, true, min(self.threshold, float(shares.max())))}
        if len(context.info.classes) <= MOST_CLASSES:
            if context.info.kind == "texts":
                features = text_features(train, learned, judged, judging)
                name = bag_title(train, judged)
            else:
                features = plain_features(context, train, judged)
                name = "linear model"
            if features is not None:
                found |= {name: self._linear(train, judged, features)}
        return found

    def probabilities(self, outputs: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
        """Return the outputs: the probabilities of several classes do not add up to 1."""
        return outputs

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> list[LabelsPrediction]:
        """Return the likeliest classes of each sample, ten at most, and those that hold."""
        classes = context.info.classes
        found = []
        for row in sigmoid(outputs):
            order = np.argsort(-row, kind="stable")
            chosen = tuple(classes[i] for i in order.tolist() if row[i] >= self.threshold)
            order = order[: max(SHOWN_LABELS, len(chosen))]
            found.append(
                LabelsPrediction(
                    labels=tuple(classes[i] for i in order.tolist()),
                    probabilities=tuple(float(row[i]) for i in order.tolist()),
                    chosen=chosen,
                    threshold=self.threshold,
                )
            )
        return found

    def python_source(self, network: Network) -> str:
        """Return `answers`, the sigmoid of each logit, and `told`, those above the threshold."""
        return f"\nTHRESHOLD = {self.threshold!r}\n{_ANSWERS}"

    def does(self, info: DataInfo) -> str:
        """Return that classes do not exclude each other."""
        return f"tells which of {len(info.classes)} classes hold"

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """The best checkpoint has the highest micro F1."""
        return "micro_f1", "max"

    @property
    def _logit(self) -> float:
        return float(np.log(self.threshold / (1 - self.threshold)))

    def _weights(self, info: DataInfo, train_counts: Sequence[int]) -> NDArray[np.float32] | None:
        if self.class_weights == "none" or not len(train_counts):
            return None
        counts = np.asarray(train_counts, np.float64)
        others = np.maximum(info.counts["train"] - counts, 1)
        return (others / np.maximum(counts, 1)).clip(max=LARGEST_WEIGHT).astype(np.float32)

    def _linear(
        self, train: Samples, judged: Samples, features: tuple[Any, Any, list[int], list[int]]
    ) -> dict[str, float]:
        """Return the score of logistic regression, one for each class."""
        from sklearn.linear_model import LogisticRegression

        inputs, tests, kept, judged_kept = features
        wanted = _targets(train, kept)
        shares = np.zeros((len(judged_kept), wanted.shape[1]))
        for number, column in enumerate(wanted.T):
            if column.min() == column.max():
                shares[:, number] = column[0]
                continue
            model = LogisticRegression(C=4.0, max_iter=100, solver="liblinear")
            shares[:, number] = model.fit(inputs, column).predict_proba(tests)[:, 1]
        return scores(shares, _targets(judged, judged_kept), self.threshold)


class MultiLabelEvaluator:
    """Gathers probabilities of all classes, float32."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._shares: list[NDArray[np.float32]] = []
        self._targets: list[NDArray[Any]] = []

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take one batch: batch × classes, and which of them hold."""
        self._shares.append(sigmoid(np.nan_to_num(outputs)))
        self._targets.append(batch.targets > 0.5)

    def compute(self) -> Evaluation:
        """Return scores over all and over classes, and those of each class."""
        shares, true = np.concatenate(self._shares), np.concatenate(self._targets)
        return Evaluation(
            metrics=scores(shares, true, self._threshold),
            per_class=per_class(shares >= self._threshold, true),
        )

    def results(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of LabelResults."""
        return LabelResults(
            label_probabilities=np.concatenate(self._shares).astype(np.float16),
            label_targets=np.concatenate(self._targets).astype(np.uint8),
        ).arrays()


def sigmoid(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities, without overflow."""
    found: NDArray[np.float32] = 0.5 * (1 + np.tanh(0.5 * outputs))
    return found


def per_class(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> dict[str, tuple[float, ...]]:
    """Return precision, recall, F1 and support of each class."""
    right = (said & true).sum(axis=0).astype(float)
    answers, wanted = said.sum(axis=0), true.sum(axis=0)
    found = {
        "precision": right / np.maximum(answers, 1),
        "recall": right / np.maximum(wanted, 1),
        "f1": 2 * right / np.maximum(answers + wanted, 1),
        "support": wanted.astype(float),
    }
    return {name: tuple(values.tolist()) for name, values in found.items()}


def scores(shares: NDArray[Any], true: NDArray[Any], threshold: float) -> dict[str, float]:
    """Return micro and macro F1, subset accuracy, Hamming loss, mean average precision.

    The mean is over the classes of which there is a sample.
    """
    from sklearn.metrics import average_precision_score

    true = np.asarray(true) > 0.5
    said = shares >= threshold
    right = int((said & true).sum())
    present = true.any(axis=0)
    precision = 0.0
    if present.any():
        columns = np.nan_to_num(shares)[:, present]
        precision = float(average_precision_score(true[:, present], columns, average="macro"))
    f1 = np.array(per_class(said, true)["f1"])[present | said.any(axis=0)]
    return {
        "micro_f1": 2 * right / max(int(said.sum() + true.sum()), 1),
        "f1": float(f1.mean()) if len(f1) else 0.0,
        "subset_accuracy": float((said == true).all(axis=1).mean()),
        "hamming_loss": float((said != true).mean()),
        "average_precision": precision,
    }


def _targets(samples: Samples, numbers: Sequence[int]) -> NDArray[np.float32]:
    """Return which classes hold, of `MOST_TEXTS` samples at most."""
    return np.stack([raw_target(samples, number) for number in numbers[:MOST_TEXTS]])
