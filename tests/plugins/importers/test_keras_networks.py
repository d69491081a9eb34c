"""Models that Keras saved become layers that compute the same, or are refused in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    command = [sys.executable, "-m", "tests.plugins.importers.keras_checks"]
    folder = tmp_path_factory.mktemp("models")
    done = subprocess.run(
        [*command, str(folder), "torch"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["functional.keras", "nested.keras", "nested.h5"])
def test_a_saved_model_computes_the_same(found, name):
    report = found[name]["report"]
    assert report["difference"] <= 1e-5
    assert report["matched"] > 0
    assert "scaled" in " ".join(report["changed"])
    assert found[name]["preprocessing"]["params"]["height"] == 20


def test_settings_are_those_of_the_model(found):
    nodes = found["functional.keras"]["nodes"]
    kind, params = nodes["stem"]
    assert (kind, params["padding"], params["stride"]) == ("Conv2D", "same", [2, 2])
    assert params["kernel_l2"] == pytest.approx(0.01)
    assert nodes["norm"][1]["momentum"] == pytest.approx(0.1)
    assert nodes["deep"] == ["DepthwiseConv2D", {**nodes["deep"][1], "activation": "silu"}]
    assert nodes["answer"][1]["activation"] == "softmax"
    kinds = [kind for kind, _ in nodes.values()]
    assert kinds.count("Rescale") == 3
    assert kinds.count("LeakyReLU") == 1
    scale = next(name for name, (kind, _) in nodes.items() if kind == "Scale")
    assert not found["functional.keras"]["trainable"][scale]


def test_texts_come_with_what_fills_them_up_left_out(found):
    report, nodes = found["texts.keras"]["report"], found["texts.keras"]["nodes"]
    assert report["difference"] <= 1e-5  # of texts that are filled up, too
    assert found["texts.keras"]["shape"] == [None]
    assert nodes["rows"] == ["Embedding", {"vocabulary": 20, "features": 8}]
    assert nodes["seen"][1] == {"heads": 2, "key_size": 4}
    assert nodes["last"] == ["GRU", {"units": 3, "direction": "both"}]
    words = " ".join(report["changed"])
    assert "tokens 0, which fill texts up; here the data say" in words
    assert "last left out inputs or states while it was trained" in words


def test_films_and_sequences(found):
    assert found["film.keras"]["report"]["difference"] <= 1e-5
    kinds = [kind for kind, _ in found["film.keras"]["nodes"].values()]
    assert kinds[1:5] == ["TimeDistributedConv2D", "TimeDistributedFlatten", "Dense", "SimpleRNN"]
    assert {"ConvTranspose1D", "Upsample1D"} <= set(kinds)


def test_pictures_of_any_size_augmentation_and_several_outputs(found):
    report = found["free.keras"]["report"]
    assert report["difference"] <= 1e-5
    assert found["free.keras"]["shape"] == [224, 224, 3]
    words = " ".join(report["changed"])
    assert "takes pictures of any size; here they are 224 × 224" in words
    assert "(RandomFlip) changed pictures while it was trained" in words
    kinds = [kind for kind, _ in found["free.keras"]["nodes"].values()]
    assert kinds.count("Reduce") == kinds.count("Output") == 2


def test_half_precision_is_brought_to_single(found):
    report = found["half.keras"]["report"]
    assert report["difference"] <= 1e-5
    assert "in half precision" in " ".join(report["changed"])


def test_a_model_in_a_model_is_walked_through(found):
    assert "inner" in found["nested.keras"]["nodes"]


def test_weights_alone_fill_a_network_by_name_with_as_many_classes_as_they_have(found):
    report = found["seven"]["report"]
    assert report["difference"] <= 1e-5
    assert report["matched"] > 100
    assert found["seven"]["has_head"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("others", "are not those of MobileNetV2"),
        ("shared.keras", "share no weights"),
        ("lambda.keras", "holds a Lambda layer, whose Python code would be run"),
        ("power.keras", "Power"),
        ("own.keras", "a class of its own, Own, whose code is not in the file"),
        ("weights.h5", "weights without their network"),
    ],
)
def test_what_cannot_be_taken_is_told(found, name, words):
    assert words in found[name]["error"]
