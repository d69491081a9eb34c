"""ONNX files that cannot become layers run as one block, whose tensors can be watched and cut."""

from __future__ import annotations

import numpy as np
import onnx  # noqa: TID253
import onnxruntime  # noqa: TID253
import pytest
from onnx import TensorProto, helper  # noqa: TID253

from tests.packages import unpacked
from tests.plugins.importers.odd_graphs import numbers, saved, sums
from workbench.analysis.problems import check
from workbench.analysis.retraining import cut_after
from workbench.analysis.shapes import resolve
from workbench.document.edits import insert_on_edge, set_training
from workbench.document.experiment import Component
from workbench.document.graph import Node
from workbench.document.training import SGD, Training
from workbench.errors import UserError
from workbench.plugin_api.backend import Batch, BuildPlan
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.tensors import TensorType
from workbench.worker.picture_maps import picture_layers
from workbench.worker.pretrained.checking import input_type
from workbench.worker.pretrained.importing import Wish, take


def took(path, catalog, **wish):
    return take(Wish(source=str(path), folder=path.parent / "kept", **wish), catalog)


def model_of(taken, catalog, folder, experiment=None, kind=None):
    graph = (experiment or taken.experiment).graph
    network = resolve(graph, catalog, kind or input_type(taken.imported)).network
    backend = catalog.backend("torch")
    code = backend.generate(network)
    (folder / "assets").mkdir(exist_ok=True)
    for name, content in taken.imported.assets.items():
        (folder / "assets" / name).write_bytes(content)
    (folder / "model.py").write_text(code.source, encoding="utf-8")
    plan = BuildPlan(
        network=network,
        task=catalog.task(Component("classification")),
        info=DataInfo(input=network.inputs[0].output),
        training=Training(optimizer=SGD(learning_rate=0.1)),
        code=code,
        module_path=folder / "model.py",
        train_counts=(),
        device="cpu",
        seed=3,
    )
    return network, backend.build(plan)


def test_the_graph_becomes_a_block_with_its_head_behind_it(catalog, tmp_path):
    taken = took(sums(tmp_path / "odd net.onnx"), catalog)
    assert [node.layer.id for node in taken.network.nodes] == [
        *("Input", "OnnxNetwork", "Dense", "Output")
    ]
    assert taken.report.difference <= 1e-6
    assert "CumSum" in taken.report.whole
    text = " ".join(taken.report.lines())
    assert "253 numbers that never change" in text.replace("\u2009", " ")
    block = taken.network.nodes[1]
    assert block.output.shape == (6,)
    assert block.multiply_adds == 4 * 9 * 64 + 6 * 4 * 9 * 9
    assert [part.path for part in block.layer.inner()] == [
        *("", "stem.conv.Conv", "stem.Relu", "sums.CumSum", "body.conv.Conv", "body.Relu"),
        *("pool", "head.Gemm", "head.Softmax"),
    ]
    with pytest.raises(NotCoveredError, match="CumSum"):
        took(tmp_path / "odd net.onnx", catalog, form="nodes")


