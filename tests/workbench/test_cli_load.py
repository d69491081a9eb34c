"""`load`, exports in place of experiments, and `resume --backend`, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.workbench.small_networks import small_experiment, write_small
from workbench import cli
from workbench.document.files import dumps, load
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineTail

SHAPES = {
    "dense1/kernel": (64, 32),
    "dense1/bias": (32,),
    "dense2/kernel": (32, 10),
    "dense2/bias": (10,),
}


def do(capfd, *arguments):
    status = cli.main([*map(str, arguments), "--json"])
    printed = capfd.readouterr()
    return status, json.loads(printed.out.splitlines()[-1])


@pytest.fixture
def given(tmp_path):
    path = tmp_path / "given.safetensors"
    save_file({name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}, path)
    return path


def test_an_experiment_gets_weights_to_start_from(tmp_path, capfd, given):
    file = write_small(tmp_path)
    status, result = do(capfd, "load", file, given)
    assert status == 0
    assert result["complete"]
    assert len(result["report"]["matched"]) == 4
    start = load(file).start
    assert (start.name, Path(start.file)) == (given.name, tmp_path / "small.start.safetensors")


def test_another_file_may_be_written_and_a_part_taken(tmp_path, capfd, given):
    save_file({"dense1/bias": np.ones(32, np.float32)}, given)
    file = write_small(tmp_path)
    before = file.read_bytes()
    target = tmp_path / "other.workbench.json"
    status, result = do(capfd, "load", file, given, "-o", target)
    assert status == 3
    assert "3 of 4 weights are not in it: dense1/kernel (64 × 32)" in result["error"]
    assert not target.exists()
    status, result = do(capfd, "load", file, given, "-o", target, "--partial", "--by", "order")
    assert status == 0
    assert [item["ours"] for item in result["report"]["matched"]] == ["dense1/bias"]
    assert file.read_bytes() == before


def test_an_export_stands_for_the_experiment_it_carries(tmp_path, capfd, given):
    export = tmp_path / "trained.safetensors"
    metadata = {"experiment": dumps(small_experiment()).decode()}
    save_file({"dense1/bias": np.ones(32, np.float32)}, export, metadata)
    assert do(capfd, "check", export)[0] == 0
    status, result = do(capfd, "load", export, given)
    assert status == 2
    assert "-o FILE" in result["hint"]
    assert do(capfd, "load", export, given, "-o", tmp_path / "new")[0] == 0
    assert load(tmp_path / "new.workbench.json").graph == small_experiment().graph


def test_a_run_goes_on_in_another_backend(tmp_path, capfd):
    runs = tmp_path / "runs"
    file = write_small(tmp_path, epochs=1)
    assert do(capfd, "train", file, "--runs", runs)[0] == 0
    old = next(runs.iterdir())
    status, result = do(capfd, "resume", old, "--backend", "nowhere", "--epochs", 2, "--runs", runs)
    assert status == 2
    assert "keras-jax" in result["hint"]
    command = [sys.executable, "-m", "workbench", "resume", str(old), "--backend", "keras-torch"]
    command += ["--epochs", "2", "--runs", str(runs), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    new = RunFolder(Path(json.loads(done.stdout.splitlines()[-1])["run"]))
    assert new.path != old
    events = [ev.decode(line) for line in LineTail(new.events).read()]
    begun = [event for event in events if isinstance(event, ev.Started)]
    assert [event.backend for event in begun] == ["torch", "keras-torch"]
    assert begun[1].step == begun[0].steps_per_epoch
    losses = [event.metrics["val/loss"] for event in events if isinstance(event, ev.EpochFinished)]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    told = [event.message for event in events if isinstance(event, ev.Noted)]
    assert told[0] == f"A continuation of {old.name}."
    assert any("weights are taken over exactly" in text for text in told)
