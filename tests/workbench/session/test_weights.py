"""Loading weights asks a real process of its own, edits once, and can be undone."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.workbench.small_networks import small_experiment
from workbench import preferences
from workbench.document.edits import rename, set_parameter
from workbench.document.files import dumps
from workbench.errors import UserError
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.session.document import DocumentSession
from workbench.session.weights import StartingFit, WeightsLoading, set_start

INFO = DataInfo(input=TensorType((8, 8, 1)), classes=tuple("0123456789"))


@pytest.fixture
def document(catalog) -> DocumentSession:
    made = DocumentSession(catalog)
    made.set_info(INFO)
    made.replace(small_experiment())
    return made


@pytest.fixture
def file(tmp_path, document):
    specs = document.report.network.weight_specs()
    arrays = {name: np.ones(spec.shape, np.float32) for name, spec in specs.items()}
    save_file(arrays, tmp_path / "ones.safetensors")
    return tmp_path / "ones.safetensors"


@pytest.fixture
def loading(document):
    made = WeightsLoading(document, INFO)
    yield made
    made.close()


def wait(loading: WeightsLoading) -> None:
    until = time.monotonic() + 60
    while loading.is_busy:
        assert time.monotonic() < until
        loading.tick()
        time.sleep(0.01)


def test_a_file_is_looked_at_and_then_loaded_undoably(loading, document, file):
    before = document.experiment
    loading.look(file, "name")
    wait(loading)
    assert loading.report.is_complete
    assert document.experiment is before
    loading.load(partial=False)
    wait(loading)
    start = document.experiment.start
    assert start.name == "ones.safetensors"
    assert Path(start.file).parent == preferences.weights_folder()
    assert document.undo_title == "Load weights from ones.safetensors"
    document.undo()
    assert document.experiment == before
    document.redo()
    assert document.experiment.start == start
    set_start(document, None)
    assert document.experiment.start is None
    assert document.undo_title == "Start from the seed"


def test_what_is_wrong_is_told_and_nothing_changes(loading, document, tmp_path):
    (tmp_path / "evil.pt").write_bytes(b"\x80\x02cos\nsystem\nq\x00X\x04\x00\x00\x00echo\x85R.")
    loading.look(tmp_path / "evil.pt", "name")
    loading.look(tmp_path / "gone.pt", "name")  # the first question is dropped
    wait(loading)
    assert "gone.pt does not exist" in loading.error.message
    loading.look(tmp_path / "evil.pt", "name")
    wait(loading)
    assert "more than weights" in loading.error.message
    loading.load(partial=True)
    assert not loading.is_busy
    assert document.experiment.start is None


def test_the_fit_follows_the_network(loading, document, file, home):
    fit = StartingFit()
    assert fit.of(document) is None
    loading.look(file, "name")
    wait(loading)
    loading.load(partial=False)
    wait(loading)
    assert len(fit.of(document).used) == 4
    document.edit(lambda e: rename(e, "dense1", "first"), "Rename")
    document.edit(lambda e: set_parameter(e, "dense2", "units", 7), "Units")
    found = fit.of(document)
    assert found.used == ("first/kernel", "first/bias")
    assert found.names["first/kernel"] == "dense1/kernel"
    assert found.drawn == ("dense2/kernel", "dense2/bias")
    Path(document.experiment.start.file).unlink()
    with pytest.raises(UserError, match="are gone"):
        StartingFit().of(document)


def test_an_experiment_opens_out_of_an_export_without_a_file(document, tmp_path):
    path = tmp_path / "trained.safetensors"
    metadata = {"experiment": dumps(small_experiment()).decode()}
    save_file({"dense1/bias": np.zeros(32, np.float32)}, path, metadata)
    document.open(path)
    assert document.experiment == small_experiment()
    assert document.path is None
    assert not document.is_saved
    with pytest.raises(UserError, match="no file yet"):
        document.save()
