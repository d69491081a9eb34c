"""What the documentation shows really works."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.analysis.shapes import resolve
from workbench.catalog import Catalog
from workbench.cli.arguments import NAMES, parse
from workbench.cli.system import QT_LIBRARIES
from workbench.document.graph import Graph, Node
from workbench.plugin_api.tensors import TensorType

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def scaled_tanh(tmp_path, monkeypatch):
    """The plug-in of the guide, installed as its file name says."""
    (source,) = blocks(ROOT / "docs/plugins.md", "python")
    (tmp_path / "scaled_tanh.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    catalog = Catalog.load()
    catalog.add_module("scaled_tanh")
    yield catalog
    del sys.modules["scaled_tanh"]


def test_the_layer_of_the_guide_works(scaled_tanh):
    import torch

    assert scaled_tanh.broken == []
    nodes = (
        Node("input1", "Input"),
        Node("tanh1", "ScaledTanh", {"amplitude": 2.0}, ("input1",)),
        Node("output1", "Output", {}, ("tanh1",)),
    )
    resolution = resolve(Graph(nodes), scaled_tanh, TensorType((3,)))
    assert resolution.problems == ()
    assert resolution.by_id["tanh1"].layer.summary() == "2 · tanh(0.666667 x)"
    generated = scaled_tanh.backend("torch").generate(resolution.network)
    module: dict = {}
    exec(compile(generated.source, "generated", "exec"), module)
    network = module[generated.class_name]()
    values = np.array([[-1.0, 0.0, 2.0]], np.float32)
    np.testing.assert_allclose(
        network(torch.from_numpy(values)).numpy(), 2 * np.tanh(2 / 3 * values), rtol=1e-6
    )


def test_the_form_of_the_guide_s_layer_comes_from_its_annotations(scaled_tanh):
    amplitude, slope = scaled_tanh.layers["ScaledTanh"].parameters()
    assert (amplitude.title, amplitude.above, amplitude.default) == ("Amplitude", 0, 1.7159)
    assert slope.kind == "float"


def commands() -> list[str]:
    return [
        line.partition("#")[0].strip()
        for block in blocks(ROOT / "README.md", "sh")
        for line in block.splitlines()
        if line.startswith("workbench ")
    ]


@pytest.mark.parametrize("command", commands())
def test_commands_of_the_readme_are_understood(command):
    options = parse(shlex.split(command)[1:])
    assert options.command in NAMES


def test_the_readme_shows_every_command():
    assert {command.split()[1] for command in commands()} == set(NAMES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_paths_named_in_the_documents_exist():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`((?:workbench|widgets|plugins|resources|tests|docs)/[\w/.]+)`", text)
        assert [path for path in named if not (ROOT / path).exists()] == [], page.name


def test_the_list_of_system_packages_is_complete():
    listed = set((ROOT / "scripts/debian-packages").read_text().split())
    assert set(QT_LIBRARIES.values()) <= listed
    assert {"make", "python3-venv"} <= listed
