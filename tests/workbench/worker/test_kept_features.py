"""A frozen body runs once for each sample; everything else is as if it had run in every step."""

from __future__ import annotations

import shutil
import time

import msgspec
import numpy as np
import pytest

from tests.workbench.worker import digits_runs as runs
from workbench.analysis.shapes import resolve
from workbench.catalog import Catalog
from workbench.document.experiment import Component, Data
from workbench.document.files import load
from workbench.document.graph import Node
from workbench.document.training import Constant
from workbench.plugin_api.tensors import TensorType
from workbench.preferences import caches_folder
from workbench.runs import events as ev
from workbench.runs.request import Request, write_request
from workbench.worker import features
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.initial import initial_weights


def frozen(nodes, *trained):
    return tuple(msgspec.structs.replace(node, trainable=node.id in trained) for node in nodes)


def digits(cache, **training):
    """Return the small CNN with a frozen body and dropout in its head."""
    return runs.experiment(frozen(runs.network(), "dense1"), cache_features=cache, **training)


def vowels(cache, kind, frozen_up_to):
    """Return a network on series of unequal length; frozen to a vector, or to steps."""
    nodes = (
        Node("input1", "Input"),
        Node("conv1", "Conv1D", {"filters": 8, "kernel_size": 3, "stride": 2}, ("input1",)),
        Node("gru1", "GRU", {"units": 8, "sequences": frozen_up_to == "gru1"}, ("conv1",)),
        Node("pool1", "GlobalAveragePool", {}, ("gru1",))
        if frozen_up_to == "gru1"
        else Node("pool1", "Dense", {"units": 8}, ("gru1",)),
        Node("head1", "Dense", {"units": 9}, ("pool1",)),
        Node("output1", "Output", {}, ("head1",)),
    )
    value = runs.experiment(frozen(nodes, "head1", kind), cache_features=cache)
    data = Data(
        source=Component("series_samples", {"data_set": "JapaneseVowels"}),
        preprocessing=Component("series"),
    )
    return msgspec.structs.replace(value, data=data)


def told(folder):
    return [event.message for event in runs.only(folder, ev.Noted)]


def trained(value, path, train):
    folder = runs.run_folder(value, path)
    assert train(folder) == 0, runs.only(folder, ev.Failed)
    return folder


def losses(folder):
    return [loss for event in runs.only(folder, ev.Steps) for loss in event.columns["loss"]]


def first_checkpoint(folder):
    """Return what the frozen layers began with, statistics included."""
    value = load(folder.experiment)
    network = resolve(value.graph, Catalog.load(), TensorType((8, 8, 1))).network
    weights = initial_weights(network, value.seed)
    return {k: v.tobytes() for k, v in weights.items() if not k.startswith("dense1/")}


def test_keras_gives_the_same_numbers_too(tmp_path):
    folders = [
        runs.run_folder(digits(cache, backend="keras-jax", threads=1), tmp_path / cache)
        for cache in ("off", "on")
    ]
    for worker in [runs.start(folder) for folder in folders]:
        assert runs.ended(worker)[0] == 0
    assert "ran once" in told(folders[1])[0]
    assert runs.final_weights(folders[0]) == runs.final_weights(folders[1])


def test_numbers_are_those_of_the_whole_network_bit_for_bit(tmp_path, train, home):
    whole = trained(digits("off"), tmp_path / "whole", train)
    first = trained(digits("auto"), tmp_path / "first", train)
    again = trained(digits("on"), tmp_path / "again", train)

    assert told(first)[0].startswith("The frozen layers ran once: ")
    assert "kept by an earlier run" in told(again)[0]
    assert told(whole) == []
    for folder in (first, again):
        assert runs.final_weights(folder) == runs.final_weights(whole)
        metrics = [runs.only(each, ev.Finished)[-1].metrics for each in (folder, whole)]
        assert metrics[0] == metrics[1]
        assert losses(folder) == losses(whole)
    frozen_ones = first_checkpoint(first)
    assert frozen_ones
    for name, value in frozen_ones.items():
        assert runs.final_weights(first)[name] == value
    # Feature maps of the body are there, and the features lie in the cache alone.
    probed = runs.only(first, ev.Probed)
    assert probed
    assert not (first.path / "body.py").exists()
    assert len(list((caches_folder() / "features").iterdir())) == 1


def test_a_checkpoint_goes_on_in_the_whole_network(tmp_path, train):
    """Its state is that of a run without kept features: each goes on from the other's."""
    whole = runs.run_folder(digits("off", epochs=4, schedule=Constant()), tmp_path / "whole")
    assert train(whole) == 0
    halves = runs.run_folder(digits("auto", epochs=4, schedule=Constant()), tmp_path / "halves")
    write_request(halves, Request(epochs=2))
    assert train(halves) == 0
    shutil.rmtree(caches_folder() / "features")
    content = halves.experiment.read_bytes().replace(
        b'"cache_features": "auto"', b'"cache_features": "off"'
    )
    halves.experiment.write_bytes(content)
    write_request(halves, Request(resume=True, epochs=4))
    assert train(halves) == 0
    assert runs.final_weights(halves) == runs.final_weights(whole)


def test_killed_while_the_body_runs_and_after_it_ends_bit_identical(tmp_path, train):
    value = digits("auto", epochs=30, checkpoint_seconds=0.1)
    folder = runs.run_folder(value, tmp_path / "killed")
    for wanted in (ev.Preparing, ev.Started):
        worker = runs.start(folder)
        before = len(runs.only(folder, wanted))
        more = 2 if wanted is ev.Preparing else 0
        runs.wait_for(lambda n=before + more, kind=wanted: len(runs.only(folder, kind)) > n)
        time.sleep(0.1)
        runs.kill(worker)
    assert train(folder) == 0
    whole = trained(value, tmp_path / "whole", train)
    assert runs.final_weights(folder) == runs.final_weights(whole)


@pytest.mark.parametrize("frozen_up_to", ["pool1", "gru1"])
def test_samples_of_unequal_length(tmp_path, train, frozen_up_to):
    kinds = {"pool1": "", "gru1": "pool1"}
    found = [
        trained(vowels(cache, kinds[frozen_up_to], frozen_up_to), tmp_path / cache, train)
        for cache in ("off", "on")
    ]
    assert "ran once" in told(found[1])[0]
    weights = [Checkpoints(folder.checkpoints).find("last").weights for folder in found]
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name], value, atol=2e-6, err_msg=name)


def test_without_room_the_whole_network_is_trained(tmp_path, train, monkeypatch):
    whole = trained(digits("off"), tmp_path / "whole", train)
    monkeypatch.setattr(features, "MOST_BYTES", 1000)
    folder = trained(digits("on"), tmp_path / "full", train)
    assert "there is no room" in told(folder)[0]
    assert runs.final_weights(folder) == runs.final_weights(whole)


def test_a_full_disk_costs_time_not_the_run(tmp_path, train, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    whole = trained(digits("off"), tmp_path / "whole", train)
    monkeypatch.setattr(features.np, "save", full)
    folder = trained(digits("on"), tmp_path / "full", train)
    assert told(folder)[0].startswith("The disk is full")
    assert runs.final_weights(folder) == runs.final_weights(whole)


def test_other_weights_or_data_are_other_features(tmp_path, train):
    trained(digits("on", epochs=1), tmp_path / "one", train)
    value = digits("on", epochs=1)
    other = trained(msgspec.structs.replace(value, seed=8), tmp_path / "other", train)
    assert "ran once" in told(other)[0]
    assert len(list((caches_folder() / "features").iterdir())) == 2
