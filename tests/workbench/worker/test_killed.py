"""A worker that is killed at any moment goes on as if nothing had happened, bit for bit."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.workbench.worker import digits_runs as runs
from workbench.document.training import EarlyStopping, Plateau
from workbench.runs import events as ev
from workbench.runs.request import Request, write_request

KILLS = int(os.environ.get("WORKBENCH_TEST_KILLS", "3"))
"""Killed so many times in the suite; a benchmark asks for more."""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = runs.run_folder(long_run(), tmp_path_factory.mktemp("whole"))
    assert runs.ended(runs.start(folder)) == (0, "")
    return folder


def long_run():
    return runs.experiment(
        epochs=12, checkpoint_seconds=0.15, accumulate=2, early_stopping=EarlyStopping(patience=50)
    )


def test_killed_again_and_again_ends_bit_identical(uninterrupted, tmp_path):
    random_moment = random.Random(os.urandom(8))
    folder = runs.run_folder(long_run(), tmp_path)
    killed_at = []
    for _ in range(KILLS):
        worker = runs.start(folder)
        before = len(runs.only(folder, ev.Started))
        runs.wait_for(lambda n=before: len(runs.only(folder, ev.Started)) > n)
        time.sleep(random_moment.uniform(0.0, 0.8))
        runs.kill(worker)
        killed_at.append(runs.only(folder, ev.Started)[-1].step)
    write_request(folder, Request(resume=True))
    assert runs.ended(runs.start(folder)) == (0, "")
    finished, wanted = runs.only(folder, ev.Finished)[-1], runs.only(uninterrupted, ev.Finished)[-1]
    assert runs.final_weights(folder) == runs.final_weights(uninterrupted), killed_at
    assert finished.metrics == wanted.metrics
    assert finished.step == wanted.step == 12 * 20


def test_curves_of_a_killed_run_are_those_of_a_whole_one(uninterrupted, tmp_path):
    from workbench.runs.state import RunState

    folder = runs.run_folder(long_run(), tmp_path)
    worker = runs.start(folder)
    runs.wait_for(lambda: len(runs.only(folder, ev.Steps)) > 6)
    runs.kill(worker)
    assert runs.ended(runs.start(folder)) == (0, "")
    states = []
    for run in (folder, uninterrupted):
        state = RunState()
        for event in runs.events(run):
            state.apply(event)
        states.append(state)
    for name in ("loss", "accuracy", "learning_rate"):
        assert list(states[0].steps[name].steps) == list(range(1, 241))
        assert states[0].steps[name].values == states[1].steps[name].values
    assert states[0].epochs["val/accuracy"].values == states[1].epochs["val/accuracy"].values
    assert states[0].epochs["train/loss"].values == states[1].epochs["train/loss"].values


def test_a_plateau_is_remembered(tmp_path, train):
    value = runs.experiment(epochs=4, schedule=Plateau(patience=0, factor=0.5, minimum_change=1.0))
    whole = runs.run_folder(value, tmp_path / "whole")
    assert train(whole) == 0
    halves = runs.run_folder(value, tmp_path / "halves")
    write_request(halves, Request(epochs=2))
    assert train(halves) == 0
    write_request(halves, Request(resume=True, epochs=4))
    assert train(halves) == 0
    rates = runs.only(whole, ev.Steps)[-1].columns["learning_rate"][-1]
    assert rates == pytest.approx(0.003 * 0.5**2)
    assert runs.final_weights(halves) == runs.final_weights(whole)
