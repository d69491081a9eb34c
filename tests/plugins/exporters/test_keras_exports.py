"""Files that Keras writes, loaded by their own runtimes in a fresh process; what they carry."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plugins.exporters import child, keras_program
from plugins.exporters.isolation import run_folders
from plugins.exporters.keras_file import KerasFileExporter
from plugins.exporters.keras_onnx import KerasOnnxExporter
from plugins.exporters.keras_script import KerasScriptExporter
from plugins.exporters.keras_weights import KerasWeightsExporter
from plugins.exporters.litert import LiteRTExporter
from plugins.exporters.saved_model import SavedModelExporter
from tests.plugins.exporters.keras_batches import THREADS, differences, requests, written
from tests.plugins.networks import make, single
from workbench.document.exports import experiment_in
from workbench.errors import UserError

NAMES = ["mlp", "cnn", "residual", "unet", "separable", "custom", "probable"]


@pytest.fixture
def found(catalog, tmp_path):
    return requests(catalog, tmp_path / "runs")


def check(exporters, found, folder):
    """Write and ask all; return the files."""
    files = written(exporters, found, folder)
    errors = differences(exporters, found, files, folder)
    assert len(errors) == len(exporters) * len(NAMES)
    assert {pair: error for pair, error in errors.items() if not error <= 1e-5} == {}
    carried = {name: experiment_in(path) for (_, name), path in files.items()}
    assert carried == {name: request.experiment for name, request in found.items()}
    return files


def test_keras_files_weights_and_scripts(found, tmp_path):
    exporters = [KerasFileExporter(), KerasWeightsExporter(), KerasScriptExporter()]
    files = check(exporters, found, tmp_path)
    with zipfile.ZipFile(files["keras", "cnn"]) as archive:
        assert json.loads(archive.read("neural-workbench/fitted.json")) == found["cnn"].fitted
    import h5py

    with h5py.File(files["keras-weights", "cnn"]) as file:
        assert json.loads(file.attrs["classes"]) == list("0123456789")
    a_layer_that_keras_lacks(files["keras", "custom"], found["custom"], tmp_path)
    a_script_alone(files["python-keras", "cnn"], found["cnn"], tmp_path)


def a_layer_that_keras_lacks(path, request, folder):
    (limit,) = KerasFileExporter().limits(request.network)
    assert (limit.node, limit.refuses) == ("glu1", False)
    assert path.with_name("custom_layers.py").is_file()
    place = folder / "without"
    place.mkdir()
    load = f"import keras\nkeras.models.load_model({str(path)!r})\n"
    (place / "main.py").write_text(load)
    (failure,) = run_folders([place], environment=KerasFileExporter().environment() | THREADS)
    assert "GLU" in failure


def a_script_alone(path, request, folder):
    """Answers a picture, and is formatted as people write."""
    from PIL import Image

    picture = folder / "digit.png"
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(picture)
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", str(path), str(picture)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**kept, **KerasScriptExporter().environment(), **THREADS},
    )
    name, first, *_ = done.stdout.split("\t")
    assert name == str(picture)
    label, share, _ = first.split()
    assert label in request.info.classes
    assert 10 <= float(share) <= 100
    for command in (["format", "--check"], ["check", "--select", "E,F,I"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length=100"]
        subprocess.run([*ruff, path.name], cwd=path.parent, check=True, capture_output=True)


def test_saved_models_and_litert(found, tmp_path):
    files = check([SavedModelExporter(), LiteRTExporter()], found, tmp_path)
    with zipfile.ZipFile(files["litert", "cnn"]) as archive:
        assert archive.read("labels.txt").decode().split() == list("0123456789")
    place = tmp_path / "signature"
    place.mkdir()
    (place / "main.py").write_text(_SIGNATURE.format(file=str(files["savedmodel", "cnn"])))
    assert run_folders([place], environment=SavedModelExporter().environment()) == [""]


_SIGNATURE = """
import tensorflow as tf

model = tf.saved_model.load({file!r})
given = model.signatures["serving_default"].structured_input_signature[1]["inputs"]
assert given.shape.as_list() == [None, 8, 8, 1], given
"""


def test_onnx_with_channels_last(found, tmp_path):
    files = check([KerasOnnxExporter()], found, tmp_path)
    import onnx

    model = onnx.load(files["onnx-keras", "cnn"])
    sizes = [axis.dim_value or "any" for axis in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["any", 8, 8, 1]
    properties = {prop.key: prop.value for prop in model.metadata_props}
    assert properties["input_layout"] == "batch × height 8 × width 8 × channels 1"
    assert json.loads(properties["classes"]) == list("0123456789")


def test_what_a_converter_says_is_told_and_nothing_is_left(catalog, found, tmp_path, monkeypatch):
    monkeypatch.setattr(KerasFileExporter, "writes", "floppy")
    path = tmp_path / "cnn.keras"
    with pytest.raises(UserError, match="could not be written for this network") as caught:
        KerasFileExporter().export(found["cnn"], path)
    assert caught.value.hint == "KeyError: 'floppy'"
    assert not path.exists()


def test_weights_of_another_shape_are_told(found, tmp_path):
    weights = {**found["mlp"].weights, "dense1/kernel": np.zeros((3, 32), np.float32)}
    with pytest.raises(UserError) as caught:
        KerasWeightsExporter().export(replace(found["mlp"], weights=weights), tmp_path / "w.h5")
    assert caught.value.hint.endswith("dense1/kernel has the shape (3, 32), not (64, 32)")


@pytest.mark.parametrize(
    ("kind", "params", "shape"),
    [
        ("MaxPool3D", {}, (6, 6, 6, 2)),
        ("AveragePool3D", {}, (6, 6, 6, 2)),
        ("Conv3D", {"dilation": (1, 2, 1)}, (6, 6, 6, 2)),
        ("Conv3D", {"groups": 2}, (6, 6, 6, 2)),
        ("ConvTranspose1D", {"stride": 1, "dilation": 2}, (6, 2)),
        ("ConvTranspose2D", {"stride": (1, 1), "dilation": (2, 2)}, (6, 6, 2)),
        ("PReLU", {}, (6, 6, 6, 2)),
        ("Upsample2D", {"interpolation": "bicubic"}, (6, 6, 2)),
        ("Resize", {"antialias": True}, (6, 6, 2)),
    ],
)
def test_what_litert_lacks_is_refused_beforehand(kind, params, shape, catalog):
    (limit,) = LiteRTExporter().limits(single(catalog, make(catalog, kind, **params), [shape]))
    assert limit.refuses
    assert limit.node == "layer"


def test_what_litert_has_is_not_refused(catalog):
    for kind, shape in (("Conv3D", (6, 6, 6, 2)), ("PReLU", (6, 6, 2)), ("Resize", (6, 6, 2))):
        assert not LiteRTExporter().limits(single(catalog, make(catalog, kind), [shape]))


def test_programs_import_nothing_of_ours():
    for module in (child, keras_program):
        tree = ast.parse(Path(module.__file__).read_text())
        imported = {
            name.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for name in node.names
        } | {
            node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        assert not imported & {"workbench", "plugins", "widgets", "resources"}
