"""Networks of PyTorch become layers that compute the same, or are refused in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253

from plugins.importers._aten_program import expand
from plugins.importers._torch_models import _runner
from tests.plugins.importers import networks
from workbench.plugin_api.importer import Imported, NotCoveredError
from workbench.worker.pretrained.checking import (
    check_parameters,
    difference,
    predictor,
    resolved,
)

TOLERANCE = 1e-5


def imported(module, size=networks.SIZE):
    expanded = expand(module, size)
    parameters = {name: value.numel() for name, value in module.named_parameters()}
    return Imported(
        name="network",
        origin="a test",
        graph=expanded.graph,
        weights=expanded.weights,
        input_shape=size,
        original=_runner(module),
        parameters=sum(parameters[name] for name in expanded.used if name in parameters),
        changed=expanded.changed,
    )


@pytest.mark.parametrize("kind", networks.COVERED)
def test_layers_compute_what_the_network_does(kind, catalog):
    found = imported(networks.lively(kind()))
    network = resolved(found, catalog)
    check_parameters(found, network)
    assert difference(found, network, catalog) <= TOLERANCE


@pytest.mark.parametrize("kind", networks.COVERED)
def test_weights_are_whole_and_named_after_the_modules(kind, catalog):
    module = networks.lively(kind())
    found = imported(module)
    specs = resolved(found, catalog).weight_specs()
    assert set(found.weights) == set(specs)
    assert all(array.flags.c_contiguous for array in found.weights.values())
    names = {name.rpartition(".")[0].replace(".", "_") for name, _ in module.named_parameters()}
    named = {name.partition("/")[0] for name in specs}
    assert names - {""} - {"auxiliary"} <= named


def test_dropout_batch_norm_and_flattening_are_told_as_they_were(catalog):
    graph = imported(networks.lively(networks.Residual())).graph
    assert graph["drop"].params == {"rate": 0.2}
    assert graph["norm"].params["momentum"] == 0.01
    assert graph["norm"].params["epsilon"] == 1e-3
    assert graph["stem"].params["padding"] == "explicit"
    assert graph["conv"].params["padding"] == "same"
    changed = imported(networks.lively(networks.Flattened())).changed
    assert "height, width, channels" in " ".join(changed)


def test_groups_are_the_modules_around_each_layer():
    graph = imported(networks.lively(networks.Flattened())).graph
    assert {node.group for node in graph.nodes} == {"", "features", "classifier"}
    assert graph["classifier_1"].group == "classifier"
    assert graph["norm"].group == ""


def test_a_wrong_weight_is_found_out(catalog):
    found = imported(networks.lively(networks.Residual()))
    found.weights["norm/moving_variance"][3] *= 1.01
    with pytest.raises(NotCoveredError, match="do not compute what the network did"):
        difference(found, resolved(found, catalog), catalog)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (networks.Tied, "share no weights"),
        (networks.Folding, "a picture laid out in one row"),
        (networks.Sorting, "“sort”"),
        (networks.Deciding, "cannot trace"),
    ],
)
def test_what_no_layer_does_is_refused_by_name(kind, words):
    with pytest.raises(NotCoveredError, match=words):
        imported(networks.lively(kind()))


def test_in_place_changes_are_seen_by_whoever_comes_later(catalog):
    class InPlace(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 1)

        def forward(self, x):
            x = self.conv(x)
            y = torch.nn.functional.relu_(x)
            return (x + y).mean((2, 3))

    found = imported(networks.lively(InPlace()))
    assert difference(found, resolved(found, catalog), catalog) <= TOLERANCE


def test_predictions_do_not_depend_on_the_batch(catalog):
    found = imported(networks.lively(networks.Shuffled()))
    run = predictor(resolved(found, catalog), found, catalog)
    inputs = np.random.default_rng(1).normal(size=(5, *networks.SIZE)).astype(np.float32)
    np.testing.assert_allclose(run(inputs)[2:3], run(inputs[2:3]), atol=1e-5)
