"""A generated module in training against PyTorch written by hand."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch  # noqa: TID253
from torch.nn.functional import cross_entropy  # noqa: TID253

from tests.plugins.backends.trained import batch, build, chain, cnn
from workbench.document.training import SGD, Adagrad, Adam, AdamW, RMSprop
from workbench.errors import UserError
from workbench.plugin_api.backend import ModelState, NodeError

LINEAR = chain(("dense1", "Dense", {"units": 3}))
OPTIMIZERS = {
    "sgd": (
        SGD(learning_rate=0.1, momentum=0.0, nesterov=True, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01),
    ),
    "nesterov": (
        SGD(learning_rate=0.1, momentum=0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "adam": (
        Adam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-5, weight_decay=0.02),
        lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.95), 1e-5, 0.02),
    ),
    "adamw": (
        AdamW(learning_rate=0.1, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, 0.1, eps=1e-8, weight_decay=0.3),
    ),
    "rmsprop": (
        RMSprop(learning_rate=0.1, rho=0.7, momentum=0.5, epsilon=1e-4),
        lambda p: torch.optim.RMSprop(p, 0.1, alpha=0.7, eps=1e-4, momentum=0.5),
    ),
    "adagrad": (
        Adagrad(learning_rate=0.1, initial_accumulator=0.2, epsilon=1e-6),
        lambda p: torch.optim.Adagrad(p, 0.1, initial_accumulator_value=0.2, eps=1e-6),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_is_pytorchs_own(catalog, tmp_path, name):
    settings, by_hand = OPTIMIZERS[name]
    model = build(catalog, tmp_path, LINEAR, (5,), optimizer=settings)
    start = model.weights()
    weight = torch.tensor(start["dense1/kernel"].T.copy(), requires_grad=True)
    bias = torch.tensor(start["dense1/bias"], requires_grad=True)
    optimizer = by_hand([weight, bias])
    losses = []
    for step in range(5):
        given = batch(shape=(5,), seed=step)
        model.train_step((given,), 0.1)
        optimizer.zero_grad()
        outputs = torch.from_numpy(given.inputs) @ weight.T + bias
        loss = cross_entropy(outputs, torch.from_numpy(given.targets))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(model.weights()["dense1/kernel"], weight.detach().T, atol=1e-6)
    np.testing.assert_allclose(model.weights()["dense1/bias"], bias.detach(), atol=1e-6)
    logs = model.drain_logs()
    assert logs["loss"] == pytest.approx(losses, abs=1e-5)
    assert len(logs["accuracy"]) == 5
    assert model.drain_logs() == {}


def test_accumulated_batches_of_any_size_are_one_large_batch(catalog, tmp_path):
    models = [build(catalog, tmp_path, LINEAR, (5,), optimizer=SGD()) for _ in range(2)]
    whole = batch(10, (5,))
    parts = [type(whole)(whole.inputs[s], whole.targets[s]) for s in (slice(7), slice(7, 10))]
    models[0].train_step((whole,), 0.5)
    models[1].train_step(parts, 0.5)
    for name, value in models[0].weights().items():
        np.testing.assert_allclose(models[1].weights()[name], value, atol=1e-6)
    assert models[0].drain_logs()["loss"] == pytest.approx(models[1].drain_logs()["loss"])


def test_clipping_and_penalties(catalog, tmp_path):
    penalised = chain(("dense1", "Dense", {"units": 3, "kernel_l1": 0.01, "kernel_l2": 0.02}))
    model = build(catalog, tmp_path, penalised, (5,), optimizer=SGD(momentum=0.0), clip_norm=0.05)
    start, given = model.weights(), batch(shape=(5,))
    kernel = torch.tensor(start["dense1/kernel"], requires_grad=True)
    bias = torch.tensor(start["dense1/bias"], requires_grad=True)
    outputs = torch.from_numpy(given.inputs) @ kernel + bias
    loss = cross_entropy(outputs, torch.from_numpy(given.targets))
    (loss + 0.01 * kernel.abs().sum() + 0.02 * kernel.square().sum()).backward()
    norm = torch.sqrt(kernel.grad.square().sum() + bias.grad.square().sum())
    assert norm > 0.05
    model.train_step((given,), 2.0)
    expected = start["dense1/kernel"] - 2.0 * (kernel.grad * 0.05 / norm).numpy()
    np.testing.assert_allclose(model.weights()["dense1/kernel"], expected, atol=1e-6)
    assert model.drain_logs()["loss"] == pytest.approx([loss.item()])
    assert model.evaluate_step(given)[1] > 0


def test_a_layer_can_learn_at_a_rate_of_its_own(catalog, tmp_path):
    import msgspec

    nodes = chain(("dense1", "Dense", {"units": 4}), ("dense2", "Dense", {"units": 3})).nodes
    slow = tuple(
        msgspec.structs.replace(node, learning_rate_scale=0.0) if node.id == "dense1" else node
        for node in nodes
    )
    graph = type(LINEAR)(slow)
    model = build(catalog, tmp_path, graph, (5,), optimizer=SGD())
    before = model.weights()
    model.train_step((batch(shape=(5,)),), 0.1)
    after = model.weights()
    assert np.array_equal(before["dense1/kernel"], after["dense1/kernel"])
    assert not np.array_equal(before["dense2/kernel"], after["dense2/kernel"])


def test_state_and_weights_are_everything(catalog, tmp_path):
    graph = chain(
        ("drop1", "Dropout", {"rate": 0.5}),
        ("norm1", "BatchNorm", {}),
        ("flat1", "Flatten", {}),
        ("dense1", "Dense", {"units": 3}),
    )
    first = build(catalog, tmp_path, graph, optimizer=Adam())
    for seed in range(3):
        first.train_step((batch(seed=seed),), 0.01)
    weights, state = first.weights(), first.state()
    for seed in range(3, 6):
        first.train_step((batch(seed=seed),), 0.01)
    second = build(catalog, tmp_path, graph, optimizer=Adam())
    second.load_weights(weights)
    second.load_state(ModelState(dict(state.arrays), dict(state.values)))
    for seed in range(3, 6):
        second.train_step((batch(seed=seed),), 0.01)
    assert state.arrays["optimizer/dense1/kernel/mean"].shape == (32, 3)
    for name, value in first.weights().items():
        assert value.tobytes() == second.weights()[name].tobytes()


def test_looking_inside_changes_nothing(catalog, tmp_path):
    models = [build(catalog, tmp_path, cnn()) for _ in range(2)]
    given = batch()
    for model in models:
        model.train_step((given,), 0.01)
        if model is models[0]:
            found = model.probe(given.inputs, ("conv1", "flat1", "output1"))
            outputs = model.predict(given.inputs)
        model.train_step((given,), 0.01)
    assert found["conv1"].shape == (6, 4, 4, 4)
    assert found["flat1"].shape == (6, 64)
    np.testing.assert_allclose(found["output1"], outputs, atol=1e-6)
    for name, value in models[0].weights().items():
        assert value.tobytes() == models[1].weights()[name].tobytes()


def test_frozen_statistics_stand_still(catalog, tmp_path):
    graph = chain(
        ("norm1", "BatchNorm", {}),
        ("flat1", "Flatten", {}),
        ("dense1", "Dense", {"units": 3}),
        frozen=("norm1",),
    )
    model = build(catalog, tmp_path, graph)
    before = model.weights(["norm1"])
    assert set(before) == {
        f"norm1/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    model.train_step((batch(),), 0.1)
    model.evaluate_step(batch())
    model.train_step((batch(),), 0.1)
    for name, value in model.weights(["norm1"]).items():
        assert value.tobytes() == before[name].tobytes()


def test_the_first_layer_that_is_not_finite(catalog, tmp_path):
    model = build(catalog, tmp_path, cnn())
    assert model.first_non_finite(batch()) == ""
    weights = model.weights()
    weights["dense1/kernel"][0, 0] = np.nan
    model.load_weights(weights)
    assert model.first_non_finite(batch()) == "dense1"
    spoilt = batch()
    spoilt.inputs[0, 0, 0, 0] = np.inf
    assert model.first_non_finite(spoilt) == "input1"


def test_errors_name_the_node(catalog, tmp_path):
    model = build(catalog, tmp_path, cnn())
    with pytest.raises(NodeError) as caught:
        model.train_step((batch(shape=(4, 4, 3)),), 0.1)
    assert caught.value.node == "conv1"
    weights = model.weights()
    del weights["conv1/kernel"]
    with pytest.raises(UserError, match="conv1/kernel"):
        model.load_weights(weights)
    with pytest.raises(UserError, match="shape"):
        model.load_weights({**model.weights(), "conv1/kernel": np.zeros((1, 1, 2, 4))})


def test_bfloat16_learns_and_float16_needs_cuda(catalog, tmp_path):
    model = build(catalog, tmp_path, cnn(), precision="bfloat16")
    for _ in range(20):
        model.train_step((batch(),), 0.01)
    losses = model.drain_logs()["loss"]
    assert losses[-1] < losses[0] / 2
    assert all(value.dtype == np.float32 for value in model.weights().values())
    with pytest.raises(UserError, match="float16"):
        build(catalog, tmp_path, cnn(), precision="float16")


def test_compiling_falls_back_without_a_trace(catalog, tmp_path, monkeypatch):
    def refuse(module):
        def call(inputs):
            module(inputs)
            raise RuntimeError("no compiler\nand a long story")

        return call

    monkeypatch.setattr(torch, "compile", refuse)
    models = [build(catalog, tmp_path, cnn(), compile=wanted) for wanted in (True, False)]
    for model in models:
        model.train_step((batch(),), 0.01)
    assert models[0].warnings() == ["PyTorch could not compile the network (no compiler)."]
    assert models[0].warnings() == []
    for name, value in models[0].weights().items():
        assert value.tobytes() == models[1].weights()[name].tobytes()


def test_devices(catalog):
    backend = catalog.backend("torch")
    assert backend.availability().ok
    assert backend.devices()[-1].id == "cpu"
    from plugins.backends.pytorch.devices import choose

    assert choose("auto") == backend.devices()[0]
    with pytest.raises(UserError, match="cuda:7"):
        choose("cuda:7")


@pytest.mark.parametrize("channels_last", [False, True])
def test_networks_on_volumes_train(catalog, tmp_path, channels_last):
    graph = chain(
        ("shape1", "Reshape", {"shape": [2, 4, 4, 1]}),
        ("conv1", "Conv3D", {"filters": 2, "padding": "same"}),
        ("norm1", "BatchNorm", {}),
        ("flat1", "Flatten", {}),
        ("dense1", "Dense", {"units": 3}),
    )
    model = build(catalog, tmp_path, graph, channels_last=channels_last)
    before = model.weights()["conv1/kernel"]
    model.train_step((batch(),), 0.1)
    assert np.isfinite(model.drain_logs()["loss"]).all()
    assert (model.weights()["conv1/kernel"] != before).any()


def test_threads_are_never_more_than_cores(catalog, tmp_path):
    before = torch.get_num_threads()
    try:
        build(catalog, tmp_path, LINEAR, (5,), threads=500)
        assert torch.get_num_threads() <= os.cpu_count()
    finally:
        torch.set_num_threads(before)


def test_a_network_that_no_memory_holds_is_told_in_words(catalog, tmp_path, monkeypatch):
    def without_memory(plan):
        torch.empty(2**50)

    monkeypatch.setattr("plugins.backends.pytorch.model.TorchModel", without_memory)
    with pytest.raises(UserError, match="not enough memory for this network"):
        build(catalog, tmp_path, LINEAR, (5,))
