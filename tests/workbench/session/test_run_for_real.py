"""The run session with real worker processes."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from tests.workbench.small_networks import small_experiment
from workbench.session.run import RunSession

ENDLESS = 100_000


@pytest.fixture
def open_session(catalog, tmp_path):
    opened = []

    def open_():
        session = RunSession(catalog, tmp_path / "runs")
        session.messages = []
        session.messaged.connect(session.messages.append)
        opened.append(session)
        return session

    yield open_
    for session in opened:
        if session.is_active:
            session.stop()
            session.stop()
            wait_for(session, lambda s=session: not s.is_active)
        session.close()


def wait_for(session, condition, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        session.tick()
        time.sleep(0.01)
    assert condition(), (session.status, session.messages)


def test_pause_go_on_stop_and_continue(open_session):
    run = open_session()
    run.warm_up("torch")
    run.watch(0, ("dense1",), ("dense1",))
    run.start(small_experiment(epochs=ENDLESS))
    wait_for(run, lambda: run.state.epoch >= 1 and run.state.probes)
    name = run.state.probes[-1][1]
    wait_for(run, lambda: run.snapshot(name) is not None or run.state.probes[-1][1] != name)

    run.pause()
    wait_for(run, lambda: run.status == "paused")
    step = run.state.step
    run.set_learning_rate(0.001)
    run.resume()
    wait_for(run, lambda: run.status == "training" and run.state.step > step)
    wait_for(run, lambda: run.state.steps["learning_rate"].values[-1] == pytest.approx(0.001))

    run.stop()
    wait_for(run, lambda: not run.is_active)
    assert run.status == "stopped"
    done = run.state.epoch
    run.continue_for(2)
    wait_for(run, lambda: run.status == "completed" and not run.is_active)
    assert run.state.epoch == run.state.planned_epochs == done + 2
    steps = list(run.state.steps["loss"].steps)
    assert steps == list(range(1, run.state.step + 1))
    assert [message for message in run.messages if message.severity == "error"] == []


def test_another_window_finds_the_run_and_its_killed_worker_goes_on(open_session):
    first = open_session()
    first.start(small_experiment(epochs=ENDLESS))
    wait_for(first, lambda: first.state.epoch >= 1)
    folder = first.folder
    first.close_run()
    first.close()

    second = open_session()
    second.refresh()
    wait_for(second, lambda: bool(second.runs))
    assert second.runs[0].running
    second.open(folder)
    assert second.is_active
    wait_for(second, lambda: second.state.step > 0)
    pid = second.state.pid
    os.kill(pid, signal.SIGKILL)
    wait_for(second, lambda: second.status == "interrupted")
    wait_for(second, lambda: not psutil.pid_exists(pid))
    second.resume()
    wait_for(second, lambda: second.status == "training" and second.state.pid != pid)
    second.stop()
    wait_for(second, lambda: not second.is_active)
    assert second.status == "stopped"
    steps = list(second.state.steps["loss"].steps)
    assert steps == list(range(1, second.state.step + 1))