def test_tensors_inside_are_watched_and_made_the_end(catalog, tmp_path):
    path = sums(tmp_path / "net.onnx")
    taken = took(path, catalog, classes=5)
    network, model = model_of(taken, catalog, tmp_path)
    x = numbers(3, 8, 8, 1, seed=5)
    found = model.probe(x, tuple(network.inner))
    for name, part in network.inner.items():
        assert found[name].shape[1:] == part.shape
    original = onnx.load(path)
    del original.graph.output[:]
    original.graph.output.append(helper.make_empty_tensor_value_info("e"))
    session = onnxruntime.InferenceSession(original.SerializeToString())
    (wanted,) = session.run(["e"], {"x": x.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(
        found["net.body.Relu"], wanted.transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-5
    )
    cut = cut_after(taken.experiment, network, "net", "body.Relu")
    cut = insert_on_edge(cut, Node("pool", "GlobalAveragePool"), "head", 0)
    network, model = model_of(taken, catalog, tmp_path, cut)
    assert network["net"].output.shape == (3, 3, 6)
    pooled = model.probe(x, ("pool",))["pool"]
    np.testing.assert_allclose(pooled, wanted.mean((2, 3)), rtol=1e-5, atol=1e-5)
    assert picture_layers(network) == ("net",)
    y = numbers(3, 3, 3, 6)
    _, gradients = model.gradients(x, {"net": y}, numbers(3, 5))
    assert np.abs(gradients["net"]).min() > 0
    before = model.weights()
    model.train_step([Batch(x, np.array([0, 1, 2]))], 0.1)
    assert all((model.weights()[name] != value).any() for name, value in before.items())


def halving(path, size):
    """Write a network whose halved pictures are put beside whole ones, which no layer computes."""
    node = helper.make_node
    nodes = [
        node("CumSum", ["x", "one"], ["s"], name="sums"),
        node("MaxPool", ["s"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Resize", ["p", "", "scales"], ["u"], mode="nearest"),
        node("Concat", ["u", "s"], ["c"], axis=1),
        node("Conv", ["c", "w"], ["y"], name="last", strides=[2, 2], pads=[1, 1, 1, 1]),
    ]
    weights = {
        "one": np.array(1),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "w": numbers(4, 4, 3, 3),
    }
    return saved(path, nodes, weights, ["n", 2, size, size])


def halving_of_64(path):
    return halving(path, 64)


@pytest.mark.parametrize(
    ("write", "sizes"),
    [
        (sums, ((8, 8, 1), (13, 10, 1), (6,), (7, 8, 1))),
        (halving_of_64, ((64, 64, 2), (96, 160, 2), (48, 80, 4), (65, 64, 2))),
    ],
)
def test_pictures_of_other_sizes(write, sizes, catalog, tmp_path):
    first, given, shape, refused = sizes
    path = write(tmp_path / "net.onnx")
    taken = took(path, catalog)
    assert taken.imported.input_shape == first
    (bad, *_) = resolve(taken.experiment.graph, catalog, TensorType(refused)).problems
    assert "takes pictures whose height is" in bad.message
    network, model = model_of(taken, catalog, tmp_path, kind=TensorType(given))
    model.load_weights(taken.imported.weights)
    assert "other heights and widths" in " ".join(taken.report.changed)
    assert network["net"].output.shape == shape
    assert network["net"].multiply_adds > taken.network["net"].multiply_adds
    x = numbers(2, *given)
    inside = model.probe(x, (*network.inner, "output"))
    assert all(inside[name].shape[1:] == part.shape for name, part in network.inner.items())
    original = onnx.load(path)
    for place in (2, 3):
        original.graph.input[0].type.tensor_type.shape.dim[place].dim_param = f"size{place}"
    session = onnxruntime.InferenceSession(original.SerializeToString())
    (wanted,) = session.run(["y"], {"x": x.transpose(0, 3, 1, 2)})
    wanted = wanted.transpose(0, 2, 3, 1) if wanted.ndim == 4 else wanted
    np.testing.assert_allclose(inside["output"], wanted, rtol=1e-4, atol=1e-5)


def test_what_stands_before_it_cannot_be_trained(catalog, tmp_path):
    taken = took(sums(tmp_path / "net.onnx"), catalog)
    conv = Node("conv", "Conv2D", {"filters": 1, "padding": "same"})
    edited = insert_on_edge(taken.experiment, conv, "net", 0)
    info = DataInfo(input=TensorType((8, 8, 1)), classes=("a", "b", "c"), counts={"train": 64})
    (problem,) = check(edited, catalog, info).errors
    assert problem.message.startswith("conv cannot be trained: no gradient passes through net")
    mended = problem.repair.edit(edited)
    assert not mended.graph["conv"].trainable
    assert not check(mended, catalog, info).errors
    keras = set_training(mended, backend="keras-jax")
    assert "has no Keras code" in check(keras, catalog, info).errors[0].message


def test_channels_last_whole_numbers_and_a_fixed_batch(catalog, tmp_path):
    """As TensorFlow writes quantised networks."""
    node = helper.make_node
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("QuantizeLinear", ["t", "scale", "zero"], ["q"]),
        node("ConvInteger", ["q", "w", "zero", "zero8"], ["i"], kernel_shape=[3, 3]),
        node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["f", "scale"], ["m"]),
        node("Transpose", ["m"], ["y"], perm=[0, 2, 3, 1]),
        node("ReduceMax", ["m"], ["z"], axes=[1, 2, 3], keepdims=0),
    ]
    weights = {
        "scale": np.array(0.02, np.float32),
        "zero": np.array(128, np.uint8),
        "zero8": np.array(0, np.int8),
        "w": np.random.default_rng(0).integers(-90, 90, (5, 3, 3, 3)).astype(np.int8),
    }
    path = saved(tmp_path / "q.onnx", nodes, weights, [4, 9, 7, 3], ("y", "z"), opset=13)
    taken = took(path, catalog)
    assert "quantised" in taken.report.whole
    assert taken.network.nodes[0].output.shape == (9, 7, 3)
    assert taken.network.nodes[1].output.shape == (7, 5, 5)
    text = " ".join(taken.report.changed)
    assert "channels last" in text
    assert "4 samples at a time" in text
    assert "z as well" in text
    assert taken.report.difference <= 1e-6
    network, model = model_of(taken, catalog, tmp_path)
    x = numbers(6, 9, 7, 3, seed=4)
    whole = model.predict(x)
    session = onnxruntime.InferenceSession(path.read_bytes())
    first, last = (session.run(["y"], {"x": rows})[0] for rows in (x[:4], x[2:]))
    np.testing.assert_allclose(whole, np.concatenate([first, last[2:]]), rtol=1e-6)
    cut = cut_after(taken.experiment, network, "q", "z")
    assert resolve(cut.graph, catalog, TensorType((9, 7, 3))).network["q"].output.shape == (1,)


def test_samples_that_depend_on_each_other_are_refused(catalog, tmp_path):
    nodes = [
        helper.make_node("CumSum", ["x", "zero"], ["s"]),
        helper.make_node("MatMul", ["s", "w"], ["y"]),
    ]
    weights = {"zero": np.array(0), "w": numbers(6, 2)}
    path = saved(tmp_path / "net.onnx", nodes, weights, ["n", 6])
    with pytest.raises(NotCoveredError, match="depends on the others in its batch"):
        took(path, catalog, form="block")


def test_an_operator_that_nobody_knows_is_told(catalog, tmp_path):
    nodes = [helper.make_node("Unheard", ["x"], ["y"], domain="elsewhere")]
    domain = helper.make_opsetid("elsewhere", 1)
    path = saved(tmp_path / "net.onnx", nodes, {}, ["n", 6], domains=[domain])
    with pytest.raises(UserError, match=r"operator of its own, elsewhere\.Unheard"):
        took(path, catalog)


@pytest.mark.parametrize("form", ["", "_half", "_op18_ifless", "_16k_op15", "_openvino_16k"])
def test_the_speech_detector(form, catalog, tmp_path):
    path = unpacked("silero-vad==6.2.3") / f"silero_vad/data/silero_vad{form}.onnx"
    taken = take(Wish(source=str(path), folder=tmp_path), catalog)
    assert taken.report.fixed > 0
    assert taken.report.difference <= 1e-6
    assert "begins anew: the state" in " ".join(taken.report.changed)
    _, model = model_of(taken, catalog, tmp_path)
    x = numbers(3, *taken.imported.input_shape)
    session = onnxruntime.InferenceSession(path.read_bytes())
    feed = {"state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16_000)}
    known = {each.name for each in session.get_inputs()}
    feed = {name: value for name, value in feed.items() if name in known}
    wanted = [session.run(None, {"input": row, **feed})[0] for row in np.split(x, 3)]
    np.testing.assert_allclose(model.predict(x), np.concatenate(wanted), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("form", ["auto", "block"])
def test_forms_of_the_speech_detector_that_cannot_be_say_what_to_do(form, catalog, tmp_path):
    folder = unpacked("silero-vad==6.2.3") / "silero_vad/data"
    for name, words, step in (
        ("silero_vad_16k_sequence.onnx", "is the time of one recording", "one piece at a time"),
        ("silero_vad.jit", "has 2 inputs", "Take the network as .onnx"),
    ):
        with pytest.raises(NotCoveredError, match=words) as caught:
            take(Wish(source=str(folder / name), folder=tmp_path, form=form), catalog)
        assert step in caught.value.hint
