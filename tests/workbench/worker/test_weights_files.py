"""Weights files of every origin load exactly or are refused in a sentence; nothing in them runs."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from plugins.backends.keras.code import generate as keras_source
from plugins.backends.keras.code import keras_names
from plugins.backends.pytorch.code import torch_names
from tests.workbench.worker.digits_runs import experiment, network
from workbench.analysis.problems import check
from workbench.document.files import dumps
from workbench.document.graph import Graph, Node
from workbench.errors import UserError
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.worker.weights.keras_file import MEMBER
from workbench.worker.weights.loading import load_weights, read_weights
from workbench.worker.weights.probing import probe

DIGITS = experiment()
INFO = DataInfo(input=TensorType((8, 8, 1)), classes=tuple("0123456789"))


@pytest.fixture
def net(catalog):
    return check(DIGITS, catalog, INFO).network


@pytest.fixture
def weights(net):
    random = np.random.default_rng(3)
    return {
        name: random.normal(size=spec.shape).astype(np.float32)
        for name, spec in net.weight_specs().items()
    }


def torch_state(net, weights) -> dict:
    """Return a state dict whose tensors are not contiguous, as a plain transpose leaves them."""
    import torch

    state = {}
    for name, (dotted, bind) in torch_names(net).items():
        array = torch.from_numpy(bind.to_framework(weights[name]))
        turned = array.permute(*reversed(range(array.dim()))).contiguous()
        state[dotted] = turned.permute(*reversed(range(array.dim())))
    return state


def keras3(path, net, weights, *, config: str = "{}") -> None:
    """Write what Keras 3 writes: groups by class, variables by number, names as attributes."""
    import h5py

    counts: dict[str, int] = {}
    groups: dict[str, str] = {}
    with h5py.File(path, "w") as file:
        for name, (layer, bind) in keras_names(net).items():
            kind = type(net[name.split("/")[0]].layer).__name__.lower()
            if layer not in groups:
                number = counts[kind] = counts.get(kind, -1) + 1
                groups[layer] = f"layers/{kind}_{number}" if number else f"layers/{kind}"
                file.create_group(f"{groups[layer]}/vars").attrs["name"] = layer
            variables = file[f"{groups[layer]}/vars"]
            variables[str(len(variables))] = bind.to_framework(weights[name])
        file["optimizer/vars/0"] = np.int64(3)


def keras2(path, net, weights, *, inside: str = "") -> None:
    """Write what Keras 2 wrote: layers by name, each with the names of its weights."""
    import h5py

    by_layer: dict[str, list[str]] = {}
    for name, (layer, _) in keras_names(net).items():
        by_layer.setdefault(layer, []).append(name)
    with h5py.File(path, "w") as file:
        root = file.create_group(inside) if inside else file
        root.attrs["layer_names"] = [layer.encode() for layer in ("input1", *by_layer)]
        root.create_group("input1").attrs["weight_names"] = []
        for layer, names in by_layer.items():
            group = root.create_group(layer)
            told = [f"{layer}/{keras_names(net)[name][1].attribute}:0" for name in names]
            group.attrs["weight_names"] = [text.encode() for text in told]
            for name, text in zip(names, told, strict=True):
                group[text] = keras_names(net)[name][1].to_framework(weights[name])


def write(kind: str, path, net, weights) -> None:
    """Write one of the formats that the tests know."""
    import torch

    if kind in ("torch", "nested", "parallel", "model", "old zip", "double"):
        state = torch_state(net, weights)
        state["norm1.num_batches_tracked"] = torch.tensor(40)
        if kind == "parallel":
            state = {f"module.{name}": tensor for name, tensor in state.items()}
        if kind == "double":
            state = {name: tensor.double() for name, tensor in state.items()}
        wrapped = {
            "nested": {"epoch": 3, "state_dict": state, "optimizer": {"state": {}, "lr": 0.1}},
            "model": {"model": state, "args": ["a"]},
        }
        is_new = kind != "old zip"
        torch.save(wrapped.get(kind, state), path, _use_new_zipfile_serialization=is_new)
    elif kind == "ours":
        save_file(weights, path, {"experiment": dumps(DIGITS).decode()})
    elif kind == "torch safetensors":
        from safetensors.torch import save_file as save_torch

        save_torch({n: t.contiguous() for n, t in torch_state(net, weights).items()}, path)
    elif kind == "keras 3":
        keras3(path, net, weights)
    elif kind == "keras 2":
        keras2(path, net, weights)
    elif kind == "keras 2 model":
        keras2(path, net, weights, inside="model_weights")
    elif kind == "keras":
        inner = path.with_name("inner.h5")
        keras3(inner, net, weights)
        lambda_layer = {"class_name": "Lambda", "config": {"function": ["evil", None, None]}}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps({"layers": [lambda_layer]}))
            archive.write(inner, MEMBER)


KINDS = (
    "torch",
    "nested",
    "parallel",
    "model",
    "old zip",
    "double",
    "ours",
    "torch safetensors",
    "keras 3",
    "keras 2",
    "keras 2 model",
    "keras",
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_loads_exactly(tmp_path, catalog, net, weights, kind):
    path = tmp_path / "file"
    write(kind, path, net, weights)
    for by in ("name", "order"):
        report, found = read_weights(path, net, catalog, by)
        assert report.is_complete, report
        assert found.keys() == weights.keys()
        for name, array in weights.items():
            assert found[name].dtype == np.float32
            assert found[name].flags.c_contiguous
            np.testing.assert_array_equal(found[name], array)


def test_what_is_loaded_is_a_file_that_runs_start_from(tmp_path, catalog, net, weights):
    from safetensors.numpy import load_file

    write("parallel", tmp_path / "trained.pt", net, weights)
    _, start = load_weights(tmp_path / "trained.pt", net, catalog, tmp_path)
    assert start.name == "trained.pt"
    assert Path(start.file).name == f"{start.sha256}.safetensors"
    kept = load_file(start.file)
    assert all((kept[name] == array).all() for name, array in weights.items())
    again = load_weights(tmp_path / "trained.pt", net, catalog, tmp_path)[1]
    assert again == start


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_widened_without_loss(tmp_path, catalog, net, weights, dtype):
    import torch
    from safetensors.torch import save_file as save_torch

    half = {
        name: tensor.to(getattr(torch, dtype)).contiguous()
        for name, tensor in torch_state(net, weights).items()
    }
    torch.save(half, tmp_path / "half.pt")
    save_torch(half, tmp_path / "half.safetensors")
    for name in ("half.pt", "half.safetensors"):
        _, found = read_weights(tmp_path / name, net, catalog)
        bind = torch_names(net)["dense1/kernel"][1]
        expected = bind.to_canonical(half["dense1.weight"].float().numpy(), (128, 10))
        np.testing.assert_array_equal(found["dense1/kernel"], expected)


def test_a_mismatch_is_refused_and_named_unless_part_is_asked_for(tmp_path, catalog, net, weights):
    import torch

    state = torch_state(net, weights)
    state["dense1.weight"] = torch.zeros(12, 128)
    state["head.weight"] = torch.zeros(2, 2)
    del state["norm1.bias"]
    path = tmp_path / "other.pt"
    torch.save(state, path)
    with pytest.raises(UserError, match="does not match this network as a whole") as caught:
        load_weights(path, net, catalog, tmp_path)
    for words in ("2 of 8 weights", "norm1/beta (8)", "dense1/kernel (128 × 10)", "head.weight"):
        assert words in caught.value.message
    assert not list(tmp_path.glob("*.safetensors"))
    report, start = load_weights(path, net, catalog, tmp_path, partial=True)
    reasons = {item.ours: item.reason for item in report.unmatched}
    assert reasons["dense1/kernel"] == (
        "dense1.weight is 12 × 128, not 10 × 128 as PyTorch lays it out."
    )
    assert reasons["norm1/beta"] == "The file has nothing of this name."
    assert set(report.unused) == {"dense1.weight", "head.weight"}
    assert Path(start.file).is_file()


def test_a_file_of_another_network_is_refused_even_in_part(tmp_path, catalog, net):
    save_file({"encoder.weight": np.zeros((5, 7), np.float32)}, tmp_path / "a.safetensors")
    for by in ("name", "order"):
        with pytest.raises(UserError, match=r"Nothing in a\.safetensors matches"):
            load_weights(tmp_path / "a.safetensors", net, catalog, tmp_path, by, partial=True)


def test_other_names_load_by_order_and_doubts_are_told(tmp_path, catalog, net, weights):
    import torch

    state = {
        f"x{n}.{k.split('.')[-1]}": t for n, (k, t) in enumerate(torch_state(net, weights).items())
    }
    torch.save(state, tmp_path / "theirs.pt")
    report, found = read_weights(tmp_path / "theirs.pt", net, catalog, "order")
    assert report.is_complete
    assert not report.warnings
    np.testing.assert_array_equal(found["conv1/kernel"], weights["conv1/kernel"])
    keras3(tmp_path / "theirs.h5", net, weights)
    assert "no order" in read_weights(tmp_path / "theirs.h5", net, catalog, "order")[0].warnings[0]


def test_renamed_layers_of_our_own_load_by_order(tmp_path, catalog, net, weights):
    write("ours", tmp_path / "ours.safetensors", net, weights)
    nodes = tuple(
        Node(f"z{99 - n}", node.type, node.params, tuple(f"z{99 - at}" for at in [n - 1] if n))
        for n, node in enumerate(network())
    )
    renamed = check(experiment(nodes), catalog, INFO).network
    assert isinstance(DIGITS.graph, Graph)
    report, found = read_weights(tmp_path / "ours.safetensors", renamed, catalog, "order")
    assert report.is_complete
    assert not report.warnings
    by_place = zip(renamed.weight_specs(), weights, strict=True)
    assert all((found[new] == weights[old]).all() for new, old in by_place)


def test_values_that_are_no_numbers_are_told(tmp_path, catalog, net, weights):
    weights["norm1/gamma"][2] = np.nan
    weights["dense1/bias"][0] = np.inf
    write("ours", tmp_path / "bad.safetensors", net, weights)
    warning = read_weights(tmp_path / "bad.safetensors", net, catalog)[0].warnings[0]
    assert warning.startswith("norm1/gamma, dense1/bias hold NaN or infinite values")


def test_whole_numbers_are_no_weights(tmp_path, catalog, net, weights):
    weights["dense1/bias"] = np.arange(10)
    write("ours", tmp_path / "whole.safetensors", net, weights)
    report, _ = read_weights(tmp_path / "whole.safetensors", net, catalog)
    assert [item.ours for item in report.unmatched] == ["dense1/bias"]
    assert "no weights" in report.unmatched[0].reason


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_never_runs(tmp_path, catalog, net):
    import torch

    mark = tmp_path / "mark"
    torch.save({"weight": Evil(mark)}, tmp_path / "evil.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"weight": Evil(mark)}, protocol=2))
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    for name in ("evil.pt", "plain.pt", "module.pt"):
        with pytest.raises(UserError, match="holds more than weights") as caught:
            read_weights(tmp_path / name, net, catalog)
        assert "state_dict" in caught.value.hint
    assert not mark.exists()


@pytest.mark.parametrize("kind", ["torch", "old zip", "ours", "keras 3", "keras 2", "keras"])
def test_a_file_that_was_cut_off_is_a_sentence(tmp_path, catalog, net, weights, kind):
    suffix = {"keras": ".keras", "ours": ".safetensors"}.get(
        kind, ".pt" if "k" not in kind else ".h5"
    )
    path = tmp_path / f"cut{suffix}"
    write(kind, path, net, weights)
    content = path.read_bytes()
    for kept in (0, 1, 20, 0.3, 0.7, 0.98):
        path.write_bytes(content[: int(kept * len(content)) if 0 < kept < 1 else kept])
        with pytest.raises(UserError) as caught:
            load_weights(path, net, catalog, tmp_path)
        assert path.name in caught.value.message


def test_a_compressed_keras_file_that_is_damaged_is_a_sentence(tmp_path, catalog, net):
    path = tmp_path / "damaged.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, b"weights " * 99)
    content = bytearray(path.read_bytes())
    content[30 + len(MEMBER) : 45 + len(MEMBER)] = b"\xff" * 15
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged\.keras is damaged or cut off"):
        read_weights(path, net, catalog)


def test_a_file_whose_reader_runs_in_circles_is_given_up(tmp_path):
    """HDF5 looks for a layer's name among objects; one of size 0 is followed by itself."""
    import h5py

    path = tmp_path / "circle.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 3), np.float32)
        file["layers/dense/vars"].attrs["name"] = "dense"
    probe(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"GCOL") + 24] = 0
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"circle\.weights\.h5 is damaged or cut off") as caught:
        probe(path, seconds=2.0)
    assert caught.value.hint


