"""Programs of torch.export and TorchScript become layers; none can do anything else."""

from __future__ import annotations

import json
import zipfile

import pytest
import torch  # noqa: TID253

from plugins.importers._torch_programs import imported
from plugins.importers._torch_scripts import check_archive
from plugins.importers.torch_program import kind_of
from tests.plugins.importers import networks
from workbench.errors import UserError
from workbench.plugin_api.importer import NotCoveredError
from workbench.worker.pretrained.checking import check_parameters, difference, resolved

HEIGHT, WIDTH, CHANNELS = networks.SIZE
pytestmark = pytest.mark.filterwarnings("ignore")


def example(batch=2, kind=torch.float32):
    return torch.zeros(batch, CHANNELS, HEIGHT, WIDTH, dtype=kind)


def as_program(module, path, kind=torch.float32, *, any_batch=True):
    shapes = ({0: torch.export.Dim("batch")},) if any_batch else None
    program = torch.export.export(module, (example(2, kind),), dynamic_shapes=shapes)
    torch.export.save(program, path)


WRITERS = {
    "any.pt2": as_program,
    "two.pt2": lambda module, path: as_program(module, path, any_batch=False),
    "traced.pt": lambda module, path: torch.jit.trace(module, example()).save(path),
    "scripted.jit": lambda module, path: torch.jit.script(module).save(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_program_becomes_layers(name, catalog, tmp_path):
    path = tmp_path / name
    module = networks.lively(networks.Residual())
    if name == "scripted.jit":
        module = networks.lively(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()))
    WRITERS[name](module, path)
    found = imported(path, kind_of(path), lambda words: None)
    network = resolved(found, catalog)
    check_parameters(found, network)
    assert difference(found, network, catalog) <= 1e-5
    assert any(word in found.origin for word in ("torch.export", "TorchScript"))
    if name != "scripted.jit":
        assert found.graph["stem"].type == "Conv2D"


def test_weights_alone_are_no_program(tmp_path):
    torch.save(networks.Residual().state_dict(), tmp_path / "weights.pt")
    assert not kind_of(tmp_path / "weights.pt")


def rewritten(path, name, change):
    """Change a member of an archive, as somebody who means harm might."""
    with zipfile.ZipFile(path) as archive:
        held = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in held.items():
            archive.writestr(each, change(content) if each.endswith(name) else content)


def test_pickles_and_code_in_a_program_are_refused(tmp_path):
    path = tmp_path / "n.pt2"
    as_program(networks.lively(networks.Residual()), path)
    read = lambda: imported(path, "torch.export", lambda words: None)  # noqa: E731
    rewritten(path, "model.json", lambda content: content.replace(b"Symbol(", b"print('no') or ("))
    with pytest.raises(UserError, match="which is no size"):
        read()
    as_program(networks.lively(networks.Residual()), path)

    def pickled(content):
        config = json.loads(content)
        for entry in config["config"].values():
            entry["use_pickle"] = True
        return json.dumps(config).encode()

    rewritten(path, "model_weights_config.json", pickled)
    with pytest.raises(UserError, match="pickled objects"):
        read()


def test_a_script_that_reads_files_is_not_run(tmp_path):
    class Reading(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.from_file("/etc/hostname", size=1)

    path = tmp_path / "n.pt"
    torch.jit.script(Reading()).save(path)
    with pytest.raises(UserError, match="reaches beyond its values"):
        imported(path, "TorchScript", lambda words: None)


class Stateful(torch.nn.Module):
    """Writes a file when it is loaded: torch.jit.load calls what is exported as __setstate__."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        torch.save(torch.ones(1), state[0])
        self.path, self.training = state


def test_code_that_would_run_while_a_script_is_loaded_never_does(tmp_path):
    path, written = tmp_path / "n.pt", tmp_path / "written.pt"
    torch.jit.script(Stateful(str(written))).save(path)
    with pytest.raises(UserError, match=r"n.pt is not loaded: .* \(__setstate__\)") as refusal:
        imported(path, "TorchScript", lambda words: None)
    assert ".safetensors" in refusal.value.hint
    assert not written.exists()
    torch.jit.load(path)
    assert written.exists()  # so there was something to refuse


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("torch.relu(", "ops.image.read_file(", "reaches beyond its values .read_file."),
        ("torch.relu(", "ops.c10d.barrier(", "operations of another program .ops.c10d."),
        ("torch.relu(", 'getattr(input, "s\\141ve")(', "in a hidden way"),
    ],
)
def test_scripts_that_do_more_than_compute_are_not_loaded(before, after, words, tmp_path):
    path = tmp_path / "n.pt"
    torch.jit.script(torch.nn.Sequential(torch.nn.ReLU())).save(path)
    rewritten(path, ".py", lambda text: text.replace(before.encode(), after.encode()))
    with pytest.raises(UserError, match=words):
        imported(path, "TorchScript", lambda words: None)


def test_objects_of_other_programs_in_a_script_are_not_made(tmp_path):
    path = tmp_path / "n.pt"
    torch.jit.script(torch.nn.Sequential(torch.nn.ReLU())).save(path)
    named = b"c__torch__.torch.classes.c10d\nProcessGroup\n"
    rewritten(path, "data.pkl", lambda content: content[:2] + named + b"0" + content[2:])
    with pytest.raises(UserError, match=r"objects of another program .classes\.c10d."):
        imported(path, "TorchScript", lambda words: None)


def test_quantised_scripts_unpack_their_numbers_by_code_of_pytorch(tmp_path):
    path = tmp_path / "n.pt"
    module = torch.nn.Sequential(torch.nn.Linear(4, 3)).eval()
    reduced = torch.ao.quantization.quantize_dynamic(module, {torch.nn.Linear})
    torch.jit.trace(reduced, torch.zeros(2, 4)).save(path)
    check_archive(path)  # lets them pass
    with pytest.raises(NotCoveredError, match="no parameters that could be trained: it is quant"):
        imported(path, "TorchScript", lambda words: None)


def test_series_half_precision_and_results_by_name(catalog, tmp_path):
    series = torch.nn.Sequential(torch.nn.Conv1d(2, 4, 3), torch.nn.ReLU()).eval()
    torch.jit.trace(series, torch.zeros(2, 2, 30)).save(tmp_path / "series.pt")
    as_program(
        networks.lively(networks.Residual()).bfloat16(), tmp_path / "half.pt2", torch.bfloat16
    )

    class Named(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Conv2d(CHANNELS, 4, 3)

        def forward(self, x):
            return {"out": self.body(x)}

    torch.jit.trace(Named().eval(), example(), strict=False).save(tmp_path / "named.pt")
    for name in ("series.pt", "half.pt2", "named.pt"):
        found = imported(tmp_path / name, kind_of(tmp_path / name), lambda words: None)
        assert difference(found, resolved(found, catalog), catalog) <= 1e-5
    whole = torch.nn.Embedding(9, 3)
    torch.jit.trace(whole, torch.ones(2, 4, dtype=torch.long)).save(tmp_path / "tokens.pt")
    with pytest.raises(NotCoveredError, match="takes whole numbers") as refusal:
        imported(tmp_path / "tokens.pt", "TorchScript", lambda words: None)
    assert ".pt2" in refusal.value.hint


def test_a_damaged_program_is_told(tmp_path):
    path = tmp_path / "n.pt2"
    as_program(networks.lively(networks.Residual()), path)
    rewritten(path, "weight_0", lambda content: content[:5])
    with pytest.raises(UserError, match="PyTorch cannot load"):
        imported(path, "torch.export", lambda words: None)
