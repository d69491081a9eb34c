"""What heads attend to is what PyTorch and Keras work out themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch  # noqa: TID253
from torch import nn  # noqa: TID253

from tests.plugins.layers.test_attention import CASES, NAMES, network_of
from tests.plugins.networks import compiled, make

FEATURES = 8
STEPS = 7
KERAS = """
import json, sys
import numpy as np
from keras import layers
found = []
for case in json.load(sys.stdin):
    weights = {name: np.array(value, "float32") for name, value in case["weights"].items()}
    x, context = (np.array(case[name], "float32") for name in ("x", "context"))
    if case["groups"]:
        layer = layers.GroupQueryAttention(case["size"], case["heads"], case["groups"])
    else:
        layer = layers.MultiHeadAttention(case["heads"], case["size"])
    layer.build(x.shape, context.shape)
    for part in ("query", "key", "value", "output"):
        dense = getattr(layer, f"_{part}_dense")
        dense.kernel.assign(weights[f"{part}_kernel"])
        dense.bias.assign(weights[f"{part}_bias"])
    mask = np.arange(context.shape[1])[None] < case["real"]
    _, scores = layer(
        x, context, value_mask=mask, use_causal_mask=case["causal"], return_attention_scores=True
    )
    found.append(np.asarray(scores)[0].tolist())
json.dump(found, sys.stdout)
"""


def rows(steps=STEPS, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, FEATURES)).astype(np.float32)


def weights_of(layer, count, seed=1):
    from workbench.plugin_api.tensors import TensorType

    random = np.random.default_rng(seed)
    specs = layer.weights([TensorType((STEPS, FEATURES))] * count)
    return {
        name: random.normal(size=spec.shape).astype(np.float32) * 0.5
        for name, spec in specs.items()
    }


@pytest.mark.parametrize("causal", [False, True])
def test_as_pytorch_returns_them(catalog, causal):
    layer = make(catalog, "MultiHeadAttention", heads=2, causal=causal)
    weights, x = weights_of(layer, 1), rows()
    real = None if causal else 5
    peer = nn.MultiheadAttention(FEATURES, 2, batch_first=True)
    kernels = [
        weights[f"{part}_kernel"].reshape(FEATURES, -1).T for part in ("query", "key", "value")
    ]
    biases = [weights[f"{part}_bias"].reshape(-1) for part in ("query", "key", "value")]
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.from_numpy(np.concatenate(kernels)))
        peer.in_proj_bias.copy_(torch.from_numpy(np.concatenate(biases)))
    blocked = torch.ones(STEPS, STEPS).triu(1).bool() if causal else None
    padding = None if real is None else torch.arange(STEPS)[None] >= real
    given = torch.from_numpy(x)[None]
    _, expected = peer(
        *[given] * 3,
        key_padding_mask=padding,
        attn_mask=blocked,
        need_weights=True,
        average_attn_weights=False,
    )

    found = layer.attention([x], weights, [real], STEPS)[""]

    seen = np.nan_to_num(found)[:, :real]
    np.testing.assert_allclose(seen, expected[0].detach().numpy()[:, :real], atol=1e-5)
    np.testing.assert_allclose(seen.sum(-1), 1, atol=1e-6)
    assert np.isnan(found[:, 5:]).all() != causal
    first = layer.attention([x], weights, [real], 3)[""]
    np.testing.assert_array_equal(first, found[:, :3])
    assert np.isnan(found[:, 0, 1:]).all() == causal


@pytest.mark.parametrize(("name", "params", "count"), CASES, ids=NAMES)
def test_as_the_generated_module_computes_them(catalog, monkeypatch, name, params, count):
    """Softmax of the queries and keys that reach PyTorch's own attention, masks included."""
    recorded = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def recording(query, key, value, attn_mask=None, is_causal=False, **options):
        keys = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
        scores = query @ keys.transpose(-1, -2) / query.shape[-1] ** 0.5
        if is_causal:
            scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -torch.inf)
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        recorded.append(scores.softmax(-1)[0].detach().numpy())
        return plain(query, key, value, attn_mask=attn_mask, is_causal=is_causal, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", recording)
    network = network_of(catalog, name, params, count)
    reference = compiled(network, {k: v + 0.1 for k, v in compiled(network).weights.items()})
    lengths = [5, 4][:count]
    inputs = [rows(STEPS, seed) for seed in range(count)]
    with torch.no_grad():
        reference.module(
            *(torch.from_numpy(x)[None] for x in inputs),
            *(torch.tensor([length]) for length in lengths),
        )
    node = next(node for node in network.nodes if node.layer.id == name)
    weights = {
        k.partition("/")[2]: v for k, v in reference.weights.items() if k.startswith(f"{node.id}/")
    }

    found = node.layer.attention(inputs, weights, lengths, STEPS)

    assert node.layer.attends
    assert len(found) == len(recorded)
    for shares, expected in zip(found.values(), recorded, strict=True):
        real = np.nan_to_num(shares)[:, : lengths[0]]
        np.testing.assert_allclose(real, expected[:, : lengths[0]], atol=1e-5)
        assert np.isnan(shares[:, lengths[0] :]).all()


def test_as_keras_returns_them(catalog):
    cases, found = [], []
    for groups, count, causal in [(None, 1, True), (None, 2, False), (2, 1, False)]:
        layer = make(catalog, "MultiHeadAttention", heads=4, key_heads=groups, causal=causal)
        weights = weights_of(layer, count)
        inputs = [rows(STEPS, 0), rows(6, 1)][:count]
        real = None if causal else 4
        case = {
            "weights": {name: value.tolist() for name, value in weights.items()},
            "x": [inputs[0].tolist()],
            "context": [inputs[-1].tolist()],
            "groups": groups,
            "heads": 4,
            "size": FEATURES // 4,
            "causal": causal,
            "real": real or STEPS,
        }
        cases.append(case)
        lengths = [None, real] if count == 2 else [real]
        found.append(layer.attention(inputs, weights, lengths, STEPS)[""])

    done = subprocess.run(
        [sys.executable, "-c", KERAS],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": "numpy"},
    )
    assert done.returncode == 0, done.stderr

    for shares, expected in zip(found, json.loads(done.stdout.splitlines()[-1]), strict=True):
        seen = np.nan_to_num(shares)
        real = seen.any(axis=(0, 2))
        np.testing.assert_allclose(seen[:, real], np.array(expected)[:, real], atol=1e-5)
        assert real.sum() >= 4


def test_other_layers_attend_to_nothing(catalog):
    for layer_id in ("Dense", "LSTM", "Embedding"):
        assert not make(catalog, layer_id).attends
