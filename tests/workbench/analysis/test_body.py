"""Where a network is parted into a frozen body and its head."""

from __future__ import annotations

import msgspec
import pytest

from workbench.analysis.body import caching
from workbench.analysis.shapes import resolve
from workbench.document.edits import set_data, set_training
from workbench.document.experiment import Component, Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.tensors import TensorType


def nodes(*trained: str, dropout: float = 0.0) -> tuple[Node, ...]:
    """Return a small residual network in which all is frozen but what is named."""
    found = (
        Node("input", "Input"),
        Node("conv", "Conv2D", {"filters": 8, "padding": "same"}, ("input",)),
        Node("norm", "BatchNorm", {}, ("conv",)),
        Node("branch", "Conv2D", {"filters": 8, "padding": "same"}, ("norm",)),
        Node("sum", "Add", {}, ("norm", "branch")),
        Node("drop", "Dropout", {"rate": 0.1}, ("sum",))
        if dropout
        else Node("drop", "ReLU", {}, ("sum",)),
        Node("pool", "GlobalAveragePool", {}, ("drop",)),
        Node("up", "Dense", {"units": 32}, ("pool",)),
        Node("head", "Dense", {"units": 10}, ("up",)),
        Node("output", "Output", {}, ("head",)),
    )
    return tuple(msgspec.structs.replace(node, trainable=node.id in trained) for node in found)


def decided(catalog, graph, **changes):
    """Return what is decided for a network on pictures of 16 × 16 × 3."""
    experiment = Experiment(graph=Graph(graph))
    network = resolve(experiment.graph, catalog, TensorType((16, 16, 3))).network
    if augmentation := changes.pop("augmentation", None):
        experiment = set_data(experiment, augmentation=augmentation)
    return caching(set_training(experiment, **changes), network, catalog)


@pytest.mark.parametrize(
    ("trained", "cut"),
    [
        (("head",), "pool"),  # 8 values rather than the 32 behind a little more work
        (("up", "head"), "pool"),
        (("branch", "head"), "norm"),
        (("norm", "branch", "head"), "conv"),
    ],
)
def test_the_cut_is_the_last_place_where_values_are_few(catalog, trained, cut):
    parting = decided(catalog, nodes(*trained)).parting
    assert parting.cut.id == cut
    assert parting.head.nodes[0].id == cut
    assert parting.head.nodes[0].layer.id == "Input"
    assert {n.id for n in parting.body.nodes} & {n.id for n in parting.head.nodes} == {
        cut,
        "output",
    }


def test_what_draws_numbers_runs_in_every_step(catalog):
    found = decided(catalog, nodes("head", dropout=0.1))
    assert found.parting.cut.id == "sum"


@pytest.mark.parametrize("trained", [("conv", "head"), ()])
def test_nothing_is_parted_without_a_body_or_a_head(catalog, trained):
    assert decided(catalog, nodes(*trained)) == decided(catalog, nodes("conv"))
    assert decided(catalog, nodes(*trained)).parting is None
    assert decided(catalog, nodes(*trained)).in_words() == ""
    assert "nothing can be kept" in decided(catalog, nodes(*trained), cache_features="on").reason


def test_little_work_is_kept_on_request_alone(catalog):
    graph = (
        Node("input", "Input"),
        Node("scale", "Scale", {}, ("input",), trainable=False),
        Node("conv", "Conv2D", {"filters": 8}, ("scale",)),
        Node("pool", "GlobalAveragePool", {}, ("conv",)),
        Node("head", "Dense", {"units": 10}, ("pool",)),
        Node("output", "Output", {}, ("head",)),
    )
    assert decided(catalog, graph).parting is None
    assert decided(catalog, graph, cache_features="on").parting.cut.id == "scale"


def test_augmentation_is_named_as_the_reason(catalog):
    flips = Component("image", {"rotation": 10.0})
    found = decided(catalog, nodes("head"), augmentation=flips)
    assert found.parting is None
    assert found.in_words().startswith("Augmentation changes each sample")
    assert decided(catalog, nodes("head"), augmentation=flips, cache_features="off").reason == ""
    assert decided(catalog, nodes("head")).in_words() == (
        "The frozen layers up to pool run once for each sample, whose 8 values are kept."
    )
