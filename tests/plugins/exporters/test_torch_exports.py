"""Programs of torch.export and ONNX models: any batch, what they carry, choices, limits."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from plugins.exporters import onnx_file, torch_onnx
from plugins.exporters.attachments import attachments
from plugins.exporters.torch_export import TorchExportExporter
from plugins.exporters.torch_onnx import DATA_SUFFIX, TorchOnnxExporter
from plugins.exporters.torch_state import TorchStateExporter
from tests.plugins.exporters.networks import experiment, run_of
from tests.plugins.networks import compiled, make, random_array, single
from workbench.plugin_api.exporter import ExportOptions
from workbench.worker.export_request import raw_request, with_softmax
from workbench.worker.trained import open_trained


@pytest.fixture(scope="module")
def cnn(catalog, tmp_path_factory):
    """The request of a CNN."""
    return request_of("cnn", catalog, tmp_path_factory.mktemp("cnn"))


def request_of(name, catalog, folder, **options):
    run = run_of(experiment(name), folder, catalog)
    request, notes = raw_request(run, open_trained(run, catalog), catalog, ExportOptions(**options))
    assert notes == ()
    return request


def session_of(content):
    import onnxruntime

    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def asked(session, inputs):
    (given,) = session.get_inputs()
    return session.run(None, {given.name: np.ascontiguousarray(np.moveaxis(inputs, -1, 1))})[0]


def test_a_program_takes_any_batch_and_carries_the_experiment(cnn, tmp_path):
    import torch

    path = tmp_path / "cnn.pt2"
    TorchExportExporter().export(cnn, path)
    extra = dict.fromkeys(attachments(cnn), "")
    program = torch.export.load(path, extra_files=extra)
    assert extra["experiment.json"] == cnn.experiment_json
    assert json.loads(extra["classes.json"]) == list("0123456789")
    assert json.loads(extra["fitted.json"]) == cnn.fitted
    module = program.module()
    pictures = torch.from_numpy(np.moveaxis(cnn.sample_inputs, -1, 1).copy())
    for count in (1, 2, 16):
        found = module(pictures[:count]).detach().numpy()
        np.testing.assert_allclose(found, cnn.sample_outputs[:count], atol=1e-5)


@pytest.mark.parametrize("opset", [18, 25])
def test_an_onnx_model_has_the_wanted_operators_any_batch_and_the_experiment(
    cnn, catalog, opset, tmp_path
):
    from dataclasses import replace

    import onnx

    path = tmp_path / "cnn.onnx"
    TorchOnnxExporter().export(replace(cnn, options=ExportOptions(opset=opset)), path)
    model = onnx.load(path)
    assert [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")] == [opset]
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    assert metadata["experiment"] == cnn.experiment_json
    assert json.loads(metadata["classes"]) == list("0123456789")
    assert metadata["input_layout"] == "batch × channels 1 × height 8 × width 8"
    session = session_of(path.read_bytes())
    for count in (1, 16):
        found = asked(session, cnn.sample_inputs[:count])
        np.testing.assert_allclose(found, cnn.sample_outputs[:count], atol=1e-5)


def test_weights_too_large_for_one_file_lie_beside_it(cnn, tmp_path, monkeypatch):
    exporter = TorchOnnxExporter()
    assert not exporter.limits(cnn.network)
    monkeypatch.setattr(onnx_file, "LARGEST", 1000)
    (limit,) = exporter.limits(cnn.network)
    assert not limit.refuses
    path = tmp_path / "cnn.onnx"
    written = exporter.export(cnn, path)
    assert [file.name for file in written] == ["cnn.onnx", "cnn.onnx" + DATA_SUFFIX]
    assert written[1].stat().st_size > 1000
    with pytest.raises(Exception, match=DATA_SUFFIX):
        session_of(path.read_bytes())  # alone, and without knowing where it lies
    assert any(DATA_SUFFIX in note for note in exporter.notes(cnn))
    found = exporter.outputs(path, cnn.sample_inputs, cnn)
    np.testing.assert_allclose(found.values, cnn.sample_outputs, atol=1e-5)


def test_softmax_is_added_once(cnn, catalog, tmp_path):
    probable = with_softmax(cnn, catalog)
    assert [node.id for node in probable.network.nodes][-2:] == ["softmax", "output1"]
    np.testing.assert_allclose(probable.sample_outputs.sum(axis=1), 1, atol=1e-6)
    path = tmp_path / "cnn.onnx"
    TorchOnnxExporter().export(probable, path)
    found = asked(session_of(path.read_bytes()), cnn.sample_inputs)
    np.testing.assert_allclose(found, probable.sample_outputs, atol=1e-6)
    with_one = request_of("unet", catalog, tmp_path)
    assert with_softmax(with_one, catalog) is with_one


def test_a_state_dict_with_the_experiment_still_loads_as_weights_alone(cnn, tmp_path):
    import torch

    path = tmp_path / "cnn.pt"
    TorchStateExporter().export(cnn, path)
    for mapped in (False, True):
        state = torch.load(path, weights_only=True, mmap=mapped)
        kernel = cnn.weights["conv2d2/kernel"].transpose(3, 2, 0, 1)
        np.testing.assert_array_equal(state["conv2d2.weight"].numpy(), kernel)


def test_adaptive_maximum_pooling_is_written_bin_by_bin(catalog):
    """PyTorch has no ONNX for it."""
    import torch

    layer = make(catalog, "AdaptiveMaxPool2D", size=(3, 5))
    model = compiled(single(catalog, layer, [(7, 4, 2)]))
    (pictures,) = model.tensors([random_array((7, 4, 2))])
    batch = torch.export.Dim("batch")
    program = torch.export.export(model.module, (pictures,), dynamic_shapes=({0: batch},))
    written = torch.onnx.export(torch_onnx.decomposed(program), dynamo=True, verbose=False)
    buffer = io.BytesIO(written.model_proto.SerializeToString())
    session = session_of(buffer.getvalue())
    (given,) = session.get_inputs()
    found = session.run(None, {given.name: pictures.numpy()})[0]
    np.testing.assert_array_equal(found, model.module(pictures).detach().numpy())


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    availability = TorchOnnxExporter().availability()
    assert not availability.ok
    assert "neural-workbench[onnx]" in availability.install
