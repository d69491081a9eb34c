"""Runs that end after a number of steps."""

from __future__ import annotations

import msgspec
import pytest

from tests.workbench.worker import digits_runs as runs
from workbench.runs import control
from workbench.runs.request import Request, read_request, write_request
from workbench.runs.state import RunState
from workbench.worker.checkpoints import Checkpoints


def state_of(folder):
    state = RunState()
    for event in runs.events(folder):
        state.apply(event)
    return state


@pytest.mark.parametrize("steps", [7, 40, 90])
def test_a_run_is_completed_after_its_steps(tmp_path, train, steps):
    """40 is exactly one epoch, and 90 more than the two that are planned."""
    folder = runs.run_folder(runs.experiment(), tmp_path)
    write_request(folder, Request(steps=steps))
    assert train(folder) == 0
    state = state_of(folder)
    assert (state.status, state.step, state.progress) == ("completed", steps, 1.0)
    assert list(state.steps["loss"].steps) == list(range(1, steps + 1))
    assert state.epoch == steps // 40
    assert Checkpoints(folder.checkpoints).newest().progress.step == steps
    assert "test/accuracy" not in state.metrics


def test_a_resumed_run_honours_the_limit_until_more_epochs_are_asked_for(tmp_path, train):
    folder = runs.run_folder(runs.experiment(), tmp_path)
    write_request(folder, Request(steps=5))
    assert train(folder) == 0
    first = list(state_of(folder).steps["loss"].values)
    control.request_resume(folder)
    assert read_request(folder) == Request(resume=True, steps=5)
    assert train(folder) == 0
    assert state_of(folder).step == 5

    write_request(folder, msgspec.structs.replace(read_request(folder), steps=12))
    assert train(folder) == 0
    state = state_of(folder)
    assert list(state.steps["loss"].steps) == list(range(1, 13))
    assert list(state.steps["loss"].values)[:5] == first

    control.request_resume(folder, 2)
    assert read_request(folder) == Request(resume=True, epochs=2)
    assert train(folder) == 0
    state = state_of(folder)
    assert (state.status, state.step, state.epoch) == ("completed", 80, 2)
    whole = runs.run_folder(runs.experiment(), tmp_path)
    write_request(whole, Request(steps=80))
    assert train(whole) == 0
    assert list(state_of(whole).steps["loss"].values) == list(state.steps["loss"].values)
