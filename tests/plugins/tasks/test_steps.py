"""Losses of tasks with an answer a step, or several a sample: the same in every framework."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253

from workbench.catalog import Catalog
from workbench.plugin_api.data import IGNORED, DataInfo
from workbench.plugin_api.tensors import TensorType

RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(size=(5, 7, 4)).astype(np.float32)
TARGETS = RNG.integers(0, 4, (5, 7))
TARGETS[1, 3:] = IGNORED
TARGETS[4] = IGNORED
LABELS = (RNG.random((5, 4)) < 0.4).astype(np.float32)
LOGITS = OUTPUTS[:, 0]
NUMBERS = RNG.normal(size=(5, 4)).astype(np.float32)
PRESENT = np.array([1, 1, 0, 1, 1], np.float32)
COUNTS = (9, 2, 4, 1)
INFO = DataInfo(
    input=TensorType((7,), ("time",), "int64"),
    classes=tuple("abcd"),
    quantities=tuple("wxyz"),
    target=TensorType((4,), ("features",)),
    counts={"train": 16},
)
CASES = {
    "language_modelling": [{}, {"label_smoothing": 0.1}],
    "sequence_labelling": [{"class_weights": "balanced"}, {"label_smoothing": 0.2}],
    "multi_label": [{}, {"class_weights": "balanced"}],
    "regression": [{"loss": "mse"}, {"loss": "mae"}, {"loss": "huber", "delta": 0.5}],
}
NAMED = [(name, settings) for name, cases in CASES.items() for settings in cases]


def _data(name):
    if name == "regression":
        return LOGITS, NUMBERS
    return (LOGITS, LABELS) if name == "multi_label" else (OUTPUTS, TARGETS)


def _keras_numbers(framework, cases):
    from keras import ops

    catalog, found = Catalog.load(), []
    for name, settings in cases:
        task = catalog.tasks[name](**settings)
        outputs, targets = (ops.convert_to_tensor(each) for each in _data(name))
        loss = task.keras_loss(None, INFO, COUNTS)(outputs, targets, ops.convert_to_tensor(PRESENT))
        metrics = task.keras_metrics(outputs, targets)
        found.append((float(loss), {n: ops.convert_to_numpy(v) for n, v in metrics.items()}))
    return found


def test_keras_has_the_losses_of_pytorch_for_the_samples_that_are_there(catalog, peers):
    expected = []
    for name, settings in NAMED:
        task = catalog.tasks[name](**settings)
        outputs, targets = (torch.from_numpy(each) for each in _data(name))
        kept = PRESENT > 0
        loss = task.torch_loss(None, INFO, COUNTS)(outputs[kept], targets[kept])
        metrics = {n: v.numpy() for n, v in task.torch_metrics(outputs, targets).items()}
        expected.append((loss.item(), metrics))
    for found in peers.call(_keras_numbers, NAMED).values():
        for (loss, metrics), (wanted, wanted_metrics) in zip(found, expected, strict=True):
            assert loss == pytest.approx(wanted, abs=1e-5)
            assert metrics.keys() == wanted_metrics.keys()
            for name, values in metrics.items():
                np.testing.assert_allclose(values, wanted_metrics[name], atol=1e-6)


def test_ignored_steps_weigh_nothing(catalog):
    task = catalog.tasks["language_modelling"]()
    loss = task.torch_loss(None, INFO, ())
    outputs = torch.from_numpy(OUTPUTS).requires_grad_()
    targets = torch.from_numpy(TARGETS)
    value = loss(outputs, targets)
    known = targets != IGNORED
    expected = torch.nn.functional.cross_entropy(outputs[known], targets[known])
    value.backward()
    assert value.item() == pytest.approx(expected.item(), abs=1e-6)
    assert not outputs.grad[~known].any()
    assert loss(outputs, torch.full_like(targets, IGNORED)).item() == 0
