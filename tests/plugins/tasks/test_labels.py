"""Tags of steps and several classes a sample: scores against scikit-learn, entities by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score  # noqa: TID253

from plugins.tasks._spans import are_iob, spans
from plugins.tasks.multi_label import MultiLabelEvaluator, sigmoid
from plugins.tasks.sequence_labelling import LabellingEvaluator
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.data import IGNORED
from workbench.plugin_api.label_results import LabelResults
from workbench.plugin_api.tag_results import TagResults

RNG = np.random.default_rng(3)


def test_entities_are_exact_spans():
    assert spans(["O", "B-A", "I-A", "B-A", "O", "I-B", "I-B", "I-A"]) == {
        (1, 3, "A"),
        (3, 4, "A"),
        (5, 7, "B"),
        (7, 8, "A"),
    }
    assert are_iob(["O", "B-PER", "I-PER"])
    assert not are_iob(["O"])
    assert not are_iob(["NOUN", "VERB"])


def test_scores_of_steps_are_those_of_the_steps_that_have_a_class():
    classes = ("O", "B-A", "I-A")
    targets = RNG.integers(0, 3, (6, 9))
    targets[:, 7:] = IGNORED
    outputs = RNG.normal(size=(6, 9, 3)).astype(np.float32)
    evaluator = LabellingEvaluator(classes)
    evaluator.update(outputs[:4], Batch(np.zeros((4, 9)), targets[:4]))
    evaluator.update(outputs[4:], Batch(np.zeros((2, 9)), targets[4:]))
    evaluation, said = evaluator.compute(), outputs.argmax(-1)
    known = targets != IGNORED
    assert evaluation.metrics["accuracy"] == pytest.approx((said == targets)[known].mean())
    macro = f1_score(targets[known], said[known], average="macro")
    assert evaluation.metrics["f1"] == pytest.approx(macro)
    right = wanted = found = 0
    for row, own in zip(targets[:, :7], said[:, :7], strict=True):
        true, mine = spans([classes[n] for n in row]), spans([classes[n] for n in own])
        right, wanted, found = right + len(true & mine), wanted + len(true), found + len(mine)
    assert evaluation.metrics["entity_f1"] == pytest.approx(2 * right / (wanted + found))
    results = TagResults.of(evaluator.results())
    np.testing.assert_array_equal(results.true_tags[results.steps(2)], targets[2, :7])
    np.testing.assert_array_equal(results.predicted_tags[results.steps(5)], said[5, :7])


def test_scores_of_several_classes_are_scikit_learns():
    outputs = RNG.normal(size=(40, 5)).astype(np.float32)
    targets = (RNG.random((40, 5)) < 0.3).astype(np.float32)
    evaluator = MultiLabelEvaluator(0.5)
    for part in (slice(0, 32), slice(32, None)):
        evaluator.update(outputs[part], Batch(np.zeros((1, 1)), targets[part]))
    metrics, said = evaluator.compute().metrics, outputs >= 0
    for average in ("micro", "macro"):
        wanted = f1_score(targets, said, average=average)
        assert metrics["micro_f1" if average == "micro" else "f1"] == pytest.approx(wanted)
    assert metrics["average_precision"] == pytest.approx(
        average_precision_score(targets, sigmoid(outputs), average="macro")
    )
    assert metrics["subset_accuracy"] == (said == (targets > 0.5)).all(1).mean()
    assert metrics["hamming_loss"] == pytest.approx((said != (targets > 0.5)).mean())
    assert LabelResults.of(evaluator.results()).label_targets.shape == (40, 5)
