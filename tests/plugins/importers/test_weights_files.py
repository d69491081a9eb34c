"""Weights of a file go into the network they belong to: by name, by order, with another head."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.importers._assigning import assign, classes_in
from plugins.importers._index import entries, guesses, marks
from workbench.errors import UserError

OWN = {
    "stem.weight": (8, 3, 3, 3),
    "stem.bias": (8,),
    "norm.weight": (8,),
    "norm.running_mean": (8,),
    "head.weight": (10, 8),
    "head.bias": (10,),
}


class Given:
    def __init__(self, shapes, *, is_ordered=True):
        self.shapes = shapes
        self.is_ordered = is_ordered

    def read(self, name):
        return np.ones(self.shapes[name], np.float32)


def renamed(change):
    return {change(name): shape for name, shape in OWN.items()}


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_names_may_have_a_common_beginning(prefix):
    given = Given(renamed(lambda name: prefix + name) | {f"{prefix}ema.weight": (3,)})
    found = assign(OWN, given, "net")
    assert found.theirs == {name: prefix + name for name in OWN}
    assert found.unused == (f"{prefix}ema.weight",)
    assert bool(found.renamed) == bool(prefix)


def test_other_names_in_the_same_order_are_taken_when_the_file_keeps_it():
    shapes = renamed(lambda name: "x_" + name)
    found = assign(OWN, Given(shapes), "net")
    assert found.by_order
    assert found.theirs["head.bias"] == "x_head.bias"
    with pytest.raises(UserError, match="weights of other names"):
        assign(OWN, Given(shapes, is_ordered=False), "net")


def test_weights_of_equal_shape_are_not_taken_for_another_sort():
    shapes = dict(
        zip(
            ("a.weight", "a.bias", "b.bias", "b.weight", "c.weight", "c.bias"),
            OWN.values(),
            strict=True,
        )
    )
    with pytest.raises(UserError, match="does not fit net"):
        assign(OWN, Given(shapes), "net")


def test_a_wrong_shape_is_named():
    shapes = OWN | {"stem.weight": (8, 1, 3, 3)}
    with pytest.raises(UserError, match=r"stem\.weight is 8 × 1 × 3 × 3 in"):
        assign(OWN, Given(shapes), "net")


def test_the_classes_of_the_file_are_found():
    other = OWN | {"head.weight": (4, 8), "head.bias": (4,)}
    assert classes_in(OWN, other, 10) == 4
    assert classes_in(OWN, OWN, 10) == 10
    assert classes_in(OWN, OWN | {"stem.bias": (9,)}, 10) == 10


def test_architectures_are_known_by_their_weights():
    from torchvision import models

    state = models.resnet18(weights=None).state_dict()
    shapes = {k: tuple(v.shape) for k, v in state.items() if "num_batches" not in k}
    first = guesses("torchvision", shapes)[0]
    assert (first.name, first.rank) == ("resnet18", 0)
    other = {f"my_{name}": shape for name, shape in shapes.items()}
    assert (guesses("torchvision", other)[0].name, guesses("torchvision", other)[0].rank) == (
        "resnet18",
        1,
    )
    head = shapes | {"fc.weight": (3, 512), "fc.bias": (3,)}
    assert "resnet18" in [guess.name for guess in guesses("torchvision", head)]
    assert not guesses("torchvision", OWN)
    assert marks(shapes)["ordered"] != marks(dict(reversed(shapes.items())))["ordered"]


def test_the_index_knows_whole_libraries():
    found = {each.name: each for each in entries("torchvision")}
    assert found["resnet50"].parameters == 25_557_032
    assert found["resnet50"].weights[0].name == "IMAGENET1K_V2"
    assert found["inception_v3"].input == (299, 299, 3)
    assert {each.name for each in entries("timm")} >= {"tf_efficientnet_lite0", "resnet18"}
    assert entries("nobody") == ()
