"""Order, neighbours and names of a graph."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.document.graph import CycleError, Graph, Node, is_identifier


def graph(**inputs: tuple[str, ...]) -> Graph:
    return Graph(tuple(Node(node_id, "Add", inputs=taken) for node_id, taken in inputs.items()))


def test_the_order_is_stable_and_after_inputs():
    made = graph(d=("b", "c"), b=("a",), c=("a",), a=())
    assert [node.id for node in made.order()] == ["a", "b", "c", "d"]


@given(st.lists(st.sets(st.integers(0, 19), max_size=3), min_size=1, max_size=20), st.randoms())
def test_every_node_comes_after_its_inputs(inputs, random):
    nodes = [
        Node(f"n{number}", "Add", inputs=tuple(f"n{i}" for i in sorted(taken) if i < number))
        for number, taken in enumerate(inputs)
    ]
    random.shuffle(nodes)
    seen: set[str] = set()
    for node in Graph(tuple(nodes)).order():
        assert set(node.inputs) <= seen
        seen.add(node.id)
    assert len(seen) == len(nodes)


def test_a_cycle_is_named_in_the_direction_of_the_data():
    with pytest.raises(CycleError, match="form a cycle") as caught:
        graph(a=("c",), b=("a",), c=("b",), tail=("c",)).order()
    cycle = caught.value.cycle
    rotated = cycle[cycle.index("a") :] + cycle[: cycle.index("a")]
    assert rotated == ("a", "b", "c")


def test_a_loop_to_itself_is_a_cycle():
    with pytest.raises(CycleError):
        graph(a=("a",)).order()


def test_an_input_used_twice_and_one_from_nowhere_are_no_cycle():
    assert len(graph(a=("ghost",), b=("a", "a")).order()) == 2


def test_upstream_and_downstream_reach_all_the_way():
    made = graph(a=(), b=("a",), c=("b",), side=("a",))
    assert made.upstream("c") == {"a", "b", "c"}
    assert made.downstream("a") == {"a", "b", "c", "side"}
    assert made.successors["a"] == ("b", "side")


def test_nodes_in_pieces_that_hang_together():
    made = graph(late=("b",), a=(), b=("a",), c=("b",), apart=(), d=("c",))
    assert made.pieces(["d", "c", "apart", "a", "late", "ghost"]) == (
        ("late",),
        ("a",),
        ("c", "d"),
        ("apart",),
    )
    assert made.pieces(["late", "b", "a"]) == (("late", "a", "b"),)


def test_a_long_chain_is_no_deep_recursion():
    nodes = tuple(Node(f"n{i}", "ReLU", inputs=(f"n{i - 1}",) if i else ()) for i in range(5000))
    start = time.process_time()
    assert len(Graph(nodes).order()) == 5000
    assert len(Graph(nodes).upstream("n4999")) == 5000
    assert len(Graph(nodes).pieces(node.id for node in nodes)) == 1
    assert time.process_time() - start < 2


def test_unused_names_fill_gaps():
    assert graph(conv1=(), conv3=()).unused_id("conv") == "conv2"


@pytest.mark.parametrize("name", ["conv1", "Conv", "größe", "a_b"])
def test_names_that_are_attributes(name):
    assert is_identifier(name)


@pytest.mark.parametrize("name", ["", "1a", "a b", "a.b", "for", "_a", "__init__", "ﬁ", "a\n"])
def test_names_that_are_not(name):
    assert not is_identifier(name)
