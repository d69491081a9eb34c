"""The generated PyTorch module: readable, formatted, and the same network as the document's."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
import traceback

import numpy as np
import pytest

from plugins.backends.pytorch.code import generate, generate_probe, torch_names
from plugins.backends.pytorch.names import MODULE_ATTRIBUTES, attributes, class_name, variables
from tests.plugins.backends.random_networks import HOSTILE, random_network
from tests.plugins.networks import Build, compiled, make, random_array, single
from tests.plugins.ragged import TOKENS, chain
from workbench.errors import UserError
from workbench.plugin_api.code import Bind
from workbench.plugin_api.network import Network
from workbench.worker.initial import initial_weights


def digits(catalog):
    build = Build(catalog, "digits CNN")
    last = build.input("image", 8, 8, 1)
    for node_id, layer_type, params in (
        ("conv1", "Conv2D", {"filters": 8, "padding": "same"}),
        ("norm1", "BatchNorm", {}),
        ("relu1", "ReLU", {}),
        ("pool1", "MaxPool2D", {}),
        ("flatten", "Flatten", {}),
        ("dense", "Dense", {"units": 10}),
    ):
        last = build.add(node_id, layer_type, last, **params)
    build.add("output", "Output", last)
    return build.network()


def residual(catalog):
    """A block with a shortcut, gated by squeeze and excitation, then two branches joined."""
    build = Build(catalog, "residual")
    build.input("image", 8, 8, 3)
    build.add("stem", "Conv2D", "image", filters=4, padding="same")
    build.add("conv1", "Conv2D", "stem", filters=4, padding="same", activation="relu")
    build.add("conv2", "Conv2D", "conv1", filters=4, padding="same")
    build.add("squeeze", "GlobalAveragePool", "conv2")
    build.add("excite", "Dense", "squeeze", units=4, activation="sigmoid")
    build.add("gate", "Multiply", "conv2", "excite")
    build.add("add", "Add", "stem", "gate")
    build.add("relu", "ReLU", "add")
    build.add("left", "MaxPool2D", "relu")
    build.add("right", "Conv2D", "relu", filters=2, stride=(2, 2), padding="same")
    build.add("join", "Concatenate", "left", "right")
    build.add("flatten", "Flatten", "join")
    build.add("dense", "Dense", "flatten", units=3)
    build.add("output", "Output", "dense")
    return build.network()


def test_a_chain_reads_as_one_would_write_it(catalog):
    source = generate(digits(catalog)).source
    body = source[source.index("class DigitsCNN") :]
    assert (
        body
        == '''\
class DigitsCNN(nn.Module):
    """A network of 1 386 parameters and 5 888 multiply-adds a sample.

    Input: (N, 1, 8, 8), batch × channels × height × width
    Output: (N, 10), batch × features
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.norm1 = BatchNorm(8)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.dense = nn.Linear(128, 10)

    def forward(self, x):
        x = self.conv1(x)  # (N, 8, 8, 8)
        x = self.norm1(x)  # (N, 8, 8, 8)
        x = self.relu1(x)  # (N, 8, 8, 8)
        x = self.pool1(x)  # (N, 8, 4, 4)
        x = x.permute(0, 2, 3, 1).flatten(1)  # (N, 128)
        x = self.dense(x)  # (N, 10)
        return x