OTHERS = (
    ("notes.txt", b"hello, I am no weights file at all", "not a weights file"),
    ("photo.pt", b"\x89PNG\r\n\x1a\n" + bytes(99), "damaged or cut off"),
    ("empty.pt", b"", "is empty"),
    ("text.safetensors", b"not a header, just words", "not a weights file"),
    ("long.safetensors", (2**62).to_bytes(8, "little") + b"{" + bytes(99), "damaged"),
    ("zip.keras", b"PK\x03\x04" + bytes(99), "damaged or cut off"),
)


def test_other_files_are_refused(tmp_path, catalog, net):
    for name, content, words in OTHERS:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=words):
            read_weights(tmp_path / name, net, catalog)


def test_folders_missing_files_and_lists_are_refused(tmp_path, catalog, net):
    import torch

    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    (tmp_path / "none").mkdir()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"x")
    for name, words in (
        ("saved", "is a TensorFlow SavedModel"),
        ("none", "is a folder"),
        ("gone.pt", "does not exist"),
        ("list.pt", "by name"),
    ):
        with pytest.raises(UserError, match=words):
            read_weights(tmp_path / name, net, catalog)


def test_arrays_that_claim_to_be_huge_are_not_read(tmp_path, catalog, net, weights):
    """A few bytes can claim terabytes: chunks that were never written, or one stretched value."""
    import h5py
    import torch

    path = tmp_path / "huge.h5"
    keras3(path, net, weights)
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_dataset("0", (2**20, 2**20), "f4", chunks=(1024, 1024))
    state = torch_state(net, weights)
    state["dense1.weight"] = torch.zeros(1).expand(2**20, 2**20)
    torch.save(state, tmp_path / "huge.pt")
    for name in ("huge.h5", "huge.pt"):
        report, _ = read_weights(tmp_path / name, net, catalog)
        assert [item.ours for item in report.unmatched] == ["dense1/kernel"]
        assert "1048576 × 1048576" in report.unmatched[0].reason


