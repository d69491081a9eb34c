"""Weights are matched by what they are called or by their order, and never in another shape."""

from __future__ import annotations

import pytest

from tests.workbench.small_networks import small_experiment
from workbench.analysis.problems import check
from workbench.analysis.weights import CANONICAL, Stored, expected_shape, match, role_of
from workbench.analysis.weights_report import first_named
from workbench.plugin_api.backend import FileNames
from workbench.plugin_api.code import Bind
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType

OURS = ("dense1/kernel", "dense1/bias", "dense2/kernel", "dense2/bias")
TURNED = FileNames(
    "Turned",
    {
        name: ((name.replace("/", "."),), Bind("", (1, 0) if "kernel" in name else None))
        for name in OURS
    },
)


@pytest.fixture
def net(catalog):
    info = DataInfo(input=TensorType((8, 8, 1)), classes=tuple("0123456789"))
    return check(small_experiment(), catalog, info).network


def test_the_layout_follows_from_the_name(net):
    stored = [
        Stored("dense1/kernel", (64, 32)),
        Stored("dense1/bias", (32,)),
        Stored("dense2.kernel", (10, 32)),
        Stored("dense2.bias", (10,)),
    ]
    found = match(net, [TURNED], stored, "name")
    assert [item.layout for item in found.matched] == [CANONICAL, CANONICAL, "Turned", "Turned"]
    assert not found.unmatched
    assert not found.unused


def test_an_array_is_taken_once(net):
    stored = [Stored("one", (32,), keys=("dense1/bias",)), Stored("two", (10,), ("dense2/bias",))]
    found = match(net, [], stored, "name")
    assert [(item.ours, item.theirs) for item in found.matched] == [
        ("dense1/bias", "one"),
        ("dense2/bias", "two"),
    ]


def test_order_takes_one_layout_for_all_and_leaves_gaps(net):
    stored = [
        Stored("a.weight", (32, 64)),
        Stored("a.bias", (32,)),
        Stored("between.weight", (7, 7)),
        Stored("b.weight", (10, 32)),
        Stored("b.bias", (10,)),
    ]
    found = match(net, [TURNED], stored, "order")
    assert {item.ours: item.theirs for item in found.matched} == dict(
        zip(OURS, ("a.weight", "a.bias", "b.weight", "b.bias"), strict=True)
    )
    assert {item.layout for item in found.matched} == {"Turned"}
    assert [item.name for item in found.unused] == ["between.weight"]


def test_order_never_crosses_unless_the_file_keeps_none(net):
    stored = [
        Stored("z.kernel", (32, 10)),
        Stored("a.kernel", (64, 32)),
        Stored("z.bias", (10,)),
        Stored("a.bias", (32,)),
    ]
    assert len(match(net, [], stored, "order").matched) == 2
    assert len(match(net, [], stored, "order", order="unsure").matched) == 4


def test_roles_and_shapes():
    assert role_of("layer.0.weight", (3, 3)) == "kernel"
    assert role_of("layer.0.weight", (3,)) == "scale"
    assert role_of("bn.running_var", (3,)) == "variance"
    assert role_of("bn/beta", (3,)) == "bias"
    assert expected_shape(Bind("", (2, 0, 1)), (5, 6, 7)) == (7, 5, 6)
    assert expected_shape(Bind("", shape=(30, 7)), (5, 6, 7)) == (30, 7)


def test_long_lists_are_cut():
    assert first_named(["a", "b", "c"]) == "a, b, c"
    assert first_named(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
