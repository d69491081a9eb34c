"""A run goes on in another backend as a run of its own; the old one stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock

from tests.workbench.worker.digits_runs import experiment
from workbench.document.files import load
from workbench.errors import UserError
from workbench.runs import control, store
from workbench.runs import events as ev
from workbench.runs.log import LineTail
from workbench.runs.request import read_request
from workbench.runs.state import RunState
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.eventlog import EventLog
from workbench.worker.progress import Progress

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder


@pytest.fixture
def old(tmp_path) -> RunFolder:
    """A run that was stopped after an epoch of two steps, and has said three."""
    from workbench.plugin_api.backend import ModelState

    folder = control.create_run(experiment(epochs=3), tmp_path / "runs")
    weights = {"dense1/kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}
    state = ModelState({}, {"backend": "torch"})
    progress = Progress(epochs=3, learning_rate=0.1)
    progress.step, progress.epoch = 2, 1
    Checkpoints(folder.checkpoints).save(weights, state, progress)
    log = EventLog(folder)
    about = {"step": 0, "epoch": 0, "epochs": 3, "steps_per_epoch": 2, "samples_per_epoch": 8}
    log.write(ev.Started, **about, backend="torch", device="cpu", pid=1)
    columns = {"loss": [3.0, 2.0, 1.0]}
    log.write(ev.Steps, first=1, columns=columns, samples_per_second=9.0)
    log.write(ev.EpochFinished, epoch=1, step=2, metrics={"val/loss": 2.5}, seconds=1.0)
    log.write(ev.Finished, step=3, reason="stopped", metrics={})
    log.close()
    folder.info.write_text('{"info": {}, "fitted": {}}')
    folder.results.mkdir()
    (folder.results / "validation.safetensors").write_bytes(b"results")
    (folder.checkpoints / ".step-000003.part").mkdir()
    return folder


def content(folder: RunFolder) -> dict[str, bytes]:
    found = (path for path in folder.path.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in found}


def test_everything_that_goes_on_is_copied_and_nothing_is_changed(old, tmp_path):
    before = content(old)
    new = control.continue_elsewhere(old, "keras-jax", tmp_path / "runs", 5)
    assert content(old) == before
    assert new.path != old.path
    was, now = load(old.experiment), load(new.experiment)
    assert (now.training.backend, now.training.device) == ("keras-jax", "cpu")
    assert (now.graph, now.seed, now.data) == (was.graph, was.seed, was.data)
    found = Checkpoints(new.checkpoints).newest()
    assert found.progress.step == 2
    assert found.weights["dense1/kernel"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (new.results / "validation.safetensors").read_bytes() == b"results"
    assert new.info.read_bytes() == old.info.read_bytes()
    assert not list(new.checkpoints.glob(".*"))
    request = read_request(new)
    assert (request.resume, request.epochs) == (True, 5)


def test_the_new_run_says_where_it_comes_from_and_is_the_newest(old, tmp_path):
    new = control.continue_elsewhere(old, "keras-jax", tmp_path / "runs")
    state = RunState()
    for line in LineTail(new.events).read():
        state.apply(ev.decode(line))
    noted = next(line for line in state.journal if line.severity == "info")
    assert noted.text == f"A continuation of {old.name}."
    assert list(state.steps["loss"].values) == [3.0, 2.0, 1.0]
    assert state.epoch == 1
    assert store.find_run("last", tmp_path / "runs") == new
    assert read_request(new).epochs is None


def test_its_own_weights_to_start_from_go_along(old, tmp_path):
    old.start.write_bytes(b"weights")
    document = old.experiment.read_text().replace(
        '"start": null',
        f'"start": {{"name": "a.pt", "file": "/gone/a", "sha256": "{"0" * 64}"}}',
    )
    old.experiment.write_text(document)
    new = control.continue_elsewhere(old, "keras-jax", tmp_path / "runs")
    assert new.start.read_bytes() == b"weights"


def test_a_running_one_and_one_without_checkpoint_are_refused(old, tmp_path):
    with FileLock(old.lock), pytest.raises(UserError, match="is running"):
        control.continue_elsewhere(old, "keras-jax", tmp_path / "runs")
    fresh = control.create_run(experiment(), tmp_path / "runs")
    with pytest.raises(UserError, match="no checkpoint"):
        control.continue_elsewhere(fresh, "keras-jax", tmp_path / "runs")
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_what_cannot_be_copied_leaves_nothing_behind(old, tmp_path):
    old.events.unlink()
    with pytest.raises(UserError):
        control.continue_elsewhere(old, "keras-jax", tmp_path / "runs")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [old.name]
