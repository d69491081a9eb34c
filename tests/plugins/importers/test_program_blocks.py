"""Programs of PyTorch that cannot become layers run as one block, and are trained there."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch  # noqa: TID253
from torch import nn  # noqa: TID253

from tests.plugins.importers.test_onnx_blocks import model_of
from workbench.analysis.retraining import cut_after, freeze_inside
from workbench.analysis.shapes import resolve
from workbench.document.edits import insert_on_edge
from workbench.document.graph import Node
from workbench.errors import UserError
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.tensors import TensorType
from workbench.worker.pretrained.importing import Wish, take

pytestmark = pytest.mark.filterwarnings("ignore")


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.cumsum(torch.relu(self.norm(self.conv(x))), 1)


class Odd(nn.Module):
    """Adds up over channels, which no layer does."""

    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.drop(self.stem(x).mean((2, 3))))


class Texts(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 6)
        self.scan = nn.Conv1d(6, 5, 3)

    def forward(self, x):
        y = torch.cumsum(self.scan(self.embed(x).transpose(1, 2)), 2)
        return y.amax(2), y


@pytest.fixture(scope="module")
def odd():
    torch.manual_seed(0)
    module = Odd().eval()
    nn.init.uniform_(module.stem.norm.running_var, 0.5, 2)
    return module


def program(module, path, example, *, any_batch=True):
    shapes = ({0: torch.export.Dim("batch")},) if any_batch else None
    torch.export.save(torch.export.export(module, (example,), dynamic_shapes=shapes), path)
    return path


def took(path, catalog, **wish):
    return take(Wish(source=str(path), folder=path.parent / "kept", **wish), catalog)


def pictures(count=5):
    return np.random.default_rng(1).normal(size=(count, 12, 16, 3)).astype(np.float32)


def answers(module, x):
    with torch.no_grad():
        return module(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).numpy()


def test_an_exported_program_keeps_its_modules(odd, catalog, tmp_path):
    path = program(odd, tmp_path / "odd net.pt2", torch.randn(2, 3, 12, 16))
    taken = took(path, catalog)
    assert [n.layer.id for n in taken.network.nodes] == ["Input", "Pretrained", "Dense", "Output"]
    assert "cumsum" in taken.report.whole
    assert taken.report.parameters == sum(p.numel() for p in odd.parameters())
    block = taken.network.nodes[1]
    kinds = {part.path: part.kind for part in block.layer.inner()}
    assert kinds["stem"] == "Stem"
    assert kinds["stem.norm"] == "BatchNorm2d"
    network, model = model_of(taken, catalog, tmp_path)
    model.load_weights(taken.imported.weights)
    for count in (5, 1):
        x = pictures(count)
        np.testing.assert_allclose(model.predict(x), answers(odd, x), atol=1e-6)
    name = f"{block.id}.stem"
    seen = model.probe(pictures(), (name,))[name]
    np.testing.assert_allclose(
        seen, np.moveaxis(answers(odd.stem, pictures()), 1, -1), rtol=1e-5, atol=1e-6
    )
    cut = cut_after(taken.experiment, network, block.id, "stem.conv")
    cut = insert_on_edge(cut, Node("pool", "GlobalAveragePool"), "head", 0)
    network = resolve(cut.graph, catalog, TensorType((12, 16, 3))).network
    assert network[block.id].output.shape == (12, 16, 8)
    assert set(network[block.id].weights) == {"stem.conv.weight", "stem.conv.bias"}


def test_a_program_for_any_size_takes_other_pictures(odd, catalog, tmp_path):
    sides = {2: torch.export.Dim("height", min=8), 3: torch.export.Dim("width", min=8)}
    shapes = ({0: torch.export.Dim("batch"), **sides},)
    found = torch.export.export(odd, (torch.randn(2, 3, 12, 16),), dynamic_shapes=shapes)
    torch.export.save(found, tmp_path / "net.pt2")
    taken = took(tmp_path / "net.pt2", catalog)
    assert "other heights and widths" in " ".join(taken.report.changed)
    kind = TensorType((71, 90, 3))
    network, model = model_of(taken, catalog, tmp_path, kind=kind)
    assert network.inner["net.stem"].shape == (71, 90, 8)
    model.load_weights(taken.imported.weights)
    x = np.random.default_rng(1).normal(size=(2, 71, 90, 3)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), answers(odd, x), atol=1e-6)
    fixed = took(program(odd, tmp_path / "fixed.pt2", torch.randn(2, 3, 12, 16)), catalog)
    (bad, *_) = resolve(fixed.experiment.graph, catalog, kind).problems
    assert "takes pictures of 12 × 16 × 3" in bad.message


def test_it_is_trained_but_for_what_is_frozen(odd, catalog, tmp_path):
    path = program(odd, tmp_path / "net.pt2", torch.randn(2, 3, 12, 16))
    taken = took(path, catalog)
    frozen = freeze_inside(taken.experiment, taken.network, "net", "stem.conv")
    _, model = model_of(taken, catalog, tmp_path, frozen)
    model.load_weights(taken.imported.weights)
    before = model.weights()
    model.train_step([Batch(pictures(4), np.array([0, 1, 2, 3]))], 0.1)
    changed = {name for name, value in model.weights().items() if (value != before[name]).any()}
    assert changed == {
        *("head/kernel", "head/bias", "net/stem.norm.weight", "net/stem.norm.bias"),
    }


@pytest.mark.parametrize("kind", ["traced", "scripted", "fixed"])
def test_programs_of_one_piece(kind, odd, catalog, tmp_path):
    if kind == "fixed":
        example = torch.randn(2, 3, 12, 16)
        path = program(odd, tmp_path / "net.pt2", example, any_batch=False)
    else:
        path = tmp_path / "net.pt"
        example = torch.randn(1, 3, 12, 16)
        made = torch.jit.trace(odd, example) if kind == "traced" else torch.jit.script(odd)
        made.save(path)
    taken = took(path, catalog, classes=3)
    types = {node.type for node in taken.experiment.graph.nodes}
    assert types == {"Input", "Pretrained", "Dense", "Output"}
    text = " ".join(taken.report.lines())
    assert "inner modules can be frozen:" in text
    assert ("network in use" in text) is (kind != "scripted")
    shape = (224, 224, 3) if kind == "scripted" else (12, 16, 3)
    assert taken.network.nodes[0].output.shape == shape
    block = taken.experiment.graph.nodes[1].id
    frozen = freeze_inside(taken.experiment, taken.network, block, "stem")
    network, model = model_of(taken, catalog, tmp_path, frozen)
    own = {k: v for k, v in taken.imported.weights.items() if k in network.weight_specs()}
    model.load_weights({**model.weights(), **own})
    before = model.weights()
    x = np.random.default_rng(1).normal(size=(5, *shape)).astype(np.float32)
    given = model.probe(x, (block,))[block]
    np.testing.assert_allclose(given, answers(odd, x), rtol=1e-5, atol=1e-5)
    model.train_step([Batch(x, np.array([0, 1, 2, 0, 1]))], 0.1)
    changed = {name for name, value in model.weights().items() if (value != before[name]).any()}
    assert changed >= {f"{block}/head.weight", "head/kernel"}
    assert not any(name.startswith(f"{block}/stem") for name in changed)


def test_a_program_that_was_put_in_its_place_is_not_loaded(odd, catalog, tmp_path):
    taken = took(program(odd, tmp_path / "net.pt2", torch.randn(2, 3, 12, 16)), catalog)
    (name,) = taken.imported.assets
    content = io.BytesIO(taken.imported.assets[name])
    with zipfile.ZipFile(content, "a") as archive:
        root = archive.namelist()[0].partition("/")[0]
        archive.writestr(f"{root}/data/constants/custom_obj_0", b"anything")
    taken.imported.assets[name] = content.getvalue()
    with pytest.raises(UserError, match="could do anything on this computer"):
        model_of(taken, catalog, tmp_path)


def test_tokens_and_several_results(catalog, tmp_path):
    module = Texts().eval()
    path = program(module, tmp_path / "net.pt2", torch.ones(2, 9, dtype=torch.long))
    taken = took(path, catalog, form="block")
    assert taken.imported.vocabulary == 30
    assert taken.network.nodes[1].output.shape == (5,)
    assert taken.report.difference <= 1e-6
    _, model = model_of(taken, catalog, tmp_path)
    model.load_weights(taken.imported.weights)
    x = np.random.default_rng(0).integers(30, size=(4, 9))
    with torch.no_grad():
        wanted = module(torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(model.predict(x), wanted, atol=1e-6)


def test_series_of_a_convolution_lie_channels_first(catalog, tmp_path):
    module = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU()).eval()
    path = program(module, tmp_path / "net.pt2", torch.randn(2, 2, 11))
    taken = took(path, catalog, form="block")
    assert taken.network.nodes[0].output.shape == (11, 2)
    assert taken.network.nodes[1].output.shape == (9, 4)
    assert taken.report.difference <= 1e-6
    with pytest.raises(NotCoveredError, match="2 inputs"):
        took(_two(tmp_path / "two.pt2"), catalog)


def _two(path):
    example = (torch.randn(2, 2), torch.randn(2, 2))
    torch.export.save(torch.export.export(nn.Bilinear(2, 2, 3), example), path)
    return path
