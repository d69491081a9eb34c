"""Recurrent layers, attention and encoder blocks against those of torch.nn, weights copied over."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.layers.running import close
from tests.plugins.networks import make, random_array
from tests.plugins.ragged import TOKENS, chain, series, with_weights


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_two_layers_both_ways(catalog, kind):
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    layer = make(catalog, kind, units=3, direction="both", layers=2, sequences=True)
    model = with_weights(chain(catalog, [series(4)], layer))
    theirs = getattr(torch.nn, kind.removeprefix("Simple"))(
        4, 3, 2, batch_first=True, bidirectional=True
    )
    with torch.no_grad():
        for place in range(2):
            for end in ("", "_reverse"):
                ours = dict(model.module.layer[place].named_parameters())
                for name in ("weight_ih", "weight_hh"):
                    getattr(theirs, f"{name}_l{place}{end}").copy_(ours[name + end])
                bias = ours["bias" + end]
                first, second = bias if kind == "GRU" else (bias, torch.zeros_like(bias))
                getattr(theirs, f"bias_ih_l{place}{end}").copy_(first)
                getattr(theirs, f"bias_hh_l{place}{end}").copy_(second)
        x, lengths = torch.from_numpy(random_array((7, 4), 3)), torch.tensor([5, 7, 2])
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        expected, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
        found = model.module(x, lengths)
    for row, length in enumerate(lengths):
        close(found[row, :length].numpy(), expected[row, :length].numpy())


@pytest.mark.parametrize("pre_norm", [True, False])
def test_encoder_block(catalog, pre_norm):
    import torch

    layer = make(
        catalog, "TransformerEncoder", heads=2, hidden=16, activation="relu", pre_norm=pre_norm
    )
    model = with_weights(chain(catalog, [series(8)], layer))
    ours = model.module.layer
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=pre_norm)
    attention = theirs.self_attn
    pairs = [
        (attention.out_proj, ours.attention.output),
        (theirs.linear1, ours.feed_forward.inner),
        (theirs.linear2, ours.feed_forward.outer),
        (theirs.norm1, ours.norm1),
        (theirs.norm2, ours.norm2),
    ]
    parts = [ours.attention.query, ours.attention.key, ours.attention.value]
    with torch.no_grad():
        for target, source in pairs:
            target.weight.copy_(source.weight)
            target.bias.copy_(source.bias)
        attention.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        attention.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        x, lengths = torch.from_numpy(random_array((7, 8), 3)), torch.tensor([5, 7, 2])
        padding = torch.arange(7) >= lengths[:, None]
        expected = theirs.eval()(x, src_key_padding_mask=padding)
        found = model.module(x, lengths)
    for row, length in enumerate(lengths):
        close(found[row, :length].numpy(), expected[row, :length].numpy())


def test_embedding_leaves_its_padding_row_alone(catalog):
    import torch

    layer = make(catalog, "Embedding", vocabulary=5, features=2)
    model = with_weights(chain(catalog, [TOKENS], layer))
    tokens = torch.tensor([[1, 2, 0], [3, 0, 0]])
    found = model.module(tokens, torch.tensor([2, 1]))
    np.testing.assert_array_equal(
        found.detach().numpy(), model.weights["layer/embeddings"][tokens.numpy()]
    )
    found.sum().backward()
    gradient = model.module.layer.weight.grad
    assert not gradient[0].any()
    assert gradient[1:4].all()
