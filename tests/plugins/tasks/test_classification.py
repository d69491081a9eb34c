"""Classification: its loss, its scores, and what it asks of the head."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253
from torch.nn.functional import cross_entropy  # noqa: TID253

from workbench.analysis.problems import check
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.class_results import ClassResults
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.task import Context
from workbench.plugin_api.tensors import TensorType

INFO = DataInfo(
    input=TensorType((4, 4, 1)),
    classes=("cat", "dog", "eel"),
    counts={"train": 9, "validation": 3},
    class_counts={"train": (6, 2, 1)},
)


def experiment(*head):
    nodes = [Node("input1", "Input")]
    for node_id, kind, params in head:
        nodes.append(Node(node_id, kind, params, (nodes[-1].id,)))
    return Experiment(graph=Graph((*nodes, Node("output1", "Output", {}, (nodes[-1].id,)))))


FLAT = ("flat1", "Flatten", {})
GOOD = experiment(FLAT, ("dense1", "Dense", {"units": 3}))
SOFT = experiment(FLAT, ("dense1", "Dense", {"units": 3, "activation": "softmax"}))


def task(catalog, **settings):
    return catalog.tasks["classification"](**settings)


def context(network):
    return Context(network, INFO, preprocessing=None, fitted={})


def test_loss_is_cross_entropy_with_weights_and_smoothing(catalog):
    network = check(GOOD, catalog, INFO).network
    outputs, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 0, 1])
    loss = task(catalog, label_smoothing=0.1, class_weights="balanced").torch_loss(
        network, INFO, (6, 2, 1)
    )
    weights = torch.tensor([9 / 18, 9 / 6, 9 / 3])
    expected = cross_entropy(outputs, targets, weights, label_smoothing=0.1)
    assert loss(outputs, targets).item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_softmax_head_trains_on_the_log_of_probabilities(catalog):
    network = check(SOFT, catalog, INFO).network
    logits, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 0, 1])
    loss = task(catalog).torch_loss(network, INFO, (1, 1, 1))
    expected = cross_entropy(logits, targets).item()
    assert loss(logits.softmax(1), targets).item() == pytest.approx(expected, abs=1e-5)
    probabilities = logits.softmax(1).numpy()
    assert task(catalog).probabilities(probabilities, network) is probabilities


def test_predictions_for_people(catalog):
    network = check(GOOD, catalog, INFO).network
    outputs = np.array([[1000.0, 0.0, 999.0]], np.float32)
    (answer,) = task(catalog).predictions(outputs, context(network), outputs)
    assert answer.in_words() == "cat 73.1 %, eel 26.9 %, dog 0.0 %"
    assert answer.labels == ("cat", "eel", "dog")
    assert sum(answer.probabilities) == pytest.approx(1)
    assert answer.probabilities[0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_scores_over_several_batches(catalog):
    network = check(GOOD, catalog, INFO).network
    evaluator = task(catalog, top_k=2).evaluator(context(network))
    outputs = np.array([[3, 2, 1], [3, 2, 1], [1, 3, 2], [0, 2, 1]], np.float32)
    evaluator.update(outputs[:1], Batch(outputs[:1], np.array([0])))
    evaluator.update(outputs[1:], Batch(outputs[1:], np.array([1, 1, 0])))
    found = evaluator.compute()
    assert found.confusion == ((1, 1, 0), (1, 1, 0), (0, 0, 0))
    kept = ClassResults.of(evaluator.results())
    assert kept.confusion.tolist() == [list(row) for row in found.confusion]
    assert kept.top_classes[2].tolist() == [1, 2, 0]
    assert found.metrics["accuracy"] == 0.5
    assert found.metrics["top_2_accuracy"] == 0.75
    assert found.per_class["support"] == (2.0, 2.0, 0.0)
    assert found.per_class["recall"] == (0.5, 0.5, 0.0)
    assert found.metrics["f1"] == pytest.approx(0.5)  # a class that never occurs counts for nothing


def test_accuracy_of_each_sample(catalog):
    found = task(catalog).torch_metrics(torch.eye(3), torch.tensor([0, 2, 2]))
    assert found["accuracy"].tolist() == [1.0, 0.0, 1.0]
    assert task(catalog).monitor == ("accuracy", "max")


WRONG = {
    "picture": (experiment(("conv1", "Conv2D", {"filters": 3})), "one number for each class"),
    "units": (experiment(FLAT, ("dense1", "Dense", {"units": 7})), "3 classes"),
    "units behind an activation": (
        experiment(FLAT, ("dense1", "Dense", {"units": 7}), ("soft1", "Softmax", {})),
        "3 classes",
    ),
    "no dense": (experiment(FLAT), "3 classes"),
    "softmax": (SOFT, "softmax"),
    "softmax layer": (
        experiment(FLAT, ("dense1", "Dense", {"units": 3}), ("soft1", "Softmax", {})),
        "softmax",
    ),
    "relu": (experiment(FLAT, ("dense1", "Dense", {"units": 3, "activation": "relu"})), "relu"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_head_is_said_and_repaired(catalog, name):
    value, words = WRONG[name]
    problem = next(p for p in check(value, catalog, INFO).problems if p.repair is not None)
    assert words in problem.message
    repaired = check(problem.repair.edit(value), catalog, INFO)
    while repaired.problems and repaired.problems[0].repair:  # a softmax may be left to mend
        value = repaired.problems[0].repair.edit(problem.repair.edit(value))
        repaired = check(value, catalog, INFO)
    assert not repaired.errors
    assert repaired.network.outputs[0].output.shape == (3,)


def test_a_good_head_has_no_problem(catalog):
    assert check(GOOD, catalog, INFO).problems == ()


def test_data_with_one_class_or_without_validation(catalog):
    one = DataInfo(input=TensorType((4, 4, 1)), classes=("cat",), counts={"train": 9})
    problems = check(GOOD, catalog, one).problems
    assert any("two at least" in p.message for p in problems)
    assert any("validation" in p.message for p in problems)


def test_data_that_bring_no_class_are_refused_in_words(catalog):
    series = DataInfo(
        input=TensorType((24, 2)), kind="series", target=TensorType((3, 2)), counts={"train": 9}
    )
    problems = check(GOOD, catalog, series).problems
    assert any("bring 3 × 2 (time × features) to learn" in p.message for p in problems)
