"""Normalisation against NumPy, above all the running variance."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.layers import reference
from tests.plugins.layers.running import close, output
from tests.plugins.networks import compiled, make, random_array, single


@pytest.mark.parametrize("shape", [(5, 3, 4), (6, 4), (4,), (2, 3, 2, 4)], ids=str)
def test_batch_norm_keeps_the_biased_variance(catalog, shape):
    import torch

    params = {"momentum": 0.3, "epsilon": 1e-3}
    model, _ = output(catalog, "BatchNorm", random_array(shape, batch=4), **params)
    mean, variance = np.zeros(4), np.ones(4)
    model.module.train()
    for step in range(3):
        x = random_array(shape, batch=4, seed=step) * 3 + 1
        axes = tuple(range(x.ndim - 1))
        with torch.no_grad():
            found = model.run(x)
        close(found, reference.normalised(x, axes, 1e-3))
        mean = 0.7 * mean + 0.3 * x.mean(axis=axes)
        variance = 0.7 * variance + 0.3 * x.var(axis=axes)
    stored = model.stored()
    close(stored["layer/moving_mean"], mean)
    close(stored["layer/moving_variance"], variance)
    model.module.eval()
    close(model.run(x), (x - mean) / np.sqrt(variance + 1e-3))


def test_batch_norm_can_follow_pytorch_instead(catalog):
    import torch

    x = random_array((3,), batch=4)
    model, _ = output(catalog, "BatchNorm", x, running_variance="unbiased", momentum=0.5)
    assert isinstance(model.module.layer, torch.nn.BatchNorm1d)
    model.module.train()
    model.run(x)
    close(model.stored()["layer/moving_variance"], 0.5 + 0.5 * x.var(axis=0, ddof=1))


def test_batch_norm_takes_a_batch_of_one_value(catalog):
    x = random_array((3,), batch=1)
    model, _ = output(catalog, "BatchNorm", x)
    model.module.train()
    (tensor,) = model.tensors([x])
    found = model.module(tensor.requires_grad_())
    found.sum().backward()
    np.testing.assert_array_equal(found.detach().numpy(), np.zeros((1, 3)))
    np.testing.assert_array_equal(tensor.grad.numpy(), np.zeros((1, 3)))
    close(model.stored()["layer/moving_mean"], 0.1 * x[0])
    close(model.stored()["layer/moving_variance"], np.full(3, 0.9))


def test_gradient_of_batch_norm_is_pytorchs(catalog):
    import torch

    x = random_array((5, 3, 4))
    grads = []
    for running_variance in ("biased", "unbiased"):
        model, _ = output(catalog, "BatchNorm", x, running_variance=running_variance)
        model.module.train()
        (tensor,) = model.tensors([x])
        model.module(tensor.requires_grad_()).pow(3).sum().backward()
        grads.append(tensor.grad)
    assert torch.equal(*grads)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("shape", [(4, 3, 6), (5, 6), (6,)], ids=str)
def test_layer_and_group_norm(catalog, shape, center, scale):
    x = random_array(shape) * 2 + 3
    affine = {"scale": scale, "center": center, "epsilon": 1e-3}
    names = ["gamma"] * scale + ["beta"] * center
    for kind, params in (("LayerNorm", {}), ("GroupNorm", {"groups": 2})):
        network = single(catalog, make(catalog, kind, **params, **affine), [shape])
        start = {f"layer/{name}": random_array((), 6, seed=7) for name in names}
        found = compiled(network, start).run(x)
        if kind == "LayerNorm":
            expected = reference.normalised(x, -1, 1e-3)
        else:
            split = x.reshape(*x.shape[:-1], 2, 3)
            axes = (*range(1, x.ndim - 1), x.ndim)
            expected = reference.normalised(split, axes, 1e-3).reshape(x.shape)
        expected = expected * start.get("layer/gamma", 1) + start.get("layer/beta", 0)
        close(found, expected)


def test_layer_norm_over_several_axes_and_rms_norm(catalog):
    x = random_array((4, 3, 6)) * 2 + 3
    _, found = output(catalog, "LayerNorm", x, axes=3, epsilon=1e-3)
    close(found, reference.normalised(x, (1, 2, 3), 1e-3))
    _, found = output(catalog, "RMSNorm", x, epsilon=1e-3)
    close(found, x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-3))
