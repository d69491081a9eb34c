"""`compare-backends` with real workers of two frameworks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workbench.small_networks import small_experiment
from workbench import cli
from workbench.document.edits import set_training
from workbench.document.files import save
from workbench.document.training import SGD
from workbench.runs.folder import RunFolder
from workbench.runs.request import Request, read_request


@pytest.fixture
def file(tmp_path):
    plain = set_training(small_experiment(), optimizer=SGD(learning_rate=0.05, momentum=0.9))
    return save(plain, tmp_path / "small.workbench.json")


def test_two_frameworks_have_the_same_losses(file, tmp_path, capfd):
    words = ["compare-backends", file, "--steps", 12, "--runs", tmp_path / "runs", "--json"]
    words += ["--backend", "torch", "--backend", "keras-jax"]
    assert cli.main([str(word) for word in words]) == 0
    printed = capfd.readouterr()
    result = json.loads(printed.out.splitlines()[-1])
    assert (result["steps"], result["random"]) == (12, False)
    first, second = result["backends"]
    assert [first["backend"], second["backend"]] == ["torch", "keras-jax"]
    for found in (first, second):
        assert len(found["losses"]) == 12
        assert found["seconds"] > 0
        assert "error" not in found
        assert read_request(RunFolder(Path(found["run"]))) == Request(steps=12)
    assert first["max_difference"] == 0
    assert second["max_difference"] < 1e-5
    assert first["losses"][0] > first["losses"][-1]
    assert "Keras · JAX: 12 steps in" in printed.err


def test_an_unknown_backend_is_told_with_those_there_are(file, capfd):
    assert cli.main(["compare-backends", str(file), "--backend", "theano"]) == 2
    assert "keras-jax" in capfd.readouterr().err