'''
    )


def test_branches_have_names_and_stay_together(catalog):
    source = generate(residual(catalog)).source
    assert (
        source[source.index("    def forward") :]
        == """\
    def forward(self, x):
        stem = self.stem(x)  # (N, 4, 8, 8)
        x = F.relu(self.conv1(stem))  # (N, 4, 8, 8)
        conv2 = self.conv2(x)  # (N, 4, 8, 8)
        x = conv2.mean(dim=(2, 3))  # (N, 4)
        x = torch.sigmoid(self.excite(x))  # (N, 4)
        x = conv2 * x[:, :, None, None]  # (N, 4, 8, 8)
        x = stem + x  # (N, 4, 8, 8)
        relu = self.relu(x)  # (N, 4, 8, 8)
        left = self.left(relu)  # (N, 4, 4, 4)
        x = self.right(F.pad(relu, (0, 1, 0, 1)))  # (N, 2, 4, 4)
        x = torch.cat((left, x), dim=1)  # (N, 6, 4, 4)
        x = x.permute(0, 2, 3, 1).flatten(1)  # (N, 96)
        x = self.dense(x)  # (N, 3)
        return x
"""
    )


def test_sequences_stay_channels_first_from_convolution_to_convolution(catalog):
    build = Build(catalog)
    build.input("signal", 16, 4)
    build.add("conv1", "Conv1D", "signal", filters=8)
    build.add("relu", "ReLU", "conv1")
    build.add("conv2", "Conv1D", "relu", filters=8)
    build.add("dense", "Dense", "conv2", units=3)
    build.add("norm", "LayerNorm", "dense")
    build.add("output", "Output", "norm")
    source = generate(build.network()).source
    assert (
        source[source.index("    def forward") :]
        == """\
    def forward(self, x):
        x = self.conv1(x.permute(0, 2, 1))  # (N, 8, 14)
        x = self.relu(x)  # (N, 8, 14)
        x = self.conv2(x)  # (N, 8, 12)
        x = self.dense(x.permute(0, 2, 1))  # (N, 12, 3)
        x = self.norm(x)  # (N, 12, 3)
        return x
"""
    )


def node_by_node(catalog, network, weights, arrays):
    """Compute every node on its own, canonical from layer to layer."""
    values = dict(zip((node.id for node in network.inputs), arrays, strict=True))
    for node in network.nodes:
        if node.layer.id in ("Input", "Output"):
            values[node.id] = values[node.inputs[0]] if node.inputs else values[node.id]
            continue
        alone = single(catalog, node.layer, [kind.shape for kind in node.input_types])
        own = {f"layer/{name}": weights[f"{node.id}/{name}"] for name in node.weights}
        model = compiled(alone, own)
        values[node.id] = model.run(*(values[source] for source in node.inputs))
    return values


@pytest.mark.parametrize("seed", range(60))
def test_random_networks_compute_what_their_layers_compute(catalog, seed):
    choose = random.Random(seed)
    network = random_network(catalog, choose, inputs=choose.choice([1, 1, 2]))
    arrays = [random_array(n.output.shape, seed=i) for i, n in enumerate(network.inputs)]
    model = compiled(network, initial_weights(network, seed))
    expected = node_by_node(catalog, network, model.weights, arrays)
    outputs = model.run(*arrays)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    for node, found in zip(network.outputs, outputs, strict=True):
        np.testing.assert_allclose(found, expected[node.id], rtol=1e-4, atol=1e-5)
    probed = model.probe(*arrays, wanted=list(expected))
    assert probed.keys() == expected.keys()
    for node_id, value in probed.items():
        np.testing.assert_allclose(value, expected[node_id], rtol=1e-4, atol=1e-5)


def test_probe_gives_what_forward_gives_bit_for_bit(catalog):
    model = compiled(residual(catalog))
    x = random_array((8, 8, 3))
    found = model.probe(x, wanted=["output", "conv1"])
    assert found.keys() == {"output", "conv1"}
    assert found["conv1"].shape == (2, 8, 8, 4)
    np.testing.assert_array_equal(found["output"], model.run(x))


def test_every_source_is_formatted_and_free_of_unused_and_unknown_names(catalog, tmp_path):
    """By ruff, with its own line length, as a user's project has it."""
    modules, probes = tmp_path / "modules", tmp_path / "probes"
    modules.mkdir()
    probes.mkdir()
    for seed in range(150):
        choose = random.Random(seed)
        network = random_network(catalog, choose, inputs=choose.choice([1, 1, 2]))
        source = generate(network).source
        (modules / f"module{seed}.py").write_text(source, encoding="utf-8")
        with_probe = f"{source}\n\n{generate_probe(network)}"
        (probes / f"probe{seed}.py").write_text(with_probe, encoding="utf-8")
    assert_clean(modules)
    ruff("check", "--select=F821,E9", str(probes))


FITTED = {
    **{f"ConvTranspose{rank}D": {"stride": (4,) * rank if rank > 1 else 4} for rank in (1, 2, 3)},
    **{f"AveragePool{rank}D": {"padding": "same"} for rank in (1, 2, 3)},
    "BatchNorm": {"epsilon": 1e-7, "momentum": 1e-5},
    "Rescale": {"scale": 1e30, "offset": -1e-30},
    "Permute": {"axes": (3, 1, 2)},
}


def test_every_layers_code_and_helpers_are_formatted(catalog, tmp_path):
    for layer in catalog.layers:
        rank = getattr(layer, "rank", 2)
        count = layer.inputs[0]
        if layer.id in ("Input", "Output") or layer.is_imported:
            continue
        made = make(catalog, layer.id, **FITTED.get(layer.id, {}))
        if layer.takes == "tokens":
            network = chain(catalog, [TOKENS], made)
        else:
            network = single(catalog, made, [(*(9,) * rank, 8)] * count)
        (tmp_path / f"{layer.id}.py").write_text(generate(network).source, encoding="utf-8")
    assert_clean(tmp_path)


def assert_clean(folder):
    ruff("check", "--select=F,E9,I", "--ignore=F841", str(folder))
    ruff("format", "--check", "--diff", str(folder))


def ruff(*arguments):
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_reserved_names_are_all_of_nn_modules():
    from torch import nn

    assert {name for name in dir(nn.Module()) if not name.startswith("_")} <= MODULE_ATTRIBUTES


@pytest.mark.parametrize("name", [*HOSTILE, "_private", "__init__", "_modules", "match", "_"])
def test_any_identifier_can_name_a_node(catalog, name):
    build = Build(catalog, name)
    build.input(name, 4)
    build.add(f"{name}_", "Dense", name, units=4)
    build.add("sum", "Add", name, f"{name}_")
    build.add("out", "Output", "sum")
    model = compiled(build.network())
    x = random_array((4,))
    kernel, bias = model.weights[f"{name}_/kernel"], model.weights[f"{name}_/bias"]
    np.testing.assert_allclose(model.run(x), x + x @ kernel + bias, rtol=1e-5, atol=1e-6)
    model.module.train().eval()


def test_only_names_that_are_taken_change():
    ids = ["forward", "forward_", "conv1", "ﬁ", "fi", "_fi"]
    assert attributes(ids) == {
        "forward": "forward__",
        "forward_": "forward_",
        "conv1": "conv1",
        "ﬁ": "fi",
        "fi": "fi_",
        "_fi": "node_fi",
    }
    assert variables(["torch", "x", "conv1", "BatchNorm"], ["BatchNorm"]) == {
        "torch": "torch_",
        "x": "x_",
        "conv1": "conv1",
        "BatchNorm": "BatchNorm_",
    }


def test_a_name_that_is_no_identifier_never_reaches_the_code(catalog):
    build = Build(catalog)
    build.input("in1", 4)
    build.add("x = 1; import os", "ReLU", "in1")
    for write in (generate, generate_probe, torch_names):
        with pytest.raises(ValueError, match="cannot name a node"):
            write(build.network())


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Cats vs dogs · ResNet head", "CatsVsDogsResNetHead"),
        ('"""\nimport os', "ImportOs"),
        ("2 layers", "Network2Layers"),
        ("", "Network"),
        ("F", "FNetwork"),
        ("none", "NoneNetwork"),
        ("batch norm", "BatchNormNetwork"),
    ],
)
def test_class_names(title, expected):
    assert class_name(title, {"BatchNorm"}) == expected


def test_a_traceback_names_the_node(catalog):
    import torch

    network = residual(catalog)
    code = generate(network)
    space = {}
    exec(compile(code.source, "generated.py", "exec"), space)
    model = space[code.class_name]()
    model.excite = torch.nn.Linear(99, 4)
    with pytest.raises(RuntimeError) as caught:
        model(torch.zeros(2, 3, 8, 8))
    frames = traceback.extract_tb(caught.value.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "generated.py"]
    assert code.lines[lines[-1]] == "excite"


def test_every_line_of_a_node_is_mapped_to_it(catalog):
    network = residual(catalog)
    code = generate(network)
    lines = code.source.splitlines()
    for node in network.nodes:
        own = [lines[number - 1] for number, owner in code.lines.items() if owner == node.id]
        if node.layer.id not in ("Input", "Output"):
            assert own, node.id
        if node.weights:
            assert any(f"self.{node.id} = " in line for line in own)
    unmapped = "\n".join(line for n, line in enumerate(lines, 1) if n not in code.lines)
    assert "self." not in unmapped
    assert "return" not in unmapped


def test_a_statement_over_several_lines_is_mapped_whole(catalog):
    build = Build(catalog)
    build.input("image", 9, 9, 3)
    name = "a_convolution_with_quite_a_long_name_that_needs_room"
    build.add(name, "Conv2D", "image", stride=(2, 1), padding="same", activation="relu")
    build.add("out", "Output", name)
    code = generate(build.network())
    tree = ast.parse(code.source)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    spans = [range(node.lineno, node.end_lineno + 1) for node in statements]
    assert any(len(span) > 1 for span in spans)
    for span in spans:
        assert {code.lines[number] for number in span} == {name}


def test_layers_that_lead_nowhere_are_made_but_not_called(catalog):
    build = Build(catalog)
    build.input("vector", 4)
    build.add("used", "Dense", "vector", units=3)
    build.add("output", "Output", "used")
    build.add("unused", "Dense", "vector", units=5)
    network = build.network()
    source = generate(network).source
    assert "self.unused = nn.Linear(4, 5)" in source
    assert source.count("self.unused") == 1
    model = compiled(network)
    assert model.probe(random_array((4,)), wanted=["unused"])["unused"].shape == (2, 5)


def test_output_may_be_anywhere(catalog):
    build = Build(catalog)
    build.input("image", 4, 4, 2)
    build.add("conv", "Conv2D", "image", filters=3)
    build.add("output", "Output", "conv")
    build.add("norm", "LayerNorm", "conv")
    build.add("after", "ReLU", "output")
    x = random_array((4, 4, 2))
    model = compiled(build.network())
    assert model.run(x).shape == (2, 2, 2, 3)
    identity = Build(catalog)
    identity.input("image", 4, 4, 2)
    identity.add("output", "Output", "image")
    np.testing.assert_array_equal(compiled(identity.network()).run(x), x)


def test_a_network_without_output_shows_what_there_is(catalog):
    build = Build(catalog)
    build.input("vector", 4)
    build.add("dense", "Dense", "vector", units=3)
    assert generate(build.network()).source.endswith("        return x\n")
    with pytest.raises(UserError, match="no layers"):
        generate(Network("Empty", ()))


def test_weights_are_found_by_name(catalog):
    names = torch_names(digits(catalog))
    assert names["conv1/kernel"] == ("conv1.weight", Bind("weight", transpose=(3, 2, 0, 1)))
    assert names["dense/kernel"] == ("dense.weight", Bind("weight", transpose=(1, 0)))
    assert names["norm1/moving_variance"][0] == "norm1.running_var"
    assert names.keys() == digits(catalog).weight_specs().keys()


def test_the_module_can_be_exported_and_scripted_by_tracing(catalog):
    import torch

    model = compiled(residual(catalog))
    (x,) = model.tensors([random_array((8, 8, 3))])
    exported = torch.export.export(model.module, (x,)).module()
    torch.testing.assert_close(exported(x), model.module(x))


def test_the_code_imports_only_what_it_uses(catalog):
    build = Build(catalog)
    build.input("vector", 4)
    build.add("dense", "Dense", "vector", units=3)
    build.add("output", "Output", "dense")
    assert generate(build.network()).source.startswith("from torch import nn\n\n\nclass Network")


def test_generating_imports_no_framework():
    program = """
import sys
from workbench.catalog import Catalog
from workbench.document.graph import Graph, Node
from workbench.analysis.shapes import resolve
from plugins.backends.pytorch.code import generate, generate_probe, torch_names
catalog = Catalog()
catalog.add_module("plugins.layers")
graph = Graph((Node("a", "Input", {"shape": [4, 4, 1]}), Node("b", "BatchNorm", {}, ("a",)),
    Node("c", "Output", {}, ("b",))))
network = resolve(graph, catalog).network
generate(network), generate_probe(network), torch_names(network)
assert not {"torch", "keras", "PySide6"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_same_network_gives_the_same_code(catalog):
    assert generate(residual(catalog)) == generate(residual(catalog))
