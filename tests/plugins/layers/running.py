"""Runs one layer by its generated code."""

from __future__ import annotations

import numpy as np

from tests.plugins.networks import compiled, make, single


def output(catalog, layer_type, *arrays, seed=0, **params):
    """Return the compiled layer and its output for canonical arrays."""
    layer = make(catalog, layer_type, **params)
    model = compiled(single(catalog, layer, [array.shape[1:] for array in arrays]), seed=seed)
    return model, model.run(*arrays)


def close(actual, expected, tolerance=2e-5):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def weight(model, name):
    return model.weights[f"layer/{name}"]


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
