"""A network by name or in a file becomes an experiment that trains, or nothing is left behind."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
import torch  # noqa: TID253
from safetensors.numpy import load_file
from torch import nn  # noqa: TID253

from plugins.importers import _index
from plugins.importers._hub import is_cached
from plugins.importers.torchvision_models import TorchvisionImporter
from workbench.analysis.problems import check
from workbench.document.edits import set_data
from workbench.document.experiment import Component, Experiment
from workbench.errors import UserError
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.importer import NotCoveredError, Published
from workbench.plugin_api.tensors import TensorType
from workbench.runs.start import find, fit, shapes_in
from workbench.worker.pretrained.finding import named
from workbench.worker.pretrained.importing import Wish, ask, take
from workbench.worker.pretrained.making import ALL_BUT_HEAD


class Small(nn.Module):
    """Stands in for a network of the library; quick to trace."""

    def __init__(self, num_classes=1000):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.fc = nn.Linear(6, num_classes)

    def forward(self, x):
        return self.fc(self.norm(self.conv(x)).relu().mean((2, 3)))


@pytest.fixture
def library(monkeypatch):
    """torchvision, whose resnet18 is small."""
    monkeypatch.setattr(
        TorchvisionImporter, "build", lambda self, name, classes=None: Small(classes or 1000)
    )
    own = {name: tuple(v.shape) for name, v in Small().state_dict().items() if "num_" not in name}
    known = {each.name: each for each in _index.entries("torchvision")}
    entry = msgspec.structs.replace(known["resnet18"], **_index.marks(own))
    monkeypatch.setattr(
        _index, "entries", lambda importer: (entry,) if importer == "torchvision" else ()
    )


@pytest.fixture
def pictures():
    torch.manual_seed(1)
    return Small(4).state_dict()


def wish(tmp_path, source, **others):
    return Wish(source=str(source), folder=tmp_path / "kept", **others)


def test_a_weights_file_finds_its_network_and_keeps_what_it_learned(
    library, pictures, catalog, tmp_path
):
    path = tmp_path / "mine.pth"
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in pictures.items()}}, path)
    told = []
    base = Experiment(data=Experiment().data, notes="mine")
    taken = take(wish(tmp_path, path, base=base), catalog, told.append)
    assert told[0] == "Looking for its architecture"
    report = taken.report
    assert report.difference <= 1e-5
    assert report.matched == 8
    assert ("module.fc.weight", "fc.weight") in report.renamed
    weights = load_file(find(taken.experiment.start))
    np.testing.assert_array_equal(weights["fc/kernel"], pictures["fc.weight"].numpy().T)
    assert taken.experiment.notes == "mine"
    assert taken.experiment.data.source == base.data.source
    params = taken.experiment.data.preprocessing.params
    assert (params["height"], params["crop_share"]) == (224, 0.875)
    text = "\n".join(report.lines())
    assert "resnet18 of torchvision with the weights of mine.pth" in text
    assert "224 × 224, the middle 87.5 %" in text


def test_the_head_is_swapped_and_the_body_frozen(library, pictures, catalog, tmp_path):
    path = tmp_path / "mine.pth"
    torch.save(pictures, path)
    asked = wish(
        tmp_path, path, architecture="torchvision:resnet18", classes=7, freeze=ALL_BUT_HEAD
    )
    taken = take(asked, catalog)
    graph = taken.experiment.graph
    assert graph["fc"].params["units"] == 7
    assert taken.report.frozen == ("conv", "norm")
    assert "7 outputs instead of 4" in taken.report.head
    info = DataInfo(input=TensorType((224, 224, 3)), classes=tuple("abcdefg"))
    report = check(taken.experiment, catalog, info)
    assert not report.errors
    found = fit(report.network, shapes_in(find(taken.experiment.start)))
    assert set(found.drawn) == {"fc/kernel", "fc/bias"}


def test_a_network_by_name_is_asked_about_a_picture(library, catalog, tmp_path):
    from PIL import Image

    picture = tmp_path / "grey.png"
    Image.fromarray(np.full((40, 60), 90, np.uint8)).save(picture)
    taken = take(wish(tmp_path, "resnet18"), catalog)
    assert "random weights" in taken.report.origin
    answers = ask(taken, picture, catalog)
    assert len(answers) == 5
    assert answers[0][1] >= answers[1][1]
    assert answers[0][0] in taken.imported.classes


def test_weights_that_cannot_be_had_are_told_without_a_traceback(
    library, catalog, tmp_path, monkeypatch
):
    def fails(self, name, weights, tell):
        raise OSError("Temporary failure in name resolution")

    monkeypatch.setattr(TorchvisionImporter, "published", fails)
    with pytest.raises(UserError, match="not on this computer") as caught:
        take(wish(tmp_path, "torchvision:resnet18", published="IMAGENET1K_V1"), catalog)
    assert "name resolution" in caught.value.message
    assert not (tmp_path / "kept").exists()


def test_a_name_goes_to_the_library_that_has_the_weights(catalog):
    importers = [kind() for kind in catalog.importers]
    assert named("resnet18", importers)[0].id == "timm"
    assert named("resnet18", importers, "IMAGENET1K_V1")[0].id == "torchvision"
    assert named("google-bert/bert-base-uncased", importers)[0].id == "transformers"


def test_a_body_without_its_head_gets_a_new_one(library, catalog, tmp_path):
    body = {name: value for name, value in Small().state_dict().items() if "fc" not in name}
    path = tmp_path / "body.pth"
    torch.save({"model": body, "model_ema": body}, path)
    taken = take(wish(tmp_path, str(path), architecture="torchvision:resnet18"), catalog)
    text = " ".join(taken.report.lines())
    assert "Its last layer, fc, is not in the file and starts anew." in text
    assert "“model_ema”, other weights in the file" in text
    assert not taken.report.classes
    del body["conv.weight"]
    torch.save(body, path)
    with pytest.raises(UserError, match="does not fit resnet18"):
        take(wish(tmp_path, str(path), architecture="torchvision:resnet18"), catalog)


def test_networks_of_other_tasks_and_other_ways_to_name_weights_are_told(catalog):
    importers = [kind() for kind in catalog.importers]
    with pytest.raises(NotCoveredError, match="does not tell classes of pictures"):
        named("fasterrcnn_resnet50_fpn", importers)
    for name in ("timm:resnet10t.c3_in1k", "timm:timm/resnet10t.c3_in1k"):
        with pytest.raises(UserError) as refusal:
            named(name, importers)
        assert refusal.value.hint == "Did you mean resnet10t with the weights c3_in1k?"


@pytest.mark.parametrize("source", ["gone/net.onnx", "./net", "net.keras"])
def test_a_file_that_is_not_there_is_told(source, catalog, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        take(wish(tmp_path, source), catalog)


def test_weights_on_the_hub_are_here_when_all_of_their_parts_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--owner--net" / "snapshots" / "1a2b"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert not is_cached("owner/net")  # a download that was cut off before the weights
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    (folder / parts["a"]).touch()
    assert not is_cached("owner/net")
    (folder / parts["b"]).touch()
    assert is_cached("owner/net")


def test_weights_in_the_librarys_cache_are_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = Published(name="V1", file="net-123.pth")
    assert not TorchvisionImporter().is_here(weights)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "net-123.pth").touch()
    assert TorchvisionImporter().is_here(weights)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other.pth", "fit no architecture"),
        ("graph.onnx", "holds no network"),
        ("gone.pth", "does not exist"),
        ("resnet19", "Did you mean resnet18"),
    ],
)
def test_what_cannot_be_imported_is_told(library, catalog, tmp_path, name, words):
    path = tmp_path / name
    torch.save({"a.weight": torch.ones(3, 2)}, tmp_path / "other.pth")
    (tmp_path / "graph.onnx").touch()
    source = path if "." in name else name
    with pytest.raises(UserError) as caught:
        take(wish(tmp_path, source), catalog)
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_pictures_are_prepared_by_given_numbers(catalog, tmp_path):
    params = {
        "height": 6,
        "width": 6,
        "channels": "rgb",
        "resize": "crop",
        "crop_share": 0.5,
        "scaling": "given",
        "mean": [0.1, 0.2, 0.3],
        "deviation": [0.5, 0.25, 0.125],
        "colour_order": "bgr",
    }
    preparation = catalog.preprocessing(Component("image", params))
    picture = np.zeros((12, 12, 3), np.uint8)
    picture[3:9, 3:9] = (255, 51, 0)
    shaped = preparation.shape(picture)
    assert (shaped == (255, 51, 0)).all()  # the middle half alone
    expected = [(0 - 0.3) / 0.125, (0.2 - 0.2) / 0.25, (1 - 0.1) / 0.5]
    np.testing.assert_allclose(preparation.scale(shaped, {})[0, 0], expected, atol=1e-6)
    from PIL import Image

    Image.fromarray(picture).save(tmp_path / "middle.png")
    scope = {}
    exec(preparation.python_source({"shape": [6, 6, 3]}), scope)
    np.testing.assert_array_equal(
        scope["load"](str(tmp_path / "middle.png")), preparation.scale(shaped, {})
    )


def test_texts_of_a_network_without_a_tokeniser_are_numbered_anew(catalog, tmp_path):
    class Texts(nn.Module):
        def __init__(self):
            super().__init__()
            self.rows = nn.Embedding(30, 6)
            self.fc = nn.Linear(6, 2)

        def forward(self, x):
            return self.fc(torch.cumsum(self.rows(x), 1).mean(1))

    example, batch = torch.ones(2, 9, dtype=torch.long), torch.export.Dim("batch")
    program = torch.export.export(Texts().eval(), (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "texts.pt2")
    base = set_data(Experiment(), source=Component("film_sentences"))
    taken = take(wish(tmp_path, tmp_path / "texts.pt2", base=base, form="block"), catalog)
    chosen = taken.experiment.data.preprocessing
    assert chosen == Component("text", {"vocabulary_size": 30, "length": 9})
    assert "does not say which token stands for which word" in " ".join(taken.report.lines())
