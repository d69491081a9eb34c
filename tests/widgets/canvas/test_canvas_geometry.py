"""Places on the canvas: arranging, snapping, ways around layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF

from tests.widgets.canvas.networks import branched, chain
from widgets.canvas import geometry
from widgets.canvas.face import stem
from workbench.analysis.arrange import arrange
from workbench.document.graph import CycleError, Graph, Node


@st.composite
def graphs(draw):
    count = draw(st.integers(0, 14))
    nodes = []
    for number in range(count):
        sources = draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        nodes.append(Node(f"n{number}", "Add", inputs=tuple(f"n{s}" for s in sources)))
    return Graph(tuple(nodes))


@given(graphs())
def test_arranged_layers_follow_their_inputs_and_never_overlap(graph):
    places = arrange(graph)
    assert set(places) == set(graph.by_id)
    for node in graph.nodes:
        for source in node.inputs:
            assert places[node.id][1] >= places[source][1] + geometry.ROW
    spots = list(places.values())
    for index, spot in enumerate(spots):
        assert not geometry.overlaps(spot, spots[index + 1 :])


def test_a_stack_stays_in_one_column_and_branches_keep_their_order():
    assert len({x for x, _ in arrange(chain().graph).values()}) == 1
    places = arrange(branched().graph)
    assert places["conv1"][0] < places["add1"][0] < places["conv2"][0]
    assert places["conv1"][1] == places["conv2"][1]
    assert places["conv3"][0] == places["add2"][0]  # the way past it does not push it aside


def test_a_cycle_is_refused_before_it_reaches_the_library():
    graph = Graph((Node("a", "Add", inputs=("b",)), Node("b", "Add", inputs=("a",))))
    with pytest.raises(CycleError):
        arrange(graph)


def test_a_connection_goes_around_layers_in_its_way():
    start, end = QPointF(110, 52), QPointF(110, 240)
    assert geometry.Lanes([(0, 0), (0, 240)]).around(start, end) is None
    lane = geometry.Lanes([(0, 0), (0, 80), (0, 160), (0, 240)]).around(start, end)
    assert lane is not None
    assert not 0 <= lane <= geometry.NODE_WIDTH
    crowded = geometry.Lanes([(0, 80), (240, 80), (-264, 160)])
    lane = crowded.around(start, end)
    assert all(not x <= lane <= x + geometry.NODE_WIDTH for x in (0, 240, -264))


@given(st.floats(-500, 500), st.floats(-500, 500))
def test_snapping_never_pulls_further_than_its_reach(x, y):
    found = geometry.snap((x, y), [(0.0, 0.0), (264.0, 0.0)], 10)
    assert abs(found.shift[0]) <= 10
    assert abs(found.shift[1]) <= 10
    if found.x is not None:
        assert x + found.shift[0] == pytest.approx(0, abs=1e-9) or x + found.shift[
            0
        ] == pytest.approx(264)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Conv 2D", "conv"),
        ("Batch norm", "norm"),
        ("Global average pool", "pool"),
        ("ReLU6", "relu"),
        ("Multi-head attention", "attention"),
        ("3D", "layer"),
        ("Öl", "l"),
    ],
)
def test_names_of_new_layers_are_short(title, expected):
    assert stem(title) == expected
