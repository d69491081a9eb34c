"""A bare state dict gets its network from another file of it, and then computes the same."""

from __future__ import annotations

import io

import numpy as np
import onnxruntime  # noqa: TID253
import pytest
import torch  # noqa: TID253
from safetensors.torch import save_file
from torch import nn  # noqa: TID253

from tests.packages import unpacked
from tests.plugins.importers.odd_graphs import sums
from workbench.errors import UserError
from workbench.worker.pretrained.checking import predictor
from workbench.worker.pretrained.importing import Wish, take


class Reader(nn.Module):
    """Layers of equal shapes, recurrent ones of both kinds, a bare parameter."""

    def __init__(self):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(5, 4))
        self.conv = nn.ModuleList([nn.Conv1d(5, 5, 3, padding=1) for _ in range(11)])
        self.gru = nn.GRU(5, 6, batch_first=True)
        self.lstm = nn.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = nn.functional.linear(x, self.basis).transpose(1, 2)
        for conv in self.conv:
            x = torch.relu(conv(x)) + x
        x, _ = self.gru(x.transpose(1, 2))
        return self.head(self.lstm(x)[0].mean(1))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return a file that describes a network, and the same network with other weights."""
    path = tmp_path_factory.mktemp("network") / "net.onnx"
    buffer = io.BytesIO()
    torch.manual_seed(0)
    options = {"dynamo": False, "opset_version": 17, "input_names": ["x"]}
    torch.onnx.export(Reader().eval(), (torch.randn(1, 7, 4),), buffer, **options)
    path.write_bytes(buffer.getvalue())
    torch.manual_seed(1)
    return path, Reader().eval()


def took(source, architecture, catalog, folder):
    wish = Wish(source=str(source), architecture=str(architecture), folder=folder)
    return take(wish, catalog)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_state_dict_takes_the_network_of_an_onnx_file(kind, drawn, catalog, tmp_path):
    network, module = drawn
    path = tmp_path / f"mine.{kind}"
    state = {f"model.{name}": value for name, value in module.state_dict().items()}
    state["model.steps"] = torch.tensor([3])
    if kind == "pth":
        torch.save({"state_dict": state}, path)
    else:
        save_file(state, path)
    taken = took(path, network, catalog, tmp_path)
    x = np.random.default_rng(0).normal(size=(3, 7, 4)).astype(np.float32)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    found = predictor(taken.network, taken.imported, catalog)(x)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    text = " ".join(taken.report.lines())
    assert "the network of net.onnx" in text
    assert "by their names" in text
    assert "They differ from those that net came with" in text
    assert taken.experiment.name == "mine"
    assert taken.report.matched == len(state) - 1


@pytest.mark.filterwarnings("ignore")
def test_what_does_not_fit_is_refused(drawn, catalog, tmp_path):
    network, module = drawn
    state = dict(module.state_dict())
    del state["conv.3.bias"]
    path = tmp_path / "mine.pth"
    torch.save(state, path)
    with pytest.raises(UserError, match=r"1 have no module of their shapes .* such as conv_\d"):
        took(path, network, catalog, tmp_path)
    with pytest.raises(UserError, match="block whose weights cannot be changed"):
        took(path, sums(tmp_path / "odd.onnx"), catalog, tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UserError, match="does not describe a network"):
        took(path, tmp_path / "notes.txt", catalog, tmp_path)
    with pytest.raises(UserError, match="fit no architecture") as refusal:
        take(Wish(source=str(path), folder=tmp_path), catalog)
    assert "another file of the same network" in refusal.value.hint
    assert not list(tmp_path.glob("*.safetensors"))


def test_one_network_in_three_forms(catalog, tmp_path):
    folder = unpacked("akiki==0.0.6") / "akiki/models"
    network = folder / "akiki-vad.onnx"
    forms = {
        "onnx": take(Wish(source=str(network), folder=tmp_path), catalog),
        "pt": took(folder / "akiki-vad.pt", network, catalog, tmp_path),
        "safetensors": took(
            folder / "akiki-vad-native/model.safetensors", network, catalog, tmp_path
        ),
    }
    x = np.random.default_rng(0).normal(size=(4, 576)).astype(np.float32)
    session = onnxruntime.InferenceSession(network.read_bytes())
    state = np.zeros((1, 1, 128), np.float32)
    names = [each.name for each in session.get_inputs()]
    rows = [session.run(None, dict(zip(names, (row[None], state), strict=True)))[0] for row in x]
    for taken in forms.values():
        found = predictor(taken.network, taken.imported, catalog)(x)
        np.testing.assert_allclose(found.ravel(), np.ravel(rows), atol=1e-5)
    for form in ("pt", "safetensors"):
        assert "Both files have the same weights." in forms[form].report.changed
