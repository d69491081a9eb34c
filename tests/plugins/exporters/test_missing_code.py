"""Layers of plug-ins that lack code: the formats that need it refuse them, the others go on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from plugins.exporters.safetensors import SafetensorsExporter
from workbench.analysis.exports import formats
from workbench.analysis.shapes import resolve
from workbench.catalog import Catalog
from workbench.document.graph import Graph, Node
from workbench.errors import UserError
from workbench.plugin_api.code import Code
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.plugin_api.tensors import TensorType

TORCH = {"onnx", "pt2", "python", "torch"}
KERAS = {"keras", "keras-weights", "litert", "onnx-keras", "python-keras", "savedmodel"}


class Doubled(Layer, frozen=True, kw_only=True):
    """2 · x, in PyTorch alone."""

    id = "Doubled"
    title = "Doubled"

    def torch(self, inputs, layout):
        return Code(call="2 * {0}")


class Halved(Layer, frozen=True, kw_only=True):
    """Half of x, in Keras alone."""

    id = "Halved"
    title = "Halved"

    def keras(self, inputs):
        return Code(call="{self}({0})", init="layers.Rescaling(0.5)")


class Faulty(Layer, frozen=True, kw_only=True):
    """Cannot say what it makes of its input, nor write it down."""

    id = "Faulty"
    title = "Faulty"
    shape: bool = True

    def output(self, inputs):
        return inputs[0] if self.shape else 1 / 0

    def torch(self, inputs, layout):
        raise RuntimeError("boom")


@pytest.fixture
def network(catalog):
    return network_of(catalog, Doubled())


def network_of(catalog, layer):
    kind = TensorType((4,))
    return Network(
        "Doubling",
        (
            ResolvedNode("input1", catalog.layers["Input"](), (), (), kind, {}),
            ResolvedNode("double1", layer, ("input1",), (kind,), kind, {}),
            ResolvedNode(
                "output1", catalog.layers["Output"](), ("double1",), (kind,), kind, {}, True
            ),
        ),
    )


def test_the_formats_of_keras_refuse_it_by_name(catalog, network):
    refusing = {state.format: state for state in formats(catalog, network) if state.refusals}
    assert set(refusing) == KERAS
    for state in refusing.values():
        assert state.refusals == ("Doubled has no Keras code, which double1 needs.",)


def test_weights_are_looked_for_by_the_names_of_other_backends(catalog, network):
    found = {kind.id: kind().file_names(network) for kind in catalog.backends}
    assert found["keras-jax"] is None
    assert found["torch"].layout == "PyTorch"


def test_the_formats_of_pytorch_refuse_what_has_no_code_there(catalog):
    network = network_of(catalog, Halved())
    refusing = {state.format: state for state in formats(catalog, network) if state.refusals}
    assert set(refusing) == TORCH
    for state in refusing.values():
        assert state.refusals == ("Halved has no PyTorch code, which double1 needs.",)
    (problem,) = catalog.backend("torch").problems(network)
    assert (problem.severity, problem.node) == ("error", "double1")
    assert catalog.backend("torch").file_names(network) is None
    assert not catalog.backend("keras-jax").problems(network)


def test_weights_alone_are_written_without_being_compared(catalog, tmp_path):
    weights = SafetensorsExporter()
    request = SimpleNamespace(network=network_of(catalog, Halved()))
    assert weights.outputs(tmp_path / "w.safetensors", None, request) is None
    (note,) = weights.notes(request)
    assert note == "Not compared: Halved has no PyTorch code, which double1 needs."


def test_a_fault_in_a_plug_in_names_its_layer(catalog):
    with pytest.raises(UserError, match="The plug-in of double1 has a fault: RuntimeError: boom"):
        catalog.backend("torch").generate(network_of(catalog, Faulty()))
    with pytest.raises(UserError, match="double1: Faulty has no Keras code"):
        catalog.backend("keras-jax").generate(network_of(catalog, Faulty()))


def test_a_fault_in_a_plug_in_is_a_problem_of_the_design():
    catalog = Catalog.load()
    catalog.layers.add(Faulty)
    nodes = (Node("input1", "Input"), Node("odd1", "Faulty", {"shape": False}, ("input1",)))
    (problem,) = resolve(Graph(nodes), catalog, TensorType((4,))).problems
    assert problem.node == "odd1"
    assert "has a fault: ZeroDivisionError" in problem.message
