"""Sequence labelling: a class for each step, a tag for each word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.tasks._spans import are_iob, spans
from plugins.tasks._step_baselines import step_baselines
from plugins.tasks._steps import (
    keras_step_accuracy,
    keras_step_loss,
    log_softmax,
    torch_step_accuracy,
    torch_step_loss,
)
from plugins.tasks.step_head import step_head_problems
from workbench.plugin_api.data import IGNORED, raw_target
from workbench.plugin_api.parameters import param
from workbench.plugin_api.predictions import Tags
from workbench.plugin_api.problems import Problem
from workbench.plugin_api.tag_results import TagResults
from workbench.plugin_api.task import Evaluation, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Context, Prediction

MOST_JUDGED = 20_000
"""Samples that the most frequent tag of each word learns from, and is judged by."""
_TOLD = '''
import numpy as np


def told(outputs: np.ndarray, path: str) -> str:
    """Return each word of a file with its class; of other data the steps of each class."""
    best = outputs[0].argmax(axis=-1)
    named = globals().get("tokens")
    if named:
        return " ".join(f"{word}/{CLASSES[best[at]]}" for word, at in named(read_text(path))[1])
    begins = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist()]
    ends = [*begins[1:], len(best)]
    return ", ".join(f"{a + 1}–{b} {CLASSES[best[a]]}" for a, b in zip(begins, ends, strict=True))
'''


class SequenceLabelling(Task, frozen=True, kw_only=True):
    """Cross-entropy at each step that has a class, with class weights and label smoothing."""

    id: ClassVar[str] = "sequence_labelling"
    title: ClassVar[str] = "Sequence labelling"
    help: ClassVar[str] = "Tells the class of each step: names in a text, parts of speech."

    class_weights: Annotated[
        Literal["none", "balanced"],
        param("Class weights", "Balanced: rare tags weigh more, by steps / (tags · count)."),
    ] = "none"
    label_smoothing: Annotated[
        float,
        param(
            "Label smoothing",
            "Share of certainty taken from the true class and spread over all (Szegedy, 2016).",
            minimum=0,
            below=1,
        ),
    ] = 0.0

    def fits(self, info: DataInfo) -> bool:
        """Whether each step has a class."""
        target = info.target
        return (
            len(info.classes) > 1
            and target is not None
            and target.axes == ("time",)
            and target.dtype == "int64"
        )

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what is wrong with the data's tags and the network's head."""
        if info is not None and not self.fits(info):
            return [
                Problem(
                    "error",
                    "Sequence labelling needs a class for each step, which these data do not have.",
                    "Choose data with tagged words, or another task.",
                )
            ]
        classes = len(info.classes) if info is not None else 0
        return list(step_head_problems(network, classes, "class", "sequence labelling"))

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return the mean over all steps that have a class."""
        return torch_step_loss(self.label_smoothing, self._weights(train_counts))

    def loss_weight(self, batch: Batch) -> float:
        """Return the number of steps that have a class."""
        return float((batch.targets != IGNORED).sum())

    def torch_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return the share of steps that are right."""
        return {"accuracy": torch_step_accuracy(outputs, targets)}

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return what `torch_loss` does."""
        return keras_step_loss(self.label_smoothing, self._weights(train_counts))

    def keras_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return what `torch_metrics` does."""
        return {"accuracy": keras_step_accuracy(outputs, targets)}

    def evaluator(self, context: Context) -> LabellingEvaluator:
        """Return an empty evaluator."""
        return LabellingEvaluator(context.info.classes)

    def baselines(
        self, context: Context, train: Samples, judged: Samples
    ) -> Mapping[str, dict[str, float]]:
        """Return what the most frequent tag reaches, and each token's most frequent tag.

        Of series it is logistic regression on each step by itself.
        """
        if context.info.input.dtype != "int64":
            return step_baselines(context, train, judged, Counts)
        classes, prepare = context.info.classes, _prepared
        counts: dict[int, NDArray[np.int64]] = {}
        overall = np.zeros(len(classes), np.int64)
        for tokens, tags in prepare(context, train):
            np.add.at(overall, tags, 1)
            for token, tag in zip(tokens.tolist(), tags.tolist(), strict=True):
                counts.setdefault(token, np.zeros(len(classes), np.int64))[tag] += 1
        usual = int(overall.argmax())
        best = {token: int(found.argmax()) for token, found in counts.items()}
        found = {
            "most frequent tag": Counts(classes),
            "most frequent tag of each word": Counts(classes),
        }
        for tokens, tags in prepare(context, judged):
            first, second = found.values()
            first.add(tags, np.full(len(tags), usual))
            second.add(tags, np.array([best.get(token, usual) for token in tokens.tolist()], int))
        return {name: each.metrics() for name, each in found.items()}

    def probabilities(self, outputs: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
        """Return the softmax of logits."""
        return np.exp(log_softmax(outputs.astype(np.float32)))

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> list[Tags]:
        """Return a tag for each step."""
        return [self._tags(row, context, [], np.arange(len(row))) for row in outputs]

    def answer(
        self,
        raw: NDArray[Any],
        outputs: NDArray[np.float32],
        context: Context,
        inputs: NDArray[Any],
    ) -> Prediction:
        """Return a tag for each word of a text."""
        pieces = getattr(context.preprocessing, "pieces", None)
        if pieces is None:
            return super().answer(raw, outputs, context, inputs)
        text = str(raw.item())
        starts = pieces(text, context.fitted)[1]
        return self._tags(outputs[0], context, text.split()[: len(starts)], starts)

    def python_source(self, network: Network) -> str:
        """Return `told(outputs, path)`: each step with its class."""
        return _TOLD

    def does(self, info: DataInfo) -> str:
        """Return what it says of each step."""
        return f"tells which of {len(info.classes)} classes each step has"

    @property
    def headline(self) -> str:
        """Macro F1: most steps often have the same class, which accuracy hides."""
        return "f1"

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """The best checkpoint has the highest macro F1."""
        return "f1", "max"

    def _tags(
        self, outputs: NDArray[np.float32], context: Context, words: list[str], at: NDArray[Any]
    ) -> Tags:
        shares = np.exp(log_softmax(outputs[at].astype(np.float32)))
        best = shares.argmax(axis=-1)
        return Tags(
            words=tuple(words),
            tags=tuple(context.info.classes[tag] for tag in best.tolist()),
            probabilities=tuple(shares[np.arange(len(best)), best].astype(float).tolist()),
        )

    def _weights(self, train_counts: Sequence[int]) -> NDArray[np.float32] | None:
        if self.class_weights == "none" or not len(train_counts):
            return None
        counts = np.asarray(train_counts, np.float64)
        weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return weights.astype(np.float32)


class Counts:
    """Adds up what was said of steps: a confusion matrix, and whole entities where tags are IOB."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes
        self._iob = are_iob(classes)
        self.confusion = np.zeros((len(classes), len(classes)), np.int64)
        self._right, self._said, self._true = 0, 0, 0

    def add(self, true: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Take the steps of one sample."""
        np.add.at(self.confusion, (true, predicted), 1)
        if self._iob:
            wanted = spans([self._classes[tag] for tag in true.tolist()])
            said = spans([self._classes[tag] for tag in predicted.tolist()])
            self._right += len(wanted & said)
            self._said += len(said)
            self._true += len(wanted)

    def per_class(self) -> dict[str, tuple[float, ...]]:
        """Return precision, recall, F1 and support of each class."""
        right = np.diag(self.confusion).astype(float)
        said, true = self.confusion.sum(axis=0), self.confusion.sum(axis=1)
        scores = {
            "precision": right / np.maximum(said, 1),
            "recall": right / np.maximum(true, 1),
            "f1": 2 * right / np.maximum(said + true, 1),
            "support": true.astype(float),
        }
        return {name: tuple(values.tolist()) for name, values in scores.items()}

    def metrics(self) -> dict[str, float]:
        """Return accuracy and macro F1 of steps; precision, recall and F1 of entities."""
        total = max(int(self.confusion.sum()), 1)
        present = (self.confusion.sum(axis=0) + self.confusion.sum(axis=1)) > 0
        f1 = np.array(self.per_class()["f1"])[present]
        found = {
            "accuracy": float(np.trace(self.confusion) / total),
            "f1": float(f1.mean()) if len(f1) else 0.0,
        }
        if self._iob:
            found["entity_f1"] = 2 * self._right / max(self._said + self._true, 1)
            found["entity_precision"] = self._right / max(self._said, 1)
            found["entity_recall"] = self._right / max(self._true, 1)
        return found


class LabellingEvaluator:
    """Keeps the tags of each sample, true and predicted; no probabilities of all classes."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._counts = Counts(classes)
        self._rows: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take one batch: batch × time × classes, and class numbers."""
        logs = log_softmax(np.nan_to_num(outputs))
        best = logs.argmax(axis=-1)
        sure = np.exp(np.take_along_axis(logs, best[..., None], -1)[..., 0])
        for tags, said, shares in zip(batch.targets, best, sure, strict=True):
            known = tags != IGNORED
            self._counts.add(tags[known], said[known])
            self._rows.append(
                (tags[known].astype(np.int16), said[known].astype(np.int16), shares[known])
            )

    def compute(self) -> Evaluation:
        """Return scores of steps and entities, of each class, and the confusion."""
        confusion = tuple(tuple(row) for row in self._counts.confusion.tolist())
        return Evaluation(
            metrics=self._counts.metrics(),
            per_class=self._counts.per_class(),
            confusion=confusion,
        )

    def results(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of TagResults."""
        true, said, sure = zip(*self._rows, strict=True)
        return TagResults(
            ends=np.cumsum([len(row) for row in true]),
            true_tags=np.concatenate(true),
            predicted_tags=np.concatenate(said),
            tag_probabilities=np.concatenate(sure).astype(np.float32),
        ).arrays()


def _prepared(context: Context, samples: Samples) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return tokens and tags of some samples."""
    preprocessing, fitted = context.preprocessing, context.fitted
    found = []
    for index in np.unique(np.linspace(0, len(samples) - 1, MOST_JUDGED).astype(int)).tolist():
        tokens = preprocessing.scale(preprocessing.shape(samples.read(index)), fitted)
        tags = preprocessing.target(raw_target(samples, index), fitted)
        known = tags != IGNORED
        found.append((tokens[known], tags[known]))
    return found
