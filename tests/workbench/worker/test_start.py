"""A run starts from loaded weights where they fit, and says where the rest comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.workbench.worker.digits_runs import experiment
from workbench.analysis.problems import check
from workbench.document.edits import (
    connect,
    paste,
    remove_nodes,
    rename,
    replace,
    set_parameter,
)
from workbench.errors import UserError
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.runs import control
from workbench.runs import events as ev
from workbench.runs.log import LineTail
from workbench.runs.start import fit
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.initial import initial_weights
from workbench.worker.start import first_weights
from workbench.worker.weights.loading import load_weights

INFO = DataInfo(input=TensorType((8, 8, 1)), classes=tuple("0123456789"))


@pytest.fixture
def started(tmp_path, catalog):
    """An experiment that starts from weights which are the numbers of their own places."""
    from safetensors.numpy import save_file

    plain = experiment(epochs=1)
    network = check(plain, catalog, INFO).network
    given = {
        name: np.linspace(-0.1, 0.1, spec.size, dtype=np.float32).reshape(spec.shape)
        for name, spec in network.weight_specs().items()
    }
    save_file(given, tmp_path / "given.safetensors")
    (tmp_path / "kept").mkdir()
    _, start = load_weights(tmp_path / "given.safetensors", network, catalog, tmp_path / "kept")
    return replace(plain, start=start)


def network_of(design, catalog):
    return check(design, catalog, INFO).network


def test_training_begins_with_what_was_loaded(started, tmp_path, catalog):
    folder = control.create_run(started, tmp_path / "runs")
    weights, told = first_weights(network_of(started, catalog), started, folder)
    given = load_file(started.start.file)
    assert all((weights[name] == array).all() for name, array in given.items())
    assert told == "Training starts from given.safetensors: 8 of 8 weights."


def test_after_edits_what_fits_is_used_and_the_rest_is_drawn(started, tmp_path, catalog):
    edited = set_parameter(rename(started, "conv1", "first"), "dense1", "units", 12)
    folder = control.create_run(edited, tmp_path / "runs")
    network = network_of(edited, catalog)
    weights, told = first_weights(network, edited, folder)
    drawn = initial_weights(network, edited.seed)
    given = load_file(started.start.file)
    for name in ("dense1/kernel", "dense1/bias"):
        assert (weights[name] == drawn[name]).all()
    assert (weights["first/kernel"] == given["conv1/kernel"]).all()  # it was only renamed
    assert (weights["norm1/gamma"] == given["norm1/gamma"]).all()
    assert told == (
        "Training starts from given.safetensors: 6 of 8 weights. "
        "From the seed: dense1/kernel, dense1/bias. "
        "Without a place in the network: dense1/bias, dense1/kernel."
    )


def test_a_name_that_is_taken_again_does_not_take_the_weights_with_it(started, catalog):
    shapes = {name: array.shape for name, array in load_file(started.start.file).items()}

    def found(experiment):
        return fit(network_of(experiment, catalog), shapes, experiment.start.names)

    renamed = rename(started, "conv1", "first")
    copied, (copy,) = paste(renamed, [renamed.graph["first"]])
    named = rename(copied, copy, "conv1")
    named = connect(named, "input1", "conv1", 0)
    assert found(named).names["first/kernel"] == "conv1/kernel"
    assert "conv1/kernel" in found(named).drawn
    gone = remove_nodes(renamed, ["first"])
    assert "conv1/kernel" in found(gone).spare
    back = rename(renamed, "first", "conv1")
    assert back.start.names == {}
    swapped = rename(rename(rename(started, "conv1", "x"), "norm1", "conv1"), "x", "norm1")
    assert found(swapped).names["norm1/kernel"] == "conv1/kernel"
    assert found(swapped).names["conv1/gamma"] == "norm1/gamma"


def test_a_real_run_starts_there_and_needs_no_other_file(started, tmp_path, train):
    folder = control.create_run(started, tmp_path / "runs")
    Path(started.start.file).unlink()
    assert train(folder) == 0
    events = [ev.decode(line) for line in LineTail(folder.events).read()]
    notes = [event for event in events if isinstance(event, ev.Noted)]
    assert [note.message for note in notes if "starts from" in note.message] == [
        "Training starts from given.safetensors: 8 of 8 weights."
    ]
    first = next(event for event in events if isinstance(event, ev.Steps))
    assert first.first == 1
    assert Checkpoints(folder.checkpoints).newest() is not None


def test_another_content_is_refused(started, tmp_path, catalog):
    folder = control.create_run(started, tmp_path / "runs")
    content = bytearray(folder.start.read_bytes())
    content[-1] ^= 1
    folder.start.unlink()
    network = network_of(started, catalog)
    with pytest.raises(UserError, match="cannot be read"):
        first_weights(network, started, folder)
    folder.start.write_bytes(content)
    with pytest.raises(UserError, match=r"does not hold the weights .* given\.safetensors"):
        first_weights(network, started, folder)


def test_a_run_cannot_be_made_when_the_weights_are_gone(started, tmp_path):
    Path(started.start.file).unlink()
    with pytest.raises(UserError, match=r"“given\.safetensors”, are gone") as caught:
        control.create_run(started, tmp_path / "runs")
    assert "Load them again" in caught.value.hint
    assert not (tmp_path / "runs").exists()
