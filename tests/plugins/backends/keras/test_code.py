"""The generated Keras module: readable, formatted, and the same network as the document's."""

from __future__ import annotations

import ast
import random
import subprocess
import sys

import numpy as np
import pytest

from plugins.backends.keras.code import generate, keras_names, tapped_layers
from plugins.backends.keras.names import layer_names, model_name
from tests.plugins.backends.random_networks import HOSTILE, random_network
from tests.plugins.layers.test_keras_layers import each_layers_network
from tests.plugins.networks import Build
from tests.plugins.parity import (
    answers_everywhere,
    forward_difference,
    gradient_difference,
    random_weights,
)
from workbench.errors import UserError
from workbench.plugin_api.code import Bind
from workbench.plugin_api.network import Network


def digits(catalog):
    build = Build(catalog, "digits CNN")
    last = build.input("image", 8, 8, 1)
    for node_id, layer_type, params in (
        ("conv1", "Conv2D", {"filters": 8, "padding": "same", "use_bias": False}),
        ("norm1", "BatchNorm", {}),
        ("relu1", "ReLU", {}),
        ("pool1", "MaxPool2D", {}),
        ("flatten", "Flatten", {}),
        ("drop", "Dropout", {"rate": 0.25}),
        ("dense", "Dense", {"units": 10}),
    ):
        last = build.add(node_id, layer_type, last, **params)
    build.add("output", "Output", last)
    return build.network()


def residual(catalog):
    """A block with a shortcut, gated by squeeze and excitation, then two branches joined."""
    build = Build(catalog, "residual")
    build.input("image", 8, 8, 3)
    build.add("stem", "Conv2D", "image", filters=4, padding="explicit", pads=((1, 1), (0, 2)))
    build.add("conv1", "Conv2D", "stem", filters=4, padding="same", activation="relu")
    build.add("squeeze", "GlobalAveragePool", "conv1")
    build.add("excite", "Dense", "squeeze", units=4, activation="sigmoid")
    build.add("gate", "Multiply", "conv1", "excite")
    build.add("add", "Add", "stem", "gate")
    build.add("left", "MaxPool2D", "add")
    build.add("right", "Conv2D", "add", filters=2, stride=(2, 2), padding="same")
    build.add("join", "Concatenate", "left", "right")
    build.add("output", "Output", "join")
    return build.network()


def body(source):
    return source[source.index('    """\n') + len('    """\n') :]


def check(peers, network):
    """Every backend gives the same outputs and gradients; return those of JAX."""
    answers = answers_everywhere(peers, network, random_weights(network, seed=0))
    # Values are of the order of 1 in the layers' own tests; a deep network's may grow.
    largest = max(1.0, *(float(np.abs(y).max()) for y in answers["jax"].trained))
    assert forward_difference(answers) <= 1e-5 * largest
    assert gradient_difference(answers) <= 1e-4
    return answers["jax"]


def test_a_chain_reads_as_one_would_write_it(catalog):
    source = generate(digits(catalog)).source
    assert (
        source
        == '''\
import keras
from keras import layers


def make_model():
    """A network of 1 378 parameters and 5 888 multiply-adds a sample.

    Input: (N, 8, 8, 1), batch × height × width × channels
    Output: (N, 10), batch × features
    """
    image = keras.Input((8, 8, 1), name="image")
    # (N, 8, 8, 8)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv1")(image)
    # (N, 8, 8, 8)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-05, name="norm1")(x)
    x = layers.ReLU(name="relu1")(x)  # (N, 8, 8, 8)
    x = layers.MaxPooling2D(2, name="pool1")(x)  # (N, 4, 4, 8)
    x = layers.Flatten(name="flatten")(x)  # (N, 128)
    x = layers.Dropout(0.25, name="drop")(x)  # (N, 128)
    x = layers.Dense(10, name="dense")(x)  # (N, 10)
    return keras.Model(image, x, name="digits_cnn")
'''
    )


