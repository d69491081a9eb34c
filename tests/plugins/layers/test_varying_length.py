"""Layers that look across time, where samples differ in length: backends agree, padding is nil."""

from __future__ import annotations

import pytest

from tests.plugins.networks import make
from tests.plugins.ragged import TOKENS, VOCABULARY, chain, compare, padding_difference, series
from workbench.plugin_api.tensors import TensorType

LENGTHS = (5, 1, 7, 3)
EMBED = ("Embedding", {"vocabulary": VOCABULARY, "features": 4})
WINDOWS = [
    {"padding": "same"},
    {"padding": "same", "stride": 2, "kernel_size": 4},
    {"padding": "valid", "kernel_size": 4},
    {"padding": "valid", "stride": 2},
    {"padding": "explicit", "pads": (2, 1)},
    {"padding": "causal", "dilation": 2},
    {"padding": "causal", "stride": 3, "kernel_size": 2},
]
POOLS = [
    {},
    {"padding": "same", "pool_size": 3},
    {"padding": "same", "pool_size": 3, "stride": 1},
    {"padding": "explicit", "pads": (1, 1), "pool_size": 3, "stride": 2},
    {"pool_size": 3, "stride": 1},
]
SERIES = [
    *(("Conv1D", {"filters": 3, **params}) for params in WINDOWS),
    ("DepthwiseConv1D", {"multiplier": 2, **WINDOWS[1]}),
    ("DepthwiseConv1D", WINDOWS[5]),
    ("SeparableConv1D", {"filters": 3, **WINDOWS[2]}),
    ("SeparableConv1D", {"filters": 3, **WINDOWS[5]}),
    *((kind, params) for kind in ("MaxPool1D", "AveragePool1D") for params in POOLS),
    *(
        (kind, {"keep_axes": keep})
        for kind in ("GlobalAveragePool", "GlobalMaxPool")
        for keep in (False, True)
    ),
    *(("PickToken", {"which": which}) for which in ("first", "last", "mean", "max")),
    ("BatchNorm", {}),
    ("BatchNorm", {"running_variance": "unbiased", "center": False}),
    ("LayerNorm", {}),
    ("LearnedPositions", {"positions": 9}),
    ("SinusoidalPositions", {}),
    ("SinusoidalPositions", {"base": 50.0}),
    ("Dense", {"units": 3, "activation": "tanh"}),
    ("GLU", {}),
    ("Spectrogram", {"n_fft": 4, "hop_length": 2, "scale": "linear", "strength": "magnitude"}),
    ("MelSpectrogram", {"n_fft": 5, "hop_length": 3, "n_mels": 2, "padding": "none"}),
]
VIDEO = [
    ("TimeDistributedConv2D", {"filters": 3, "padding": "same"}),
    ("TimeDistributedMaxPool2D", {}),
    ("TimeDistributedFlatten", {}),
    ("GRU", {"units": 3}),
]
CHAINS = [
    [EMBED],
    [("Embedding", {"vocabulary": VOCABULARY, "features": 3, "padding_id": None})],
    [
        EMBED,
        ("Conv1D", {"filters": 5}),
        ("ReLU", {}),
        ("GlobalMaxPool", {}),
        ("Dense", {"units": 2}),
    ],
    [
        EMBED,
        ("LSTM", {"units": 3, "direction": "both", "sequences": True}),
        ("Softmax", {}),
        ("BatchNorm", {}),
        ("Conv1D", {"filters": 5, "stride": 2, "padding": "same"}),
        ("GELU", {}),
        ("MaxPool1D", {"padding": "same"}),
        ("GRU", {"units": 3, "sequences": True}),
        ("AveragePool1D", {"stride": 1}),
        ("LearnedPositions", {"positions": 9}),
        ("PickToken", {"which": "last"}),
    ],
]


def network_of(catalog, kind, layers):
    return chain(catalog, [kind], *(make(catalog, name, **params) for name, params in layers))


CASES = [(series(4), [layer]) for layer in SERIES] + [(TOKENS, layers) for layers in CHAINS]
CASES += [(TensorType((None, 4, 3, 2), ("time", "height", "width", "channels")), VIDEO)]
NAMES = [" ".join(str(part) for layer in layers for part in layer) for _, layers in CASES]


@pytest.mark.parametrize(("kind", "layers"), CASES, ids=NAMES)
def test_padding_changes_nothing(catalog, kind, layers):
    network = network_of(catalog, kind, layers)
    assert padding_difference(network, LENGTHS, (8, 13)) <= 2e-6


def test_same_numbers_everywhere(catalog, peers):
    for kind, layers in CASES:
        network = network_of(catalog, kind, layers)
        forward, gradient = compare(peers, network, LENGTHS)
        assert forward <= 1e-5, layers
        assert gradient <= 1e-4, layers
