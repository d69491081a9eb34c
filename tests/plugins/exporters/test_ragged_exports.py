"""Networks over samples that differ in length: every format takes any batch of any lengths."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from plugins.exporters.attachments import attachments
from plugins.exporters.keras_file import KerasFileExporter
from plugins.exporters.keras_onnx import KerasOnnxExporter
from plugins.exporters.keras_script import KerasScriptExporter
from plugins.exporters.keras_weights import KerasWeightsExporter
from plugins.exporters.saved_model import SavedModelExporter
from plugins.exporters.torch_export import TorchExportExporter
from plugins.exporters.torch_onnx import TorchOnnxExporter
from tests.plugins.exporters import keras_batches
from tests.plugins.exporters.networks import run_of
from tests.plugins.exporters.ragged_networks import NETWORKS, experiment, request_of
from workbench.analysis.exports import format_state
from workbench.cli import main
from workbench.plugin_api.exporter import Outputs
from workbench.worker.export import difference

CLOSE = 1e-5


@pytest.fixture(scope="module")
def requests(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ragged")
    return {name: request_of(name, catalog, folder / name) for name in NETWORKS}


def questions(request, fewest):
    """Yield (inputs, lengths, expected): each sample alone, all together, and filled up anyhow."""
    inputs, lengths, expected = (
        request.sample_inputs,
        request.sample_lengths,
        request.sample_outputs,
    )
    assert len(set(lengths.tolist())) > 5
    for row, length in enumerate(lengths):
        alone = slice(row, row + 1)
        yield inputs[alone, : max(length, fewest)], lengths[alone], expected[alone]
    yield inputs, lengths, expected
    more = np.pad(inputs, ((0, 0), (0, 13), *((0, 0),) * (inputs.ndim - 2)), constant_values=1)
    for row, length in enumerate(lengths):
        more[row, length:] = 1
    yield more, lengths, expected


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_takes_any_batch_and_any_length(name, requests, tmp_path):
    import onnxruntime

    path = tmp_path / "model.onnx"
    TorchOnnxExporter().export(requests[name], path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    first, second = session.get_inputs()
    assert (first.name, first.shape[:2]) == ("input", ["batch", "time"])
    assert (second.name, second.shape, second.type) == ("lengths", ["batch"], "tensor(int64)")
    fewest = 5 if name == "cnn" else 1
    for inputs, lengths, expected in questions(requests[name], fewest):
        (found,) = session.run(None, {"input": inputs, "lengths": lengths})
        np.testing.assert_allclose(found, expected, atol=CLOSE)
    kept = session.get_modelmeta().custom_metadata_map
    learned = json.loads(kept["fitted"])
    assert ("offset" if name == "gru" else "tokenizer") in learned
    assert f"{requests[name].experiment.name}" in kept["experiment"]
    operators = {"lstm": b"LSTM", "gru": b"GRU"}
    assert operators.get(name, b"") in path.read_bytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_programs_take_any_batch_and_any_length(name, requests, tmp_path):
    import torch

    path = tmp_path / "model.pt2"
    exporter = TorchExportExporter()
    exporter.export(requests[name], path)
    extra = dict.fromkeys(attachments(requests[name]), "")
    module = torch.export.load(io.BytesIO(path.read_bytes()), extra_files=extra).module()
    fewest = 5 if name == "cnn" else 1
    for inputs, lengths, expected in questions(requests[name], fewest):
        with torch.no_grad():
            found = module(torch.from_numpy(inputs), torch.from_numpy(lengths)).numpy()
        np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert extra == attachments(requests[name])
    notes = " ".join(exporter.notes(requests[name]))
    assert "“lengths”" in notes
    assert ("5 steps or more" in notes) == (name == "cnn")


def test_keras_formats_take_lengths(requests, tmp_path):
    exporters = [KerasFileExporter(), KerasWeightsExporter(), KerasScriptExporter()]
    saved = [SavedModelExporter()]
    onnx = [KerasOnnxExporter()]
    looped = {"transformer": requests["transformer"]}
    for kinds, given in ((exporters, requests), (saved, requests), (onnx, looped)):
        files = keras_batches.written(kinds, given, tmp_path)
        found = keras_batches.differences(kinds, given, files, tmp_path)
        assert len(found) == len(kinds) * len(given)
        assert max(found.values()) <= CLOSE, found


def test_the_command_line_writes_and_verifies_them(catalog, tmp_path, capfd):
    run = run_of(experiment("gru"), tmp_path / "runs", catalog)
    formats = ("onnx", "pt2", "torch", "safetensors", "python", "model-card")
    asked = [word for name in formats for word in ("--format", name)]
    out = tmp_path / "out"
    out.mkdir()

    assert main(["export", str(run.path), *asked, "-o", str(out), "--json"]) == 0

    files = json.loads(capfd.readouterr().out.splitlines()[-1])["files"]
    differences = {file["format"]: file["max_difference"] for file in files}
    assert set(differences) == set(formats)
    assert differences.pop("model-card") is None
    assert max(differences.values()) <= CLOSE


def test_what_cannot_be_is_told_beforehand(catalog, requests):
    network = requests["gru"].network
    (words,) = format_state(catalog.exporters["litert"](), network).refusals
    assert words.startswith("LiteRT cannot hold a network over samples that differ in length")
    refusals = format_state(catalog.exporters["onnx-keras"](), network).refusals
    assert len(refusals) == 2
    assert not format_state(catalog.exporters["onnx-keras"](), requests["cnn"].network).is_possible
    assert "fixes the number of steps at gru1" in refusals[0]
    for name in ("onnx", "pt2", "keras", "keras-weights", "savedmodel", "python", "python-keras"):
        assert format_state(catalog.exporters[name](), network).is_possible, name


def test_each_sample_is_compared_together_and_alone():
    expected = np.arange(6, dtype=np.float32).reshape(2, 3)
    alone = {0: expected[:1], 1: expected[1:]}
    assert difference(Outputs(expected, 0.0, alone), expected) == 0
    assert difference(Outputs(expected, 0.0, {**alone, 1: expected[1:] + 2}), expected) == 2
    assert difference(Outputs(expected + 3, 0.0, alone), expected) == 3
    assert difference(Outputs(expected, 0.0, {0: expected}), expected) == np.inf
    steps = np.zeros((2, 5, 1), np.float32)
    noise = replace(Outputs(steps, 0.0, {0: steps[:1, :2]}), values=steps.copy())
    noise.values[0, 2:] = 9  # behind the sample's end
    assert difference(noise, steps[:, :4]) == 0
