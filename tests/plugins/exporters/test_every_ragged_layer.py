"""Each layer of the catalog that takes samples that differ in length, in a program and in ONNX."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugins.exporters.samples import fewest_batch_steps
from plugins.exporters.torch_export import program
from plugins.exporters.torch_onnx import TorchOnnxExporter
from tests.plugins.exporters.ragged_networks import request_of
from tests.plugins.networks import Build, compiled, moved
from tests.plugins.parity import random_weights
from tests.plugins.ragged import TOKENS, VOCABULARY, series
from workbench.plugin_api.layer import need_values
from workbench.plugin_api.tensors import ShapeError, TensorType

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.network import Network

VIDEO = TensorType((None, 5, 4, 2), ("time", "height", "width", "channels"))
KINDS = {"series": series(8), "tokens": TOKENS, "video": VIDEO}
SETTINGS: dict[str, dict[str, Any]] = {
    "Embedding": {"vocabulary": VOCABULARY},
    "MelSpectrogram": {"n_fft": 16, "hop_length": 4, "n_mels": 3, "sample_rate": 16},
    "Spectrogram": {"n_fft": 16, "hop_length": 4},
    **{name: {"layers": 2, "direction": "both"} for name in ("LSTM", "GRU", "SimpleRNN")},
}
LENGTHS = (9, 1, 16, 4)
BY_THEMSELVES = ("Activation", "Merge", "Regularisation")
"""Categories of layers that take each value by itself: these only make the export longer."""


def taking(catalog: Catalog, kind: TensorType) -> dict[str, Layer]:
    """Return the layers that take such samples, by type."""
    found = {}
    for layer_type in catalog.layers:
        if layer_type.id in ("Input", "Output") or layer_type.category in BY_THEMSELVES:
            continue
        layer = layer_type(**SETTINGS.get(layer_type.id, {}))
        count = 2 if layer.inputs[0] == 2 else 1
        try:
            need_values(layer, [kind] * count)
            layer.output([kind] * count)
        except ShapeError:
            continue
        found[layer.id] = layer
    return found


def network_of(catalog: Catalog, kind: TensorType, layers: dict[str, Layer]) -> Network:
    """Return the layers side by side, each followed by what makes a row of its output."""
    build = Build(catalog)
    build.put_input("in0", kind)
    rows = []
    for name, layer in layers.items():
        last = build.put(name, layer, *["in0"] * (2 if layer.inputs[0] == 2 else 1))
        if build.nodes[last].output.dtype.startswith("int"):
            continue
        if build.nodes[last].output.rank == 4:
            last = build.add(f"{name}_flat", "TimeDistributedFlatten", last)
        if build.nodes[last].output.rank == 2:
            last = build.add(f"{name}_row", "PickToken", last)
        rows.append(last)
    if len(rows) > 1:
        build.add("rows", "Concatenate", *rows)
        rows = ["rows"]
    build.add("out", "Output", *rows)
    return build.network()


def samples(kind: TensorType) -> np.ndarray:
    """Return random samples of LENGTHS."""
    random = np.random.default_rng(0)
    shape = (len(LENGTHS), max(LENGTHS), *kind.shape[1:])
    if kind.dtype == "int64":
        return random.integers(1, VOCABULARY, shape)
    return random.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("name", KINDS)
def test_every_layer_goes_through(name, catalog, tmp_path):
    import onnxruntime
    import torch

    kind = KINDS[name]
    layers = taking(catalog, kind)
    assert len(layers) > {"series": 15, "tokens": 0, "video": 6}[name]
    network = network_of(catalog, kind, layers)
    weights = random_weights(network, 0)
    model = compiled(network, weights)
    inputs, lengths = samples(kind), np.array(LENGTHS)
    request = replace(
        request_of("gru", catalog, tmp_path),
        network=network,
        weights=weights,
        sample_inputs=inputs,
        sample_lengths=lengths,
    )
    exported = program(request).module()
    path = tmp_path / "model.onnx"
    TorchOnnxExporter().export(request, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shortest = max(fewest_batch_steps(network), 4)
    for rows, steps in ((slice(None), 16), (slice(0, 2), 9), (slice(3, 4), shortest)):
        given = np.ascontiguousarray(moved(inputs[rows, :steps], kind)), lengths[rows]
        tensors = [torch.from_numpy(array) for array in given]
        with torch.no_grad():
            wanted, found = model.module(*tensors).numpy(), exported(*tensors).numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        feed = dict(zip(("input", "lengths"), given, strict=True))
        np.testing.assert_allclose(session.run(None, feed)[0], wanted, atol=1e-5)
