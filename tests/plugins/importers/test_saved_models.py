"""SavedModel folders become layers or a block, compared with TensorFlow itself."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from workbench.errors import UserError
from workbench.worker.pretrained.importing import Wish, take

KEPT = Path(__file__).with_name("saved_models.zip")
"""What saved_models.py writes: TensorFlow takes long to start, and a file of its own is as real."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("saved")
    with zipfile.ZipFile(KEPT) as archive:
        archive.extractall(made)
    return made


def took(path, catalog, kept):
    return take(Wish(source=str(path), folder=kept), catalog)


def test_a_model_of_keras_becomes_layers(folder, catalog, tmp_path):
    taken = took(folder / "pictures" / "saved_model.pb", catalog, tmp_path)
    assert {"Conv2D", "DepthwiseConv2D", "GlobalAveragePool", "Dense"} <= {
        node.type for node in taken.experiment.graph.nodes
    }
    assert taken.network.nodes[0].output.shape == (12, 10, 3)
    assert taken.report.difference <= 1e-5
    text = " ".join(taken.report.lines())
    assert "the signature serving_default of the SavedModel pictures, by way of ONNX" in text
    assert "channels last" in text


def test_a_graph_that_reads_files_is_not_loaded(folder, catalog, tmp_path):
    with pytest.raises(UserError, match=r"reading is not loaded: .* \(ReadFile\)"):
        took(folder / "reading", catalog, tmp_path)


def test_what_layers_cannot_do_is_kept_as_a_block_of_onnx(folder, catalog, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # as a process has that read a Keras file before
    taken = took(folder / "sums", catalog, tmp_path)
    types = [node.type for node in taken.experiment.graph.nodes]
    assert types[:2] == ["Input", "OnnxNetwork"]
    assert taken.network.nodes[0].output.shape == (6,)
    assert "CumSum" in taken.report.whole
    assert taken.report.difference <= 1e-5  # of TensorFlow's own answers
    text = " ".join(taken.report.lines())
    assert "the signature ask of the SavedModel sums, by way of ONNX" in text