def test_branches_have_names_and_stay_together(catalog):
    assert (
        body(generate(residual(catalog)).source)
        == """\
    image = keras.Input((8, 8, 3), name="image")
    # (N, 8, 8, 4)
    stem = layers.Conv2D(4, 3, name="stem")(
        layers.ZeroPadding2D(((1, 1), (0, 2)), name="stem.pad")(image)
    )
    # (N, 8, 8, 4)
    conv1 = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(stem)
    x = layers.GlobalAveragePooling2D(name="squeeze")(conv1)  # (N, 4)
    x = layers.Dense(4, activation="sigmoid", name="excite")(x)  # (N, 4)
    x = layers.Multiply(name="gate")([conv1, x])  # (N, 8, 8, 4)
    add = layers.Add(name="add")([stem, x])  # (N, 8, 8, 4)
    left = layers.MaxPooling2D(2, name="left")(add)  # (N, 4, 4, 4)
    # (N, 4, 4, 2)
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="right")(add)
    x = layers.Concatenate(name="join")([left, x])  # (N, 4, 4, 6)
    return keras.Model(image, x, name="residual")
"""
    )


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_give_the_same_numbers_everywhere(peers, catalog, seed):
    choose = random.Random(seed)
    check(peers, random_network(catalog, choose, inputs=choose.choice([1, 1, 2])))


def test_every_source_is_formatted_and_free_of_unused_and_unknown_names(catalog, tmp_path):
    """By ruff, with its own line length, as a user's project has it."""
    for seed in range(150):
        choose = random.Random(seed)
        network = random_network(catalog, choose, inputs=choose.choice([1, 1, 2]))
        source = generate(network).source
        compile(source, "generated.py", "exec")
        (tmp_path / f"module{seed}.py").write_text(source, encoding="utf-8")
    for layer in catalog.layers:
        if layer.id not in ("Input", "Output") and not layer.is_imported:
            source = generate(each_layers_network(layer.id)).source
            (tmp_path / f"{layer.id}.py").write_text(source, encoding="utf-8")
    ruff("check", "--select=F,E9,I", "--ignore=F841", str(tmp_path))
    ruff("format", "--check", "--diff", str(tmp_path))


def ruff(*arguments):
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


AUTOMATIC = ("dense", "dense_1", "add", "input_layer", "zero_padding2d", "keras_tensor", "network")
"""Names that Keras gives layers, tensors and models by itself."""


def test_any_identifier_can_name_a_node(peers, catalog):
    names = [*HOSTILE, *AUTOMATIC, "keras", "layers", "ops", "make_model", "inputs", "_private"]
    build = Build(catalog, "network")
    last = build.input("input_layer_1", 4)
    for index, name in enumerate(names):
        kind = ("Dense", {"units": 4}) if index % 2 else ("ReLU", {})
        last = build.add(name, kind[0], last, **kind[1])
        last = build.add(f"{name}_sum", "Add", last, "input_layer_1")
    build.add("out", "Output", last)
    network = build.network()
    check(peers, network)
    found = tapped_layers(network)
    assert len(set(found.values())) == len(found) - 1  # the Output passes its input on


def test_layer_names_are_ids_that_every_framework_takes():
    assert layer_names(["conv1", "größe", "gr__e", "_x", "node_x", "ﬁ"]) == {
        "conv1": "conv1",
        "größe": "gr__e_2",
        "gr__e": "gr__e",
        "_x": "node_x_2",
        "node_x": "node_x",
        "ﬁ": "node_",
    }


def test_a_name_that_is_no_identifier_never_reaches_the_code(catalog):
    build = Build(catalog)
    build.input("in1", 4)
    build.add("x = 1; import os", "ReLU", "in1")
    for write in (generate, keras_names, tapped_layers):
        with pytest.raises(ValueError, match="cannot name a node"):
            write(build.network())


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Cats vs dogs · ResNet head", "cats_vs_dogs_resnet_head"),
        ('"""\nimport os', "import_os"),
        ("2 layers", "network_2_layers"),
        ("", "network"),
    ],
)
def test_model_names(title, expected):
    assert model_name(title) == expected


