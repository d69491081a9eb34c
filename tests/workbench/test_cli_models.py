"""`models` and `import` from the command line."""

from __future__ import annotations

import json

import pytest

from workbench import cli
from workbench.document.files import load


def do(capfd, *arguments):
    status = cli.main([*map(str, arguments), "--json"])
    printed = capfd.readouterr()
    return status, json.loads(printed.out.splitlines()[-1])


def test_networks_are_listed_by_words_and_shown(capfd):
    status, found = do(capfd, "models", "list", "torchvision", "squeeze")
    assert status == 0
    assert [each["name"] for each in found["models"]] == ["squeezenet1_0", "squeezenet1_1"]
    status, shown = do(capfd, "models", "show", "torchvision:resnet18")
    assert status == 0
    assert shown["model"]["parameters"] == 11_689_512
    assert shown["model"]["weights"][0]["accuracy"] == pytest.approx(69.758)
    assert cli.main(["models", "show", "torchvision:resnet18"]) == 0
    said = capfd.readouterr().out
    assert "224 × 224 × 3" in said
    assert "69.8 % of ImageNet right" in said
    assert "would be downloaded" in said


def test_a_file_of_keras_or_pytorch_is_named_in_its_refusal(capfd, tmp_path):
    target = tmp_path / "net.workbench.json"
    status, found = do(capfd, "import", tmp_path / "gone.keras", "-o", target)
    assert status == 3
    assert "gone.keras does not exist" in found["error"]
    assert not target.exists()


def test_a_file_that_is_there_is_not_replaced_by_chance(capfd, tmp_path):
    target = tmp_path / "net.workbench.json"
    target.write_text("mine")
    status, found = do(capfd, "import", "resnet18", "-o", target)
    assert status == 3
    assert "exists already" in found["error"]
    assert target.read_text() == "mine"


def test_a_network_becomes_an_experiment(capfd, tmp_path):
    target = tmp_path / "net.workbench.json"
    status, found = do(
        capfd,
        "import",
        "torchvision:squeezenet1_1",
        "-o",
        target,
        "--classes",
        "10",
        "--freeze",
        "features_7_squeeze",
    )
    assert status == 0, found
    assert found["report"]["difference"] <= 1e-5
    experiment = load(target)
    assert experiment.graph["classifier_1"].params["filters"] == 10
    frozen = [node.id for node in experiment.graph.nodes if not node.trainable]
    assert frozen[0] == "features_0"
    assert frozen[-1] == "features_7_squeeze"
    status, checked = do(capfd, "check", target)
    assert status == 0, checked
