"""`lora` from the command line, and weights of files for a network with adapters."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.workbench.small_networks import write_small
from workbench import cli
from workbench.analysis.adapting import add_adapters
from workbench.cli.design import examine
from workbench.document.files import load
from workbench.document.graph import LoRA
from workbench.plugin_api.adapter_files import ENTRY, arrays_of, header_of
from workbench.worker.initial import initial_weights


def do(capfd, *arguments):
    status = cli.main([*map(str, arguments), "--json"])
    printed = capfd.readouterr()
    return status, json.loads(printed.out.splitlines()[-1])


@pytest.fixture
def file(tmp_path):
    return write_small(tmp_path)


def test_adapters_are_added_counted_and_removed(capfd, file):
    status, found = do(capfd, "lora", file, "--rank", 3)
    assert status == 0, found
    assert found["adapters"] == {"dense1": ["kernel"]}
    assert found["trained_parameters"] == 3 * (64 + 32) + 33 * 10
    graph = load(file).graph
    on = ("query", "key", "value", "output", "dense")
    assert graph["dense1"].lora == LoRA(rank=3, alpha=6.0, on=on)
    assert graph["dense2"].lora is None
    assert do(capfd, "check", file)[0] == 0
    assert do(capfd, "lora", file, "--remove")[0] == 0
    assert load(file).graph["dense1"].lora is None
    status, found = do(capfd, "lora", file, "--remove")
    assert (status, found["error"]) == (3, "No layer has adapters.")


def test_what_adapters_cannot_be_is_told(capfd, file, tmp_path):
    status, found = do(capfd, "lora", file, "--on", "query")
    assert status == 3
    assert "Nothing before the head has a matrix" in found["error"]
    assert do(capfd, "lora", file, "--alpha", -1)[0] == 2
    target = tmp_path / "net.workbench.json"
    status, found = do(capfd, "import", "resnet18", "-o", target, "--lora-alpha", 4)
    assert status == 2
    assert "need --lora" in found["error"]


def test_a_file_of_adapters_is_applied(capfd, file, tmp_path, catalog):
    adapted = add_adapters(load(file), examine(load(file), catalog).network, LoRA(rank=3))
    network = examine(adapted, catalog).network
    weights = initial_weights(network, load(file).seed)
    weights["dense1/kernel_lora_b"] += 1
    path = tmp_path / "mine.lora.safetensors"
    header = msgspec.json.encode(header_of(network, weights)).decode()
    save_file(arrays_of(network, weights), path, {ENTRY: header})
    other = tmp_path / "other.workbench.json"
    status, found = do(capfd, "lora", file, "--load", path, "-o", other)
    assert status == 0, found
    assert found["report"]["layers"] == {"dense1": ["kernel"]}
    assert found["report"]["others"] == []
    assert load(other).graph == adapted.graph
    start = load_file(found["start"]["file"])
    assert (start["dense1/kernel_lora_b"] == weights["dense1/kernel_lora_b"]).all()
    assert cli.main(["lora", str(other), "--load", str(path)]) == 0  # once more, in words
    told = capfd.readouterr().out
    assert "Adapters of rank 3 change 1 matrix of dense1; dense2 came with them." in told
    status, found = do(capfd, "lora", file, "--load", file)
    assert status == 3
    assert "not a weights file" in found["error"]


def test_weights_of_a_plain_network_fit_one_with_adapters(capfd, file, tmp_path):
    assert do(capfd, "lora", file)[0] == 0
    shapes = {"dense1/kernel": (64, 32), "dense1/bias": (32,)}
    shapes |= {"dense2/kernel": (32, 10), "dense2/bias": (10,)}
    given = tmp_path / "given.safetensors"
    save_file({name: np.ones(shape, np.float32) for name, shape in shapes.items()}, given)
    status, found = do(capfd, "load", file, given)
    assert status == 0, found
    assert found["complete"]
    assert len(found["report"]["matched"]) == 4
    state = tmp_path / "given.pt"
    import torch

    torch.save(
        {
            "dense1.weight": torch.ones(32, 64),
            "dense1.bias": torch.ones(32),
            "dense2.weight": torch.ones(10, 32),
            "dense2.bias": torch.ones(10),
        },
        state,
    )
    for by in ("name", "order"):
        status, found = do(capfd, "load", file, state, "--by", by)
        assert status == 0, found
        assert found["complete"]
