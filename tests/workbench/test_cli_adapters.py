"""`lora` from the command line, and weights of files for a network with adapters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.workbench.small_networks import write_small
from workbench import cli
from workbench.document.files import load
from workbench.document.graph import LoRA


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
