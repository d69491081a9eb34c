"""Whole runs: what they leave behind, and how they end when something is wrong."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from filelock import FileLock

from tests.workbench.worker import digits_runs as runs
from workbench.document.experiment import Split
from workbench.document.training import SGD, Constant, EarlyStopping
from workbench.plugin_api.class_results import ClassResults
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.probes import read_snapshot
from workbench.runs.request import Request, write_request
from workbench.runs.results import read_results
from workbench.runs.state import RunState
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.remeasure import evaluate_run


def test_a_run_from_beginning_to_end(tmp_path, train):
    folder = runs.run_folder(runs.experiment(epochs=4, checkpoint_seconds=0.05), tmp_path)
    assert train(folder) == 0
    state = RunState()
    for event in runs.events(folder):
        state.apply(event)
    assert (state.status, state.step, state.epoch) == ("completed", 160, 4)
    assert state.metrics["test/accuracy"] > 0.8
    assert state.metrics["val/top_5_accuracy"] > 0.95
    assert list(state.steps["loss"].steps) == list(range(1, 161))
    assert state.probes[0][0] == 0  # something to see before the first step
    assert state.probes[-1][0] == 160  # and what training ended with, in every layer
    last = read_snapshot(folder.probes / state.probes[-1][1])
    assert set(last.layers) == set(last.thumbnails)
    names = Checkpoints(folder.checkpoints).names()
    assert len(names) <= 3
    assert {state.checkpoints["best"], state.checkpoints["last"]} <= set(names)
    environment = json.loads(folder.environment.read_text())
    assert environment["device"]["id"] == "cpu"
    assert environment["packages"]["torch"]
    described = json.loads(folder.info.read_text())
    assert described["info"]["classes"] == [str(i) for i in range(10)]
    assert "class " in folder.model.read_text()
    results = ClassResults.of(read_results(folder.results / "test.safetensors").arrays)
    hits = (results.top_classes[:, 0] == results.targets).mean()
    assert hits == pytest.approx(state.metrics["test/accuracy"])
    assert results.confusion.sum() == len(results.targets)
    assert not list(folder.path.glob(".*"))


def test_the_same_seed_gives_the_same_numbers_and_evaluation_repeats_them(tmp_path, train, catalog):
    metrics = []
    for name in ("first", "second"):
        folder = runs.run_folder(runs.experiment(), tmp_path / name)
        assert train(folder) == 0
        metrics.append(runs.only(folder, ev.Finished)[0].metrics)
    assert metrics[0] == metrics[1]
    found = evaluate_run(folder, catalog, "test")
    for name, value in found.metrics.items():
        assert value == pytest.approx(metrics[1][f"test/{name}"], rel=1e-5)


def test_without_validation_and_test_training_decides(tmp_path, train):
    value = runs.experiment(epochs=1, split=Split(validation=0.0, test=0.0))
    folder = runs.run_folder(value, tmp_path)
    assert train(folder) == 0
    metrics = runs.only(folder, ev.Finished)[0].metrics
    assert set(metrics) == {"train/loss", "train/accuracy"}
    assert runs.only(folder, ev.EpochFinished)[0].is_best


def test_early_stopping_and_training_on_beyond_it(tmp_path, train):
    stopping = EarlyStopping(patience=2, minimum_change=1.0)
    folder = runs.run_folder(runs.experiment(epochs=9, early_stopping=stopping), tmp_path)
    assert train(folder) == 0
    first = runs.only(folder, ev.Finished)[0]
    assert (first.reason, first.step) == ("early_stopped", 3 * 40)
    write_request(folder, Request(resume=True, epochs=10))
    assert train(folder) == 0
    second = runs.only(folder, ev.Finished)[1]
    assert (second.reason, second.step) == ("early_stopped", 5 * 40)


def test_a_finished_run_goes_on_for_more_epochs(tmp_path, train):
    value = runs.experiment(epochs=3, schedule=Constant())
    whole = runs.run_folder(value, tmp_path / "whole")
    assert train(whole) == 0
    short = msgspec.structs.replace(
        value, training=msgspec.structs.replace(value.training, epochs=1)
    )
    folder = runs.run_folder(short, tmp_path / "more")
    assert train(folder) == 0
    write_request(folder, Request(resume=True, epochs=3))
    assert train(folder) == 0
    assert runs.only(folder, ev.Started)[1].epochs == 3
    assert runs.final_weights(folder) == runs.final_weights(whole)


def test_frozen_layers_stay_as_they_are_bit_for_bit(tmp_path, train):
    frozen = ("conv1", "norm1")
    nodes = tuple(
        msgspec.structs.replace(node, trainable=node.id not in frozen) for node in runs.network()
    )
    folder = runs.run_folder(runs.experiment(nodes, epochs=1, checkpoint_seconds=1e-9), tmp_path)
    assert train(folder) == 0
    from workbench.worker.initial import generator

    last = Checkpoints(folder.checkpoints).find("last").weights
    limit = np.sqrt(6 / (9 + 72))
    start = generator(7, "conv1", "kernel").uniform(-limit, limit, (3, 3, 1, 8))
    assert last["conv1/kernel"].tobytes() == start.astype(np.float32).tobytes()
    assert np.array_equal(last["norm1/moving_mean"], np.zeros(8))
    assert np.array_equal(last["norm1/moving_variance"], np.ones(8))
    assert last["dense1/bias"].any()


def test_a_loss_that_stops_being_a_number_names_its_layer(tmp_path, train):
    value = runs.experiment(optimizer=SGD(learning_rate=1e30), schedule=Constant(), warmup_steps=0)
    folder = runs.run_folder(value, tmp_path)
    assert train(folder) == 1
    failed = runs.only(folder, ev.Failed)[0]
    assert failed.node in {node.id for node in value.graph.nodes}
    assert failed.node in failed.message
    assert "learning rate" in failed.hint
    assert "Traceback" not in failed.message
    assert not Checkpoints(folder.checkpoints).names()


def test_weights_that_are_not_finite_never_replace_a_good_checkpoint(tmp_path, train):
    folder = runs.run_folder(runs.experiment(epochs=1), tmp_path)
    assert train(folder) == 0
    good = runs.final_weights(folder)
    checkpoint = Checkpoints(folder.checkpoints).find("last")
    checkpoint.progress.learning_rate = 1e38
    Checkpoints(folder.checkpoints).save(checkpoint.weights, checkpoint.model, checkpoint.progress)
    write_request(folder, Request(resume=True, epochs=2))
    assert train(folder) == 1
    assert runs.final_weights(folder) == good
    assert "kept" in runs.only(folder, ev.Failed)[0].hint


def test_a_torn_line_and_a_damaged_checkpoint_are_passed_over(tmp_path, train):
    value = runs.experiment(epochs=3, schedule=Constant())
    whole = runs.run_folder(value, tmp_path / "whole")
    assert train(whole) == 0
    folder = runs.run_folder(value, tmp_path / "torn")
    for epochs in (1, 2):
        write_request(folder, Request(resume=True, epochs=epochs))
        assert train(folder) == 0
    with folder.events.open("ab") as file:
        file.write(b'{"event":"steps","first":')
    newest = (
        folder.checkpoints / Checkpoints(folder.checkpoints).names()[-1] / "weights.safetensors"
    )
    content = bytearray(newest.read_bytes())
    content[-5] ^= 0xFF
    newest.write_bytes(content)
    write_request(folder, Request(resume=True, epochs=3))
    assert train(folder) == 0
    assert runs.only(folder, ev.Started)[2].step == 40
    assert runs.final_weights(folder) == runs.final_weights(whole)


def test_a_second_worker_leaves_the_first_alone(tmp_path, train, capsys):
    folder = runs.run_folder(runs.experiment(), tmp_path)
    with FileLock(folder.lock):
        assert train(folder) == 4
    assert "another worker" in capsys.readouterr().err
    assert not folder.events.exists()


def test_a_folder_without_an_experiment(tmp_path, train):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    assert train(folder) == 1
    failed = runs.only(folder, ev.Failed)[0]
    assert "experiment.json" in failed.message


def test_a_design_that_does_not_fit_names_the_layer(tmp_path, train):
    nodes = (*runs.network()[:-2], runs.Node("dense1", "Dense", {"units": 7}, ("drop1",)))
    value = runs.experiment((*nodes, runs.Node("output1", "Output", {}, ("dense1",))))
    folder = runs.run_folder(value, tmp_path)
    assert train(folder) == 1
    failed = runs.only(folder, ev.Failed)[0]
    assert failed.node == "dense1"
    assert "10 classes" in failed.message
