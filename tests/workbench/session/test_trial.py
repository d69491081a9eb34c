"""The session's end of the inspecting process, with the real one behind it."""

from __future__ import annotations

import time

import pytest

from tests.workbench import inspected
from workbench.inspecting.network import TypedText
from workbench.session.run import RunSession
from workbench.session.trial import COMMAND, Trial


@pytest.fixture(scope="module")
def folders(catalog, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    folder = inspected.write_texts(tmp_path_factory.mktemp("texts") / "texts", 12)
    experiment = inspected.transformer(folder)
    return [inspected.trained(experiment, runs, catalog) for _ in range(2)]


@pytest.fixture
def run(catalog, folders):
    session = RunSession(catalog, folders[0].path.parent)
    yield session
    session.close()


@pytest.fixture
def trial(run):
    made = Trial(run)
    yield made
    made.close()


def wait(trial, seconds=60.0):
    deadline = time.monotonic() + seconds
    while trial.doing and time.monotonic() < deadline:
        trial.tick()
        time.sleep(0.01)
    assert not trial.doing


def test_answer_and_explanation_come_and_another_run_answers_anew(run, trial, folders):
    assert trial._helper._process is None
    run.open(folders[0])
    assert trial._helper._process is None
    trial.begin()
    wait(trial)
    assert trial.loaded.kind == "texts"
    trial.ask(TypedText("a superb film"))
    wait(trial)
    assert trial.answered.targets
    assert len(trial.explained.values.unpack()) == 3
    trial.explain(trial.answered.targets[1])
    wait(trial)
    assert trial.explained.target == trial.answered.targets[1]
    process = trial._helper._process

    run.open(folders[1])
    assert trial.answered is None
    wait(trial)
    assert trial.loaded.network.run == str(folders[1].path)
    assert trial.answered is not None
    assert trial._helper._process is process
    trial.close()
    assert process.poll() is not None


def test_refusals_become_messages_and_nothing_stays_busy(run, trial, folders, tmp_path):
    said = []
    trial.messaged.connect(said.append)
    run.open(folders[0])
    trial.begin()
    trial.ask(TypedText("   "))
    wait(trial)
    assert [message.text for message in said] == ["The text is empty."]
    assert trial.answered is None
    trial.forget()
    run.close_run()
    trial.begin()
    assert (trial.doing, trial.loaded, trial.error) == ("", None, None)


def test_a_process_that_dies_is_replaced_once(run, folders):
    trial = Trial(run, (COMMAND[0], "-c", "import sys; sys.stdin.buffer.read(1); sys.exit(3)"))
    run.open(folders[0])
    trial.begin()
    wait(trial)
    assert trial.error.message == "The process that answers for the network ended unexpectedly."
    trial.close()
