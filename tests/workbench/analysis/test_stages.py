"""Modules of an imported network become stages that one can read, and that can be folded."""

from __future__ import annotations

import pytest

from plugins.importers._keras_graph import block_of
from workbench.analysis.stages import in_stages
from workbench.document.graph import Graph, Node
from workbench.document.groups import fold, loose, paths


def chain(*modules: tuple[str, int]) -> Graph:
    """Layers one behind the other; each pair: the module they are in, and how many."""
    nodes = [Node("input", "Input")]
    for module, count in modules:
        for _ in range(count):
            name = f"n{len(nodes)}"
            nodes.append(Node(name, "ReLU", inputs=(nodes[-1].id,), group=module))
    nodes.append(Node("output", "Output", inputs=(nodes[-1].id,)))
    return Graph(tuple(nodes))


def shown(graph: Graph) -> list[str]:
    return [node.id for node in fold(graph, paths(graph)).graph.order()]


def test_stages_with_a_stem_and_a_head():
    """As ResNets of torchvision are written."""
    made = in_stages(
        chain(("", 4), ("layer1/0", 7), ("layer1/1", 7), ("layer2/0", 7), ("layer2/1", 7), ("", 3))
    )
    assert shown(made) == ["input", "stem/", "layer1/", "layer2/", "head/", "output"]
    assert "layer1/block0" in paths(made)


def test_a_module_that_only_holds_stages_is_left_out():
    """As EfficientNets of timm are written: blocks.0.0, and a batch norm with its activation."""
    made = in_stages(
        chain(("", 1), ("bn1", 2), ("blocks/0/0", 6), ("blocks/1/0", 8), ("blocks/1/1", 8), ("", 2))
    )
    assert shown(made) == ["input", "stem/", "stage0/", "stage1/", "head/", "output"]
    assert set(paths(made)) == {
        "stem",
        "stage0",
        "stage1",
        "stage1/block0",
        "stage1/block1",
        "head",
    }


def test_small_modules_stand_for_themselves():
    made = in_stages(chain(("features/0", 3), ("features/1", 5), ("features/2", 5), ("fc", 1)))
    assert shown(made) == ["input", "stem/", "block1/", "block2/", "n14", "output"]


def test_what_stands_between_layers_of_a_module_is_in_it():
    graph = chain(("", 1), ("a", 4), ("", 1), ("a", 4), ("b", 5))
    assert in_stages(graph).nodes[6].group == "a"


def test_modules_that_feed_each_other_are_left_out():
    graph = chain(("a", 4), ("b", 4), ("a", 4), ("c", 4))
    made = in_stages(graph)
    assert not loose(made)
    assert paths(made) == ("stem", "c")


def test_equal_names_are_told_apart():
    made = in_stages(chain(("x/0", 4), ("x/1", 4), ("0", 5), ("1", 5)))
    assert len(paths(made)) == 4
    assert len(fold(made, paths(made)).graph) == 6


def test_nothing_is_grouped_where_nothing_was():
    graph = chain(("", 6))
    assert in_stages(graph) == graph


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("conv3_block12_2_conv", "conv3/block12"),
        ("block4c_expand_activation", "block4/c"),
        ("convnext_tiny_stage_2_block_8_pointwise_conv_1", "stage_2/block_8"),
        ("block_13_depthwise", "block_13"),
        ("expanded_conv_3_squeeze_excite_conv", "expanded_conv_3"),
        ("block14_sepconv2", "block14"),
        ("stem_conv", ""),
        ("predictions", ""),
    ],
)
def test_names_of_keras_tell_the_block(name, group):
    assert block_of(name) == group
