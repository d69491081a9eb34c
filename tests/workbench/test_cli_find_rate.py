"""`find-lr`, with real training."""

from __future__ import annotations

import json

import pytest

from tests.workbench.small_networks import small_experiment
from workbench import cli
from workbench.cli.text_plot import rate_plot
from workbench.document.edits import remove_nodes, set_training
from workbench.document.files import load, save


@pytest.fixture
def file(tmp_path):
    return save(small_experiment(), tmp_path / "small.workbench.json")


def test_a_rate_is_suggested_and_nothing_is_left_behind(file, tmp_path, capfd, home):
    before = file.read_bytes()
    assert cli.main(["find-lr", str(file), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert 1e-4 < found["learning_rate"] < 0.1 < found["lowest_at"] * 10
    rates = [rate for rate, _ in found["tested"]]
    assert rates == sorted(rates)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert not (home / "runs").exists()


def test_few_samples_accumulated_batches_and_frozen_layers_are_tested_too(file, tmp_path, capfd):
    target = tmp_path / "with-rate"
    settings = ("training.batch_size=500", "training.accumulate=4", "graph.dense1.trainable=false")
    sets = [word for setting in settings for word in ("--set", setting)]
    assert cli.main(["find-lr", str(file), *sets, "-o", str(target)]) == 0
    printed = capfd.readouterr()
    assert "Suggested learning rate: " in printed.out
    assert "•" in printed.out
    written = load(target.with_name("with-rate.workbench.json")).training
    assert f"rate: {written.optimizer.learning_rate:g}\n" in printed.out
    assert written.accumulate == 4


def test_samples_learned_by_heart_do_not_tell_a_good_rate_from_a_huge_one(tmp_path, capfd):
    """54 digits are learned to a loss of nothing at any rate; others tell what that is worth."""
    file = save(small_experiment(epochs=10, batch_size=16), tmp_path / "few.workbench.json")
    sets = ("--set", "data.split.validation=0.5", "--set", "data.split.test=0.47")
    assert cli.main(["find-lr", str(file), *sets, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["learning_rate"] < 0.1
    assert min(loss for _, loss in found["trials"]) > 0.4


def test_batches_that_differ_more_than_rates_do_hide_none(tmp_path, capfd):
    """A batch of 16 molecules costs 0.5 at first and another 1.5: each is compared with itself."""
    sets = ("--set", "training.threads=1", "--set", "training.epochs=2")
    assert cli.main(["find-lr", "solubility-cnn", *sets, "--quick", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert 1e-3 < found["learning_rate"] < 0.1
    losses = [loss for _, loss in found["tested"]]
    assert max(losses[:40]) < 1.1 * min(losses[:40])


def test_a_network_that_cannot_train_is_told(tmp_path, capfd):
    broken = save(remove_nodes(small_experiment(), ["output1"]), tmp_path / "x.workbench.json")
    assert cli.main(["find-lr", str(broken)]) == 1
    assert "no Output" in capfd.readouterr().err
    other = save(set_training(small_experiment(), backend="theano"), tmp_path / "y.workbench.json")
    assert cli.main(["find-lr", str(other)]) == 2


def test_a_curve_in_characters_has_its_axis_and_its_mark():
    rates, values = (1e-3, 1e-2, 1e-1, 1.0), (2.0, 1.5, 1.0, 50.0)
    lines = rate_plot(rates, values, 1e-2, width=31, height=6)
    assert lines[0].startswith("      3 │")
    assert lines[5].startswith("      1 │")
    assert [line.index("•") for line in (lines[5], lines[0])] == [29, 39]
    assert all(line[19] in "┆•" for line in lines[:6])
    assert lines[-1].split() == ["1e-3", "1e-2", "1e-1", "1e0"]
