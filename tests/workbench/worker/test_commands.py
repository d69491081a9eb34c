"""A worker of its own, told what to do through its run folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.workbench.worker import digits_runs as runs
from workbench.runs import commands as cmd
from workbench.runs import events as ev
from workbench.runs.control import is_running, request_resume, send
from workbench.runs.probes import read_snapshot
from workbench.worker.checkpoints import Checkpoints


@pytest.fixture
def endless(tmp_path):
    """A worker that trains until it is told to stop."""
    folder = runs.run_folder(runs.experiment(epochs=2000), tmp_path)
    worker = runs.start(folder)
    runs.wait_for(lambda: runs.only(folder, ev.Steps))
    yield folder, worker
    if worker.poll() is None:
        runs.kill(worker)


def test_pause_rate_watch_resume_and_stop(endless):
    folder, worker = endless
    send(folder, cmd.Pause())
    assert runs.wait_for(lambda: runs.only(folder, ev.Paused)) < 5.0
    paused = runs.only(folder, ev.Paused)[0].step
    assert Checkpoints(folder.checkpoints).find("last").progress.step == paused

    send(folder, cmd.SetLearningRate(learning_rate=1e-5))
    runs.wait_for(lambda: runs.only(folder, ev.LearningRateChanged))
    shown = len(runs.only(folder, ev.Probed))
    send(folder, cmd.Watch(sample=3, layers=("conv1", "dense1"), thumbnails=("pool1",)))
    runs.wait_for(lambda: len(runs.only(folder, ev.Probed)) > shown)
    snapshot = read_snapshot(folder.probes / runs.only(folder, ev.Probed)[-1].name)
    assert (snapshot.sample, snapshot.step) == (3, paused)
    assert snapshot.layers["conv1"].maps.shape == (8, 8, 8)
    assert snapshot.thumbnails["pool1"].shape == (4, 4)
    assert {"conv1/kernel", "dense1/bias"} <= set(snapshot.histograms)
    assert snapshot.picture.shape == (8, 8, 3)
    assert runs.only(folder, ev.Steps)[-1].first <= paused  # nothing is trained meanwhile

    send(folder, cmd.Resume())
    runs.wait_for(lambda: runs.only(folder, ev.Continued))
    runs.wait_for(lambda: runs.only(folder, ev.Steps)[-1].first > paused)
    assert runs.only(folder, ev.Steps)[-1].columns["learning_rate"][0] <= 1e-5

    send(folder, cmd.Stop())
    assert runs.ended(worker) == (0, "")
    finished = runs.only(folder, ev.Finished)[0]
    assert finished.reason == "stopped"
    last = Checkpoints(folder.checkpoints).find("last")
    assert (last.progress.step, last.progress.learning_rate) == (finished.step, 1e-5)
    assert not is_running(folder)


def test_sigterm_stops_and_the_run_goes_on_from_there(endless):
    folder, worker = endless
    worker.send_signal(signal.SIGTERM)
    assert runs.ended(worker) == (0, "")
    assert runs.only(folder, ev.Finished)[0].reason == "stopped"
    step = runs.only(folder, ev.Finished)[0].step
    request_resume(folder)
    again = runs.start(folder)
    runs.wait_for(lambda: len(runs.only(folder, ev.Started)) == 2)
    assert runs.only(folder, ev.Started)[1].step == step
    second = runs.start(folder)
    code, said = runs.ended(second)
    assert code == 4
    assert "another worker" in said
    again.send_signal(signal.SIGINT)
    assert runs.ended(again)[0] == 0


def test_a_warm_worker_takes_a_folder_from_stdin_or_goes(tmp_path):
    folder = runs.run_folder(runs.experiment(epochs=1), tmp_path)
    command = [sys.executable, "-m", "workbench.worker", "--wait", "torch"]
    streams = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": os.environ}
    idle = subprocess.Popen(command, **streams)
    busy = subprocess.Popen(command, **streams)
    busy.communicate(f"{folder.path}\n".encode(), timeout=120)
    idle.communicate(timeout=120)
    assert (idle.returncode, busy.returncode) == (0, 0)
    assert runs.only(folder, ev.Finished)[0].reason == "completed"
    assert folder.stderr.exists()
