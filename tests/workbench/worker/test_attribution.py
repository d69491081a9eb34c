"""Integrated gradients against sums over the generated module itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253

from tests.plugins.networks import Build, compiled
from workbench.document.training import Training
from workbench.plugin_api.backend import BuildPlan
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.worker.attribution import attributed_nodes, integrated_gradients

TOKENS = TensorType((None,), ("time",), "int64")
SERIES = TensorType((12, 3), ("time", "features"))
POINTS = 2000
CLASSES = ("a", "b", "c")


def lstm(catalog):
    build = Build(catalog)
    last = build.put_input("input1", TOKENS)
    last = build.add("words1", "Embedding", last, vocabulary=30, features=6, initializer="normal")
    last = build.add("lstm1", "LSTM", last, units=5)
    last = build.add("dense1", "Dense", last, units=3)
    build.add("output1", "Output", last)
    return build.network()


def convolution(catalog):
    build = Build(catalog)
    last = build.put_input("input1", SERIES)
    last = build.add("conv1", "Conv1D", last, filters=4, kernel_size=3)
    last = build.add("act1", "GELU", last)
    last = build.add("pool1", "GlobalAveragePool", last)
    last = build.add("dense1", "Dense", last, units=3)
    build.add("output1", "Output", last)
    return build.network()


def model(catalog, network, weights, folder):
    backend = catalog.backend("torch")
    code = backend.generate(network)
    (folder / "model.py").write_text(code.source)
    plan = BuildPlan(
        network=network,
        task=catalog.tasks["classification"](),
        info=DataInfo(input=network.inputs[0].output, classes=CLASSES),
        training=Training(device="cpu"),
        code=code,
        module_path=folder / "model.py",
        train_counts=(1, 1, 1),
        device="cpu",
        seed=0,
    )
    made = backend.build(plan)
    made.load_weights(weights)
    return made


def test_words_carry_what_a_fine_sum_over_the_module_says(catalog, tmp_path):
    reference = compiled(lstm(catalog))
    tokens = np.array([[3, 17, 5, 8, 29, 2]])
    lengths = torch.tensor([6])
    shares = (torch.arange(POINTS) + 0.5) / POINTS
    module = reference.module
    row = module.words1(torch.from_numpy(tokens)).detach()
    path = (shares[:, None, None] * row).requires_grad_()
    hook = module.words1.register_forward_hook(lambda *_: path)
    outputs = module(torch.from_numpy(tokens).expand(POINTS, -1), lengths.expand(POINTS))
    (gradient,) = torch.autograd.grad(outputs[:, 1].sum(), path)
    hook.remove()
    expected = (row[0] * gradient.mean(0)).numpy()

    found = integrated_gradients(
        model(catalog, reference.network, reference.weights, tmp_path),
        tokens,
        ("words1",),
        np.array([0, 1, 0], np.float32),
        lengths=np.array([6]),
    )

    np.testing.assert_allclose(found.values["words1"], expected, atol=2e-6)
    plain = module(torch.from_numpy(tokens), lengths)[0, 1].item()
    assert found.output == pytest.approx(plain, abs=1e-6)
    total = found.values["words1"].sum()
    assert total == pytest.approx(found.output - found.baseline, rel=0.01)
    assert found.error == pytest.approx(total - (found.output - found.baseline), abs=1e-6)


def test_a_linear_network_is_explained_exactly(catalog, tmp_path):
    build = Build(catalog)
    last = build.put_input("input1", SERIES)
    last = build.add("flat1", "Flatten", last)
    last = build.add("dense1", "Dense", last, units=3)
    build.add("output1", "Output", last)
    reference = compiled(build.network())
    series = np.random.default_rng(0).normal(size=(1, 12, 3)).astype(np.float32)

    found = integrated_gradients(
        model(catalog, reference.network, reference.weights, tmp_path),
        series,
        attributed_nodes(reference.network),
        np.array([0, 0, 1], np.float32),
    )

    kernel = reference.weights["dense1/kernel"][:, 2].reshape(12, 3)
    np.testing.assert_allclose(found.values["input1"], series[0] * kernel, atol=1e-6)
    assert abs(found.error) < 1e-5


def test_padding_carries_nothing_and_the_sum_stays_complete(catalog, tmp_path):
    reference = compiled(convolution(catalog))
    series = np.random.default_rng(0).normal(size=(1, 12, 3)).astype(np.float32)

    found = integrated_gradients(
        model(catalog, reference.network, reference.weights, tmp_path),
        series,
        ("input1",),
        np.array([1, 0, 0], np.float32),
        real=7,
    )

    assert not found.values["input1"][7:].any()
    assert found.values["input1"][:7].all()
    assert abs(found.error) <= 0.01 * abs(found.output - found.baseline)


def test_gradients_are_taken_where_numbers_begin(catalog):
    assert attributed_nodes(lstm(catalog)) == ("words1",)
    assert attributed_nodes(convolution(catalog)) == ("input1",)


def test_gradients_of_a_picture_are_canonical_and_leave_the_weights_alone(catalog, tmp_path):
    build = Build(catalog)
    last = build.input("input1", 5, 4, 2)
    last = build.add("conv1", "Conv2D", last, filters=3, kernel_size=(3, 3))
    last = build.add("act1", "GELU", last)
    last = build.add("flat1", "Flatten", last)
    last = build.add("dense1", "Dense", last, units=3)
    build.add("output1", "Output", last)
    reference = compiled(build.network())
    made = model(catalog, reference.network, reference.weights, tmp_path)
    pictures = np.random.default_rng(0).normal(size=(2, 5, 4, 2)).astype(np.float32)
    factors = np.eye(3, dtype=np.float32)[[0, 2]]

    outputs, gradients = made.gradients(pictures, {"input1": pictures}, factors)

    given = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).requires_grad_()
    plain = reference.module(given)
    (expected,) = torch.autograd.grad((plain * torch.from_numpy(factors)).sum(), given)
    np.testing.assert_allclose(outputs, plain.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(
        gradients["input1"], expected.numpy().transpose(0, 2, 3, 1), atol=1e-6
    )
    for name, value in made.weights().items():
        np.testing.assert_array_equal(value, reference.weights[name])