def test_hdf5_files_cannot_reach_other_files(tmp_path, catalog, net, weights):
    import h5py

    keras3(tmp_path / "secret.h5", net, weights)
    keras3(tmp_path / "links.h5", net, weights)
    with h5py.File(tmp_path / "links.h5", "a") as file:
        del file["layers/dense"]
        file["layers/dense"] = h5py.ExternalLink("secret.h5", "/layers/dense")
        del file["layers/conv2d/vars/1"]
        file["layers/conv2d/vars"].create_dataset(
            "1", (8,), "f4", external=[(str(tmp_path / "secret.h5"), 0, 32)]
        )
        file["layers/again"] = file["layers"]  # a circle
    report, _ = read_weights(tmp_path / "links.h5", net, catalog)
    assert {m.ours for m in report.unmatched} == {"conv1/bias", "dense1/kernel", "dense1/bias"}


KERAS_SCRIPT = """
import sys
import numpy as np
folder, code = sys.argv[1:]
scope = {}
exec(open(code).read(), scope)
import keras
model = scope["make_model"]()
names = np.load(folder + "/names.npz")
for key in names.files:
    layer, attribute = key.split("|")
    target = model.get_layer(layer)
    for part in attribute.split("."):
        target = getattr(target, part)
    target.assign(names[key])
model.save(folder + "/real.keras")
model.save_weights(folder + "/real.weights.h5")
inputs = keras.Input((4,))
poisoned = keras.Sequential([inputs, keras.layers.Lambda(lambda x: x), keras.layers.Dense(2)])
poisoned.save(folder + "/poisoned.keras")
"""


def test_files_that_keras_wrote_load_exactly(tmp_path, catalog, net, weights):
    arrays = {
        f"{layer}|{bind.attribute}": bind.to_framework(weights[name])
        for name, (layer, bind) in keras_names(net).items()
    }
    np.savez(tmp_path / "names.npz", **arrays)
    (tmp_path / "code.py").write_text(keras_source(net).source)
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    command = [sys.executable, "-c", KERAS_SCRIPT, str(tmp_path), str(tmp_path / "code.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    for name in ("real.keras", "real.weights.h5"):
        for by in ("name", "order"):
            report, found = read_weights(tmp_path / name, net, catalog, by)
            assert report.is_complete, report
            assert all((found[key] == array).all() for key, array in weights.items())
    with pytest.raises(UserError, match=r"Nothing in poisoned\.keras matches"):
        load_weights(tmp_path / "poisoned.keras", net, catalog, tmp_path)
