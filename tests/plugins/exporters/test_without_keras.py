"""Layers of plug-ins that have no Keras code: Keras' formats refuse them, the others go on."""

from __future__ import annotations

import pytest

from workbench.analysis.exports import formats
from workbench.plugin_api.code import Code
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.plugin_api.tensors import TensorType

KERAS = {"keras", "keras-weights", "litert", "onnx-keras", "python-keras", "savedmodel"}


class Doubled(Layer, frozen=True, kw_only=True):
    """2 · x, in PyTorch alone."""

    id = "Doubled"
    title = "Doubled"

    def torch(self, inputs, layout):
        return Code(call="2 * {0}")


@pytest.fixture
def network(catalog):
    kind = TensorType((4,))
    return Network(
        "Doubling",
        (
            ResolvedNode("input1", catalog.layers["Input"](), (), (), kind, {}),
            ResolvedNode("double1", Doubled(), ("input1",), (kind,), kind, {}),
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
