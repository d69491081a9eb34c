"""Samples of the data one after the other, and the search for similar ones; who waits for what."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from psygnal import Signal

from workbench.document.experiment import Component, Data, Experiment
from workbench.inspecting.answers import Answered, Ask, Explain, Explained, Seen
from workbench.inspecting.network import Array, DataSample, Load, Loaded, Network, Progressed
from workbench.reading import Refused
from workbench.session.correcting import Correcting
from workbench.session.document import DocumentSession
from workbench.session.examination import Examination
from workbench.session.similarity import Similarity

NETWORK = Network(run="/runs/one")


class Run:
    opened = Signal()
    folder = SimpleNamespace(path="/runs/one")


class Trial:
    """Keeps what is asked of the process."""

    network = NETWORK

    def __init__(self) -> None:
        self.asked: list = []
        self.withdrawn: list = []

    def consult(self, request, done):
        self.asked.append((request, done))
        return len(self.asked)

    def withdraw(self, number, patience=0.0):
        self.withdrawn.append((number, patience))

    @property
    def last(self):
        return self.asked[-1][0]

    def answer(self, reply, /, **fields):
        self.asked[-1][1](reply(id=len(self.asked), **fields))


@pytest.fixture
def trial():
    return Trial()


@pytest.fixture
def run():
    return Run()


@pytest.fixture
def examination(run, trial):
    return Examination(run, trial)


def load(trial):
    trial.answer(Loaded, network=NETWORK, step=9, kind="pictures", classes=("a", "b", "c"))


def answer(trial, targets=(2, 0, 1), truth=0):
    names = tuple("abc"[target] for target in targets)
    trial.answer(
        Answered,
        step=9,
        seen=Seen(),
        targets=targets,
        labels=names,
        probabilities=(0.5, 0.3, 0.2),
        truth=truth,
    )


def explain(trial):
    target = trial.last.target
    given = {"values": Array.of(np.zeros((1, 1))), "score": 1.0, "baseline": 0.0, "error": 0.0}
    trial.answer(Explained, target=target, label="abc"[target], **given)


def test_the_answer_then_the_true_class_are_explained(examination, trial):
    examination.look_at("test", 4)
    assert trial.last == Load(network=NETWORK)
    load(trial)
    assert trial.last == Ask(network=NETWORK, sample=DataSample("test", 4), asker="examination")
    answer(trial)
    assert trial.last.target == 2
    explain(trial)
    assert trial.last.target == 0
    assert examination.is_busy
    explain(trial)
    assert list(examination.explained) == [2, 0]
    assert not examination.is_busy


def test_a_right_answer_is_explained_beside_the_next_likeliest(examination, trial):
    examination.look_at("test", 4)
    load(trial)
    answer(trial, truth=2)
    explain(trial)
    explain(trial)
    assert list(examination.explained) == [2, 0]


def test_named_classes_are_explained_whatever_is_likeliest_by_now(examination, trial):
    examination.look_at("test", 4, ("b", "c"))
    load(trial)
    answer(trial, targets=(0, 1, 2), truth=2)
    explain(trial)
    explain(trial)
    assert list(examination.explained) == [1, 2]


def test_stepping_on_while_the_network_loads_asks_for_the_last_sample_only(examination, trial):
    for index in range(3):
        examination.look_at("test", index)
    assert len(trial.asked) == 1
    assert trial.withdrawn == []
    load(trial)
    assert trial.last.sample == DataSample("test", 2)
    examination.look_at("test", 7)
    ((number, patience),) = trial.withdrawn
    assert number == 2
    assert patience > 0  # a quick answer is not worth a new process
    assert trial.last.sample == DataSample("test", 7)


def test_another_method_begins_the_explanations_anew_and_stop_ends_them(examination, trial):
    examination.look_at("test", 4)
    load(trial)
    answer(trial)
    explain(trial)
    examination.explain_by("occlusion")
    assert examination.explained == {}
    assert isinstance(trial.last, Explain)
    assert (trial.last.method, trial.last.target) == ("occlusion", 2)
    trial.answer(Progressed, share=0.25, doing="Hiding")
    assert examination.progress.share == 0.25
    examination.stop()
    assert trial.withdrawn[-1] == (len(trial.asked), 0.0)
    assert not examination.is_busy
    assert examination.progress is None
    assert examination.answered is not None


def test_what_cannot_be_answered_is_an_error_until_the_next_sample(examination, trial, run):
    examination.look_at("test", 4)
    load(trial)
    trial.answer(Refused, message="The test split has no sample 4.", hint="Look again.")
    assert examination.error.message == "The test split has no sample 4."
    examination.look_at("test", 3)
    assert examination.error is None
    run.opened.emit()
    assert examination.sample is None
    assert examination.loaded is None


def test_a_search_is_ended_with_its_process(run):
    similarity = Similarity(run, (sys.executable, "-c", "import time; time.sleep(60)"))
    similarity.find(DataSample("test", 1), "conv1")
    process = similarity._helper._process
    assert similarity.progress.share < 0
    assert process.poll() is None

    similarity.cancel()

    assert process.poll() is not None
    assert (similarity.progress, similarity.found, similarity.sample) == (None, None, None)
    similarity.tick()
    similarity.close()


def test_corrections_are_edits_with_names_that_undo_takes_back(catalog):
    document = DocumentSession(catalog)
    correcting = Correcting(document)
    document.replace(Experiment())
    correcting.relabel(["1#a"], "7")
    correcting.leave_out(["2#b", "3#c"])

    assert correcting.labels == {"1#a": "7", "2#b": None, "3#c": None}
    assert [correcting.in_words(key) for key in ("1#a", "2#b", "4#d", "")] == [
        "→ 7",
        "left out",
        "",
        "",
    ]
    assert document.undo_title == "Leave out 2 samples"
    document.undo()
    assert correcting.labels == {"1#a": "7"}
    correcting.take_back(["1#a"])
    assert correcting.labels == {}
    assert correcting.fits(Data())
    assert not correcting.fits(Data(source=Component("mnist5k")))
    assert not correcting.fits(None)