def test_several_inputs_and_outputs_keep_their_order(peers, catalog):
    build = Build(catalog)
    build.input("right", 3)
    build.input("left", 4)
    build.add("dense", "Dense", "left", units=3)
    build.add("difference", "Subtract", "dense", "right")
    build.add("second", "Output", "difference")
    build.add("first", "Output", "dense")
    build.add("given", "Output", "right")
    answer = check(peers, build.network())
    assert [y.shape for y in answer.outputs] == [(2, 3)] * 3


def test_layers_that_lead_nowhere_are_left_out(peers, catalog):
    build = Build(catalog)
    build.input("vector", 4)
    build.add("used", "Dense", "vector", units=3)
    build.add("output", "Output", "used")
    build.add("unused", "Dense", "vector", units=5)
    build.add("after", "ReLU", "output")
    network = build.network()
    assert "unused" not in generate(network).source
    assert keras_names(network) == {
        "used/kernel": ("used", Bind("kernel")),
        "used/bias": ("used", Bind("bias")),
    }
    assert tapped_layers(network) == {"vector": "vector", "used": "used", "output": "used"}


def test_an_identity_and_a_network_without_output(catalog):
    identity = Build(catalog)
    identity.input("image", 4, 4, 2)
    identity.add("output", "Output", "image")
    assert body(generate(identity.network()).source).endswith(
        'return keras.Model(image, image, name="network")\n'
    )
    build = Build(catalog)
    build.input("vector", 4)
    build.add("dense", "Dense", "vector", units=3)
    assert "keras.Model(vector, x" in generate(build.network()).source
    with pytest.raises(UserError, match="no layers"):
        generate(Network("Empty", ()))


def test_every_line_of_a_node_is_mapped_to_it(catalog):
    network = residual(catalog)
    code = generate(network)
    lines = code.source.splitlines()
    for node in network.nodes:
        own = [lines[number - 1] for number, owner in code.lines.items() if owner == node.id]
        if node.layer.id != "Output":
            assert any(f'name="{node.id}"' in line for line in own), node.id
    unmapped = "\n".join(line for n, line in enumerate(lines, 1) if n not in code.lines)
    assert "layers." not in unmapped
    assert "return" not in unmapped


def test_a_statement_over_several_lines_is_mapped_whole(catalog):
    build = Build(catalog)
    build.input("image", 9, 9, 3)
    name = "a_convolution_with_quite_a_long_name_that_needs_room"
    build.add(name, "Conv2D", "image", stride=(2, 1), padding="same", activation="relu")
    build.add("out", "Output", name)
    code = generate(build.network())
    statements = [n for n in ast.walk(ast.parse(code.source)) if isinstance(n, ast.Assign)]
    spans = [range(node.lineno, node.end_lineno + 1) for node in statements]
    assert any(len(span) > 1 for span in spans)
    for span in spans[1:]:
        assert {code.lines[number] for number in span} == {name}


def test_generating_imports_no_framework():
    program = """
import sys
from workbench.catalog import Catalog
from workbench.document.graph import Graph, Node
from workbench.analysis.shapes import resolve
from plugins.backends.keras.code import generate, keras_names, tapped_layers
catalog = Catalog()
catalog.add_module("plugins.layers")
graph = Graph((Node("a", "Input", {"shape": [4, 4, 1]}), Node("b", "BatchNorm", {}, ("a",)),
    Node("c", "Output", {}, ("b",))))
network = resolve(graph, catalog).network
generate(network), keras_names(network), tapped_layers(network)
assert not {"torch", "keras", "tensorflow", "jax", "PySide6"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_same_network_gives_the_same_code(catalog):
    assert generate(residual(catalog)) == generate(residual(catalog))
