"""Numbers of samples: scores against scikit-learn, baselines, units, and what a head must have."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn.linear_model import Ridge  # noqa: TID253
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error  # noqa: TID253

from plugins.tasks._number_scores import number_scores
from plugins.tasks._plain_features import MOST_FEATURES, vector_of
from workbench.analysis.problems import check
from workbench.document.experiment import Component, Data, Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.number_results import NumberResults
from workbench.plugin_api.task import Context
from workbench.worker.preparation import prepare

RNG = np.random.default_rng(5)
DIABETES = Data(source=Component("table_samples"), preprocessing=Component("table"))


def experiment(*last, data=DIABETES):
    nodes = [Node("input1", "Input"), Node("dense1", "Dense", {"units": 4}, ("input1",))]
    for number, (kind, params) in enumerate(last):
        nodes.append(Node(f"last{number}", kind, params, (nodes[-1].id,)))
    nodes.append(Node("output1", "Output", {}, (nodes[-1].id,)))
    return Experiment(graph=Graph(tuple(nodes)), data=data, task=Component("regression"))


@pytest.fixture(scope="module")
def prepared(catalog):
    return prepare(experiment(), catalog)


def test_scores_are_scikit_learns():
    true, said = RNG.normal(3, 5, (50, 3)), RNG.normal(3, 5, (50, 3))
    true[:, 2] = 4
    found = number_scores(said, true)
    assert found["mae"] == pytest.approx(mean_absolute_error(true, said))
    assert found["rmse"] == pytest.approx(root_mean_squared_error(true, said))
    assert found["r2"] == pytest.approx(r2_score(true, said))
    assert number_scores(true, true) == {"mae": 0, "rmse": 0, "r2": 1}


def test_numbers_are_learned_scaled_and_told_in_their_units(prepared, catalog):
    info, samples = prepared.info, prepared.opened.splits["train"]
    assert (info.quantities, info.classes, info.target.shape) == (("progression",), (), (1,))
    raw = np.array([samples.target(n) for n in range(len(samples))])
    targets = np.array([prepared.preprocessing.target(each, prepared.fitted) for each in raw])
    np.testing.assert_allclose((targets.mean(), targets.std()), (0, 1), atol=1e-5)
    context = Context(None, info, prepared.preprocessing, prepared.fitted)
    evaluator = catalog.tasks["regression"]().evaluator(context)
    said = targets + RNG.normal(0, 0.3, targets.shape).astype(np.float32)
    for part in (slice(0, 90), slice(90, None)):
        evaluator.update(said[part], Batch(targets[part], targets[part]))
    assert evaluator.compute().metrics["r2"] == pytest.approx(r2_score(targets, said), abs=1e-4)
    results = NumberResults.of(evaluator.results())
    np.testing.assert_allclose(results.true_numbers, raw, rtol=1e-4)
    (told, *_) = catalog.tasks["regression"]().predictions(said, context, targets)
    assert told.values["progression"] == pytest.approx(float(results.predicted_numbers[0, 0]))
    assert told.in_words() == f"progression {told.values['progression']:.6g}"


def test_baselines_are_the_mean_and_ridge_regression(prepared, catalog):
    splits, prep, fitted = prepared.opened.splits, prepared.preprocessing, prepared.fitted
    context = Context(None, prepared.info, prep, fitted)
    found = catalog.tasks["regression"]().baselines(context, splits["train"], splits["test"])

    def arrays(samples):
        numbers = range(len(samples))
        inputs = np.stack([prep.scale(samples.read(n), fitted) for n in numbers])
        return inputs, np.stack([samples.target(n) for n in numbers])

    (inputs, targets), (tests, true) = arrays(splits["train"]), arrays(splits["test"])
    said = Ridge(alpha=1.0).fit(inputs, targets).predict(tests).reshape(true.shape)
    assert found["linear model"]["r2"] == pytest.approx(r2_score(true, said), abs=1e-5)
    usual = np.full_like(true, targets.mean())
    assert found["mean"]["mae"] == pytest.approx(mean_absolute_error(true, usual), rel=1e-5)


@pytest.mark.parametrize("kind", ["molecules", "pictures", "series"])
def test_every_kind_of_sample_has_a_linear_model(kind, catalog):
    shapes = {"pictures": (200, 320, 3), "series": (5000, 12), "molecules": (7, 32)}
    values = RNG.normal(size=shapes[kind])
    vector = vector_of(values, varies=kind == "molecules")
    assert 2 <= len(vector) <= MOST_FEATURES
    if kind != "molecules":
        assert vector.mean() == pytest.approx(values.mean(), abs=0.05)


def test_texts_are_compared_with_a_bag_of_words(catalog):
    data = Data(source=Component("molecules"), preprocessing=Component("text"))
    ready = prepare(experiment(data=data), catalog)
    context = Context(None, ready.info, ready.preprocessing, ready.fitted)
    splits = ready.opened.splits
    assert (len(splits["train"]) + len(splits["validation"]), len(splits["test"])) == (1025, 257)
    found = catalog.tasks["regression"]().baselines(context, splits["train"], splits["test"])
    assert 0.4 < found["linear model"]["r2"] < 0.7


def test_a_head_of_another_size_or_shape_is_mended(prepared, catalog):
    info = prepared.info

    def mended(given):
        (problem,) = check(given, catalog, info).errors
        assert problem.repair is not None
        after = problem.repair.edit(given)
        assert not check(after, catalog, info).errors
        return problem.message

    assert "4 numbers, but the data have 1 to learn" in mended(experiment())
    one = ("Dense", {"units": 1})
    assert not check(experiment(one), catalog, info).errors
    squashed = check(experiment(("Dense", {"units": 1, "activation": "sigmoid"})), catalog, info)
    assert "keeps answers within its bounds" in squashed.problems[0].message
    other = msgspec.structs.replace(experiment(one), task=Component("classification"))
    messages = " ".join(problem.message for problem in check(other, catalog, info).errors)
    assert "but regression can" in messages
