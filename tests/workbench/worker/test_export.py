"""The engine of exports: several formats, failures beside successes, nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest

from tests.plugins.exporters.networks import ENVIRONMENT, experiment, run_of
from workbench.analysis.exports import formats, limits
from workbench.document.edits import set_training
from workbench.errors import UserError
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.exporter import ExportOptions, Limit, Outputs
from workbench.runs.exports import Doing, Failed, Written, decode, encode
from workbench.worker import export as exporting
from workbench.worker import trained
from workbench.worker.export import export_run, targets
from workbench.worker.export_request import raw_request
from workbench.worker.trained import open_design, open_trained

REFUSAL = Limit(message="It has a layer that safetensors cannot hold.", node="dense1", refuses=True)


@pytest.fixture(scope="module")
def run(catalog, tmp_path_factory):
    """A run of the multi-layer perceptron."""
    return run_of(experiment("mlp"), tmp_path_factory.mktemp("runs"), catalog)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_that_fails_does_not_lose_the_others(run, catalog, tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("no kernel for this\nand a long story")

    monkeypatch.setattr(catalog.exporters["torch"], "export", fails)
    events = []
    wanted = targets(("safetensors", "torch", "model-card"), tmp_path, "digits", catalog)
    report = export_run(run, wanted, catalog, verify=False, progress=events.append)
    assert [file.format for file in report.files] == ["safetensors", "model-card"]
    (failure,) = report.failed
    assert (
        failure.message == "PyTorch state dict cannot be written: RuntimeError: no kernel for this."
    )
    assert names(tmp_path) == ["digits.md", "digits.safetensors"]
    assert [type(event) for event in events] == [
        Doing,
        Doing,
        Written,
        Doing,
        Failed,
        Doing,
        Written,
    ]
    assert [event.done for event in events if isinstance(event, Doing)] == [0, 0, 1, 2]
    assert [decode(encode(event)) for event in events] == events


def test_refusals_and_missing_packages_are_told_before_anything_is_written(
    run, catalog, tmp_path, monkeypatch
):
    network = open_design(run, catalog).network
    monkeypatch.setattr(catalog.exporters["safetensors"], "limits", lambda *_: (REFUSAL,))
    missing = Availability(False, "PyTorch is not installed.", "pip install torch")
    monkeypatch.setattr(catalog.exporters["torch"], "availability", lambda _: missing)
    assert limits(network, catalog)["safetensors"] == (REFUSAL,)
    states = {state.format: state for state in formats(catalog, network)}
    assert states["safetensors"].refusals == (REFUSAL.message,)
    assert not states["torch"].is_possible
    assert states["model-card"].is_possible
    wanted = targets(("model-card", "safetensors", "torch"), tmp_path, "digits", catalog)
    with pytest.raises(UserError, match="safetensors cannot hold"):
        export_run(run, wanted, catalog)
    with pytest.raises(UserError, match="pip install torch"):
        export_run(run, wanted[::2], catalog)
    assert names(tmp_path) == []
    report = export_run(run, wanted, catalog, keep_going=True)
    assert [file.format for file in report.files] == ["model-card"]
    assert [failure.format for failure in report.failed] == ["safetensors", "torch"]
    assert names(tmp_path) == ["digits.md"]


def test_whatever_progress_raises_ends_the_export_and_leaves_nothing_unfinished(
    run, catalog, tmp_path
):
    def cancel(event):
        if isinstance(event, Doing) and event.message == "Checking digits.pt":
            raise KeyboardInterrupt

    wanted = targets(("model-card", "torch"), tmp_path, "digits", catalog)
    with pytest.raises(KeyboardInterrupt):
        export_run(run, wanted, catalog, progress=cancel)
    assert names(tmp_path) == ["digits.md"]


def test_softmax_is_for_files_that_compute(run, catalog, tmp_path, monkeypatch):
    asked = {}

    def answers(self, path, inputs, request):
        asked[self.id] = request.sample_outputs
        return Outputs(request.sample_outputs, 0.0)

    for name in ("python", "torch"):
        monkeypatch.setattr(catalog.exporters[name], "outputs", answers)
    wanted = targets(("python", "torch"), tmp_path, "digits", catalog)
    report = export_run(run, wanted, catalog, options=ExportOptions(softmax=True))
    assert report.failed == []
    np.testing.assert_allclose(asked["python"].sum(axis=1), 1, atol=1e-6)
    assert np.abs(asked["torch"].sum(axis=1) - 1).max() > 1e-2
    assert "softmax" in (tmp_path / "digits.py").read_text()


def test_metrics_and_versions_come_from_the_run(run, catalog):
    request, _ = raw_request(run, open_trained(run, catalog), catalog, ExportOptions())
    assert request.metrics == {"train/loss": 0.5, "val/accuracy": 0.91, "test/accuracy": 0.925}
    assert request.environment == ENVIRONMENT
    assert request.sample_inputs.shape == (16, 8, 8, 1)


def test_a_backend_that_is_missing_is_replaced_by_one_that_is_there(catalog, monkeypatch):
    wanted = set_training(experiment("mlp"), backend="keras-jax")
    assert trained._backend(wanted, catalog, "", False).id == "keras-jax"
    gone = Availability(False, "Gone.")
    for name in ("keras-jax", "keras-tensorflow", "keras-torch"):
        monkeypatch.setattr(catalog.backends[name], "availability", lambda _: gone)
    assert trained._backend(wanted, catalog, "", False).id == "torch"


def test_files_that_would_meet_are_told_apart(catalog, tmp_path):
    wanted = targets(("onnx", "onnx-keras", "safetensors", "python"), tmp_path, "net", catalog)
    assert [path.name for _, path in wanted] == [
        "net-onnx.onnx",
        "net-onnx-keras.onnx",
        "net.safetensors",
        "net-python.py",
    ]


def test_an_earlier_folder_is_replaced_and_a_foreign_one_left_alone(
    run, catalog, tmp_path, monkeypatch
):
    def writes(self, request, path):
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"new")
        return (path,)

    kind = catalog.exporters["savedmodel"]
    monkeypatch.setattr(kind, "export", writes)
    monkeypatch.setattr(kind, "availability", lambda _: Availability(True))
    monkeypatch.setattr(kind, "limits", lambda *_: ())
    place = tmp_path / run.name
    place.mkdir()
    (place / "saved_model.pb").write_bytes(b"old")
    assert not export_run(run, [("savedmodel", tmp_path)], catalog, verify=False).failed
    assert (place / "saved_model.pb").read_bytes() == b"new"
    (place / "letters.txt").write_text("mine")
    (failure,) = export_run(run, [("savedmodel", tmp_path)], catalog, verify=False).failed
    assert "holds other files" in failure.message
    assert names(place) == ["letters.txt", "saved_model.pb"]
    assert names(tmp_path) == [run.name]


def test_a_full_disk_is_told_and_leaves_nothing(run, catalog, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (failure,) = export_run(run, [("torch", tmp_path / "a.pt")], catalog, verify=False).failed
    assert failure.message == "The disk is full; a.pt was not written."
    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_written_to_is_told(run, catalog, tmp_path, monkeypatch):
    make = tempfile.mkdtemp

    def forbidden(suffix=None, prefix=None, dir=None):
        if dir == tmp_path:
            raise PermissionError(13, "Permission denied")
        return make(suffix, prefix, dir)

    monkeypatch.setattr(exporting.tempfile, "mkdtemp", forbidden)
    (failure,) = export_run(run, [("model-card", tmp_path / "a.md")], catalog).failed
    assert failure.message == f"{tmp_path} cannot be written to."


def test_the_command_is_cancelled_by_a_signal_with_its_children(run, tmp_path):
    command = [sys.executable, "-m", "workbench", "export", str(run.path), "--json", "--progress"]
    command += ["--format", "model-card", "--format", "torch", "-o", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "Checking" in line and decode(line.encode()).format == "torch":
                break
        time.sleep(0.5)
        children = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "Interrupted" in rest
    assert children
    assert not [pid for pid in children if alive(pid)]
    assert names(tmp_path) == [f"{run.name}.md"]


def children_of(pid):
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def alive(pid):
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
