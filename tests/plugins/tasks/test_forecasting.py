"""Forecasting: losses, errors against hand-made ones, baselines, the head, and answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253
from sklearn.metrics import mean_pinball_loss  # noqa: TID253

from workbench.analysis.problems import check
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.graph import Graph, Node
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.forecast_results import ForecastResults
from workbench.plugin_api.task import Context
from workbench.worker.preparation import prepare

KINDS = ("mse", "mae", "huber", "quantile")


def experiment(*head, window=12, horizon=1, data_set="sunspots", **task):
    nodes = [Node("input1", "Input")]
    for node_id, kind, params in head:
        nodes.append(Node(node_id, kind, params, (nodes[-1].id,)))
    return Experiment(
        graph=Graph((*nodes, Node("output1", "Output", {}, (nodes[-1].id,)))),
        data=Data(
            source=Component("timeline_samples", {"data_set": data_set}),
            preprocessing=Component("windows", {"window": window, "horizon": horizon}),
            split=Split(validation=0.15, test=0.15),
        ),
        task=Component("forecasting", task),
    )


def dense(units, **params):
    return ("lstm1", "LSTM", {"units": 4}), ("dense1", "Dense", {"units": units, **params})


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_those_of_pytorch_and_scikit_learn(catalog, kind):
    task = catalog.tasks["forecasting"](loss=kind, delta=0.7, quantiles=(0.9, 0.1, 0.5))
    count = 3 if kind == "quantile" else 1
    outputs, targets = torch.randn(5, 4 * 2 * count), torch.randn(5, 4, 2)
    found = task.torch_loss(None, None, ())(outputs, targets).item()
    functions = torch.nn.functional
    if kind == "quantile":
        values = outputs.reshape(5, 4, 2, 3).numpy()
        expected = np.mean(
            [
                mean_pinball_loss(targets.numpy().ravel(), values[..., n].ravel(), alpha=level)
                for n, level in enumerate((0.1, 0.5, 0.9))
            ]
        )
    else:
        flat = outputs.reshape(5, 4, 2)
        expected = {
            "mse": functions.mse_loss(flat, targets),
            "mae": functions.l1_loss(flat, targets),
            "huber": functions.huber_loss(flat, targets, delta=0.7),
        }[kind].item()
    assert found == pytest.approx(expected, rel=1e-5)


def evaluated(catalog, given, outputs_of):
    """Evaluate made-up outputs: `outputs_of` makes scaled ones of scaled targets."""
    prepared = prepare(given, catalog)
    samples = prepared.opened.splits["test"]
    indices = np.arange(len(samples))
    targets = np.stack(
        [prepared.preprocessing.target(samples.target(n), prepared.fitted) for n in indices]
    )
    task = catalog.task(given.task)
    context = Context(None, prepared.info, prepared.preprocessing, prepared.fitted, samples)
    evaluator = task.evaluator(context)
    for part in np.array_split(indices, 3):
        outputs = outputs_of(targets[part]).reshape(len(part), -1).astype(np.float32)
        evaluator.update(outputs, Batch(targets[part], targets[part], part))
    return evaluator, samples


def test_perfect_forecasts_have_no_error(catalog):
    evaluator, samples = evaluated(catalog, experiment(horizon=3), lambda targets: targets)
    found = evaluator.compute()
    assert found.metrics["mae"] == pytest.approx(0, abs=1e-4)
    assert found.metrics["mase"] == pytest.approx(0, abs=1e-4)
    kept = ForecastResults.of(evaluator.results())
    np.testing.assert_allclose(kept.points, kept.truth, atol=1e-3)
    assert kept.times[0].tolist() == [1963, 1964, 1965]
    assert len(kept.times) == len(samples)


def test_errors_are_in_the_units_of_the_data(catalog):
    given = experiment(horizon=2, season=11)
    off = 10.0

    def shifted(targets):
        scale = prepare(given, catalog).fitted["scale"][0]
        return targets + off / scale

    evaluator, samples = evaluated(catalog, given, shifted)
    found = evaluator.compute().metrics
    assert found["mae"] == pytest.approx(off, rel=1e-4)
    assert found["rmse"] == pytest.approx(off, rel=1e-4)
    values = samples.source.data.values[: samples.source.trained[0], 0]
    assert found["mase"] == pytest.approx(off / np.abs(values[11:] - values[:-11]).mean(), rel=1e-4)
    truth = samples.truth(np.arange(len(samples)))
    expected = 200 * np.mean(off / (np.abs(truth) + np.abs(truth + off)))
    assert found["smape"] == pytest.approx(expected, rel=1e-4)


def test_pinball_and_coverage_of_quantiles(catalog):
    given = experiment(loss="quantile", quantiles=[0.1, 0.5, 0.9])
    apart = np.array([-0.5, 0.1, 0.4])

    def spread(targets):
        centre = targets[..., None] + apart
        centre[::4] += 10  # every fourth truth lies below the interval
        return centre[..., ::-1]  # quantiles that cross are put in order

    evaluator, _ = evaluated(catalog, given, spread)
    found, kept = evaluator.compute().metrics, ForecastResults.of(evaluator.results())
    truth = kept.truth[..., None]
    inside = (truth[..., 0] >= kept.forecasts[..., 0]) & (truth[..., 0] <= kept.forecasts[..., -1])
    assert found["coverage"] == pytest.approx(inside.mean())
    assert 0.6 < inside.mean() < 0.8
    expected = np.mean(
        [
            mean_pinball_loss(kept.truth.ravel(), kept.forecasts[..., n].ravel(), alpha=level)
            for n, level in enumerate((0.1, 0.5, 0.9))
        ]
    )
    assert found["pinball"] == pytest.approx(expected, rel=1e-4)


def test_simple_forecasts_are_measured_on_the_same_windows(catalog):
    evaluator, samples = evaluated(
        catalog, experiment(data_set="elnino", horizon=14), lambda targets: targets
    )
    simple = evaluator.compute().baselines
    values, rows = samples.source.data.values[:, 0], samples.rows
    naive, seasonal, drift = [], [], []
    for row in rows:
        truth = values[row : row + 14]
        naive.append(np.abs(truth - values[row - 1]).mean())
        season = values[row - 12 : row]
        seasonal.append(np.abs(truth - np.resize(season, 14)).mean())
        slope = (values[row - 1] - values[0]) / (row - 1)
        drift.append(np.abs(truth - values[row - 1] - slope * np.arange(1, 15)).mean())
    assert simple["naive"]["mae"] == pytest.approx(np.mean(naive))
    assert simple["seasonal naive"]["mae"] == pytest.approx(np.mean(seasonal))
    assert simple["drift"]["mae"] == pytest.approx(np.mean(drift))
    trained = values[: samples.source.trained[0]].mean()
    truth = samples.truth(np.arange(len(samples)))
    assert simple["mean"]["mae"] == pytest.approx(np.abs(truth - trained).mean())


def test_the_naive_forecast_looks_past_missing_values(catalog):
    evaluator, samples = evaluated(catalog, experiment(data_set="co2"), lambda targets: targets)
    values = samples.source.data.values[:, 0]
    gaps = [row for row in samples.rows if np.isnan(values[row - 1])]
    naive = ForecastResults.of(evaluator.results()).naive[:, 0]
    assert np.isfinite(naive).all()
    for row in gaps:
        before = values[:row][np.isfinite(values[:row])][-1]
        assert naive[np.flatnonzero(samples.rows == row)[0]] == pytest.approx(before)


@pytest.mark.parametrize(
    ("head", "given", "title"),
    [
        (dense(3), {"horizon": 4}, "Set units of dense1 to 4"),
        (dense(4), {"horizon": 4, "loss": "quantile"}, "Set units of dense1 to 12"),
        ((("lstm1", "LSTM", {"units": 4, "sequences": True}),), {}, "Add Flatten and Dense 1"),
        ((("flat1", "Flatten", {}),), {"horizon": 2}, "Add Dense 2"),
        (dense(1, activation="relu"), {}, "Remove the relu"),
    ],
)
def test_a_head_of_another_size_is_repaired_by_a_click(catalog, head, given, title):
    design = experiment(*head, **given)
    info = prepare(design, catalog).info
    (problem,) = [p for p in check(design, catalog, info).problems if p.repair is not None]
    assert problem.repair.title == title
    assert not check(problem.repair.edit(design), catalog, info).problems


def test_any_shape_of_the_right_size_is_taken(catalog):
    design = experiment(
        *dense(6), ("shape1", "Reshape", {"shape": [2, 3]}), horizon=2, loss="quantile"
    )
    assert not check(design, catalog, prepare(design, catalog).info).problems


@pytest.mark.parametrize(
    ("quantiles", "words"),
    [
        ([], "between 0 and 1"),
        ([0.5, 1.0], "between 0 and 1"),
        ([0.5, 0.5], "named twice"),
        ([0.2, 0.6], "0.6 counts as the forecast"),
    ],
)
def test_quantiles_that_make_no_sense(catalog, quantiles, words):
    design = experiment(*dense(2), loss="quantile", quantiles=quantiles)
    problems = check(design, catalog, prepare(design, catalog).info).problems
    assert any(words in problem.message for problem in problems)


def test_answers_for_people(catalog):
    design = experiment(*dense(6), horizon=2, loss="quantile")
    prepared = prepare(design, catalog)
    samples = prepared.opened.splits["test"]
    task = catalog.task(design.task)
    context = Context(None, prepared.info, prepared.preprocessing, prepared.fitted, samples)
    (answer,) = task.predictions(np.zeros((1, 6), np.float32), context, None)
    assert answer.times == ("1963", "1964")
    mean = prepared.fitted["offset"][0]
    assert answer.values["sunspots"] == pytest.approx([mean, mean])
    assert list(answer.quantiles["sunspots"]) == ["0.1", "0.5", "0.9"]
    first, second = answer.in_words().strip().splitlines()
    assert first.startswith("1963: sunspots")
    assert second.strip().startswith("1964: sunspots")
