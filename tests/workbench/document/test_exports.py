"""The experiment comes back out of every format that carries it, and other files are told so."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

import resources
from workbench.document.exports import experiment_in, is_export, open_experiment
from workbench.document.files import dumps, load
from workbench.errors import UserError

TEXT = dumps(load(resources.examples()["digits-cnn"])).decode()


def onnx_file(path, experiment: str) -> None:
    """Write a model with weights before its properties, as large as a reader must leap over."""
    import onnx
    from onnx import TensorProto, helper

    values = helper.make_tensor("w", TensorProto.FLOAT, [64, 64], np.ones(4096, np.float32))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 64])],
        [values],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, {"classes": "[]", "experiment": experiment, "fitted": "{}"})
    onnx.save(model, path)


def write(path, text: str = TEXT) -> None:
    """Write a file of the format that the path's ending names, carrying the experiment."""
    arrays = {"dense1/kernel": np.ones((2, 3), np.float32)}
    if path.suffix == ".safetensors":
        save_file(arrays, path, {"experiment": text})
    elif path.suffix == ".onnx":
        onnx_file(path, text)
    elif path.suffix == ".h5":
        import h5py

        with h5py.File(path, "w") as file:
            file["layers/dense/vars/0"] = arrays["dense1/kernel"]
            file.attrs["experiment"] = text
    elif path.suffix == ".tflite":
        path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(500))
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("experiment.json", text)
    elif path.suffix:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02}.")
            archive.writestr("archive/extra/experiment.json", text)
    else:
        (path / "assets.extra").mkdir(parents=True)
        (path / "saved_model.pb").write_bytes(b"\x08\x01")
        (path / "assets.extra" / "experiment.json").write_text(text)


ENDINGS = (".safetensors", ".pt", ".pt2", ".keras", ".weights.h5", ".onnx", ".tflite", "")


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_experiment_back(tmp_path, ending):
    path = tmp_path / f"network{ending}"
    write(path)
    assert is_export(path)
    assert dumps(open_experiment(path)).decode() == TEXT


def test_a_saved_model_opens_by_the_file_in_it_too(tmp_path):
    write(tmp_path / "saved")
    assert experiment_in(tmp_path / "saved" / "saved_model.pb").name == "Digits CNN"


@pytest.mark.parametrize("beside", [".safetensors", ".weights.h5"])
def test_a_script_has_it_in_its_weights(tmp_path, beside):
    (tmp_path / "digits.py").write_text("import torch\n")
    with pytest.raises(UserError, match="carries no experiment"):
        experiment_in(tmp_path / "digits.py")
    write(tmp_path / f"digits{beside}")
    assert experiment_in(tmp_path / "digits.py").name == "Digits CNN"


def test_an_experiment_without_a_name_is_called_as_the_file(tmp_path):
    path = tmp_path / "mine.weights.h5"
    write(path, TEXT.replace('"name": "Digits CNN"', '"name": "Untitled"'))
    assert experiment_in(path).name == "mine"


def test_an_experiment_file_is_read_as_ever(tmp_path):
    path = tmp_path / "mine.workbench.json"
    path.write_text(TEXT)
    assert not is_export(path)
    assert dumps(open_experiment(path)).decode() == TEXT


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending])
@pytest.mark.parametrize("text", ["", "{}", '{"format": "other"}'])
def test_a_file_without_one_is_told_so(tmp_path, ending, text):
    path = tmp_path / f"network{ending}"
    write(path, text)
    with pytest.raises(UserError, match="carries no experiment"):
        open_experiment(path)


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending])
@pytest.mark.parametrize("kept", [0, 7, 100, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_an_experiment_or_a_sentence(tmp_path, ending, kept):
    path = tmp_path / f"network{ending}"
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    try:
        told = open_experiment(path).name
    except UserError as error:
        told = error.message
    assert told.startswith(("Digits CNN", path.name, "The experiment in"))


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending])
def test_noise_is_a_sentence(tmp_path, ending):
    path = tmp_path / f"network{ending}"
    path.write_bytes(np.random.default_rng(0).bytes(4000))
    with pytest.raises(UserError):
        open_experiment(path)


@pytest.mark.parametrize("damage", ["deflate stream", "zip version", "encrypted"])
def test_a_zip_that_no_decompressor_takes_is_a_sentence(tmp_path, damage):
    path = tmp_path / "network.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("experiment.json", TEXT)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    if damage == "deflate stream":
        content[45:60] = b"\xff" * 15
    elif damage == "zip version":
        content[entry + 6] = 200
    else:
        content[6] |= 1
        content[entry + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"network\.keras cannot be read") as caught:
        open_experiment(path)
    assert caught.value.hint


def test_a_file_that_lacks_its_end_is_not_called_foreign(tmp_path):
    path = tmp_path / "network.keras"
    write(path)
    content = path.read_bytes()
    for kept, words in ((len(content) // 2, "cut off"), (0, "empty")):
        path.write_bytes(content[:kept])
        with pytest.raises(UserError, match=words):
            open_experiment(path)


def test_a_saved_model_without_one_is_told_so(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(UserError, match="carries no experiment"):
        open_experiment(tmp_path / "saved_model.pb")


def test_looking_for_it_imports_no_framework(tmp_path):
    for ending in ENDINGS:
        write(tmp_path / f"network{ending}")
    script = (
        "import sys; from pathlib import Path\n"
        "from workbench.document.exports import open_experiment\n"
        "for name in sys.argv[1:]: open_experiment(Path(name))\n"
        "heavy = {'torch', 'keras', 'tensorflow', 'jax', 'onnx', 'h5py'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    paths = [str(tmp_path / f"network{ending}") for ending in ENDINGS]
    subprocess.run([sys.executable, "-c", script, *paths], check=True)
