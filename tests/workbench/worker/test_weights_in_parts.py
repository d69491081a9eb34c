"""Weights in several files, in folders, beside others, and what lies where they should be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch  # noqa: TID253
from safetensors.numpy import save_file

from workbench.errors import UserError
from workbench.worker.weights.opening import open_weights

ARRAYS = {f"net.{layer}.weight": np.full((2, 3), layer, np.float32) for layer in (1, 2, 10)}
PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def folder(tmp_path):
    names = sorted(ARRAYS)
    held = {PARTS[0]: names[:1], PARTS[1]: names[1:]}
    for part, inside in held.items():
        save_file({name: ARRAYS[name] for name in inside}, tmp_path / part)
    index = {"weight_map": {name: part for part, inside in held.items() for name in inside}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    return tmp_path


@pytest.mark.parametrize("chosen", ["", "model.safetensors.index.json", *PARTS])
def test_all_parts_are_one_file_whichever_is_chosen(folder, chosen):
    with open_weights(folder / chosen) as file:
        assert [item.name for item in file.stored] == list(ARRAYS)
        assert file.stored[2].keys == ("10.weight",)
        assert file.kind == "safetensors in 2 files"
        for item in file.stored:
            np.testing.assert_array_equal(file.read(item), ARRAYS[item.name])


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"weight_map": {"a": "gone.safetensors"}}, r"gone\.safetensors is missing"),
        ({"weight_map": {"a": "../other.safetensors"}}, "names no files beside it"),
        ({"weight_map": ["a"]}, "is damaged"),
    ],
)
def test_an_index_that_cannot_be_followed_is_told(tmp_path, index, words):
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps(index))
    with pytest.raises(UserError, match=words), open_weights(path):
        pass


def test_a_folder_is_what_is_in_it(tmp_path):
    refused = pytest.raises(UserError, match="is a folder without weights")
    with refused, open_weights(tmp_path):
        pass
    torch.save({"a": torch.ones(2, 2)}, tmp_path / "one.pth")
    with open_weights(tmp_path) as file:
        assert [item.name for item in file.stored] == ["a"]
    torch.save({"a": torch.ones(2, 2)}, tmp_path / "two.pth")
    with pytest.raises(UserError, match=r"several files of weights: one\.pth, two\.pth"):  # noqa: SIM117
        with open_weights(tmp_path):
            pass


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1", "a pointer of Git LFS"),
        ("<!DOCTYPE html><html>", "is a web page"),
    ],
)
def test_small_texts_in_the_place_of_weights_are_told(tmp_path, text, words):
    path = tmp_path / "model.safetensors"
    path.write_text(text)
    with pytest.raises(UserError, match=words), open_weights(path):
        pass


def test_averaged_weights_beside_are_known(tmp_path):
    weights = {"a": torch.ones(2, 2)}
    held = {"model": weights, "model_ema": weights, "optimizer": {"state": {}, "lr": 1}, "epoch": 3}
    torch.save(held, tmp_path / "run.pth")
    with open_weights(tmp_path / "run.pth") as file:
        assert file.beside == ("model_ema",)
