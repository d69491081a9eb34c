"""Building and changing a network with mouse, keys and drags."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from tests.widgets.canvas.networks import branched, chain
from widgets.canvas import clipboard
from workbench.document import edits
from workbench.document.experiment import Experiment, StartingWeights
from workbench.document.graph import Node

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def ids(session):
    return [node.id for node in session.document.experiment.graph.nodes]


def inputs(session, node_id):
    return session.document.experiment.graph[node_id].inputs


def place(session, node_id):
    return session.document.experiment.graph[node_id].position


@pytest.fixture
def open_branched(session, view, qapp):
    session.document.replace(branched())
    view.fit()
    qapp.processEvents()


def test_a_network_is_built_by_dragging_from_an_empty_canvas(session, view, hands):
    kinds = ("Input", "Conv2D", "ReLU", "Flatten", "Dense", "Output")
    for row, kind in enumerate(kinds):
        assert hands.drag_layer(kind, QPoint(400 + 9 * row, 60 + 85 * row))
    graph = session.document.experiment.graph
    assert [node.type for node in graph.nodes] == list(kinds)
    assert [node.inputs for node in graph.nodes] == [
        (),
        ("input1",),
        ("conv1",),
        ("relu1",),
        ("flatten1",),
        ("dense1",),
    ]
    assert len({node.position[0] for node in graph.nodes}) == 1  # each aligned with the one above
    assert not session.document.report.resolution.problems
    assert len(view.network.edges) == 5
    for _ in kinds:
        session.document.undo()
    assert session.document.experiment == Experiment()
    assert not view.network.nodes
    assert not view.network.edges


@pytest.mark.usefixtures("open_chain")
def test_dropping_on_a_connection_inserts_in_one_step(session, view, hands):
    at = hands.edge("conv1", "relu1")
    hands.drag_layer("BatchNorm", at, drop=False)
    lit = [edge.key[:2] for edge in view.network.edges.values() if edge.state == "lit"]
    assert lit == [("conv1", "relu1")]
    hands.drag_layer("BatchNorm", at)
    assert inputs(session, "relu1") == ("norm1",)
    assert inputs(session, "norm1") == ("conv1",)
    assert session.document.selection == ("norm1",)
    assert session.document.undo_title == "Insert Batch norm"
    tops = [node.position[1] for node in session.document.experiment.graph.order()]
    assert all(lower - upper >= 80 for upper, lower in itertools.pairwise(tops))
    session.document.undo()
    assert session.document.experiment == chain()
    session.document.redo()
    assert inputs(session, "relu1") == ("norm1",)
    assert len(view.network.edges) == 6


@pytest.mark.usefixtures("open_chain")
@pytest.mark.parametrize("kind", ["Input", "Output"])
def test_a_connection_does_not_light_up_for_what_cannot_go_there(session, view, hands, kind):
    hands.drag_layer(kind, hands.edge("conv1", "relu1"), drop=False)
    assert {edge.state for edge in view.network.edges.values()} == {""}
    hands.drag_away()
    assert session.document.experiment == chain()


@pytest.mark.usefixtures("open_chain")
def test_an_insertion_that_breaks_shapes_is_allowed_but_doubted(session, view, hands):
    at = hands.edge("dense1", "output1")
    hands.drag_layer("Conv2D", at, drop=False)
    states = {edge.key[:2]: edge.state for edge in view.network.edges.values()}
    assert states["dense1", "output1"] == "doubtful"
    assert "Conv 2D needs" in QToolTip.text()
    hands.drag_layer("Conv2D", at)
    assert inputs(session, "output1") == ("conv2",)
    assert view.network.nodes["conv2"].face.severity == "error"


def test_a_drop_far_from_everything_adds_the_layer_alone(session, hands, view):
    session.document.replace(chain())
    view.reset_zoom()
    hands.drag_layer("Dense", QPoint(90, 640))
    assert inputs(session, "dense2") == ()


def test_strange_drags_are_not_taken(session, hands):
    assert not hands.drag_layer("NoSuchLayer", QPoint(100, 100))
    assert not hands.drag_layer("", QPoint(100, 100))
    assert session.document.experiment == Experiment()


@pytest.mark.usefixtures("open_branched")
def test_dragging_from_port_to_port_connects(session, view, hands):
    session.document.edit(lambda e: edits.disconnect(e, "pool1", 0), "Cut")
    hands.drag(hands.output_port("add2"), hands.input_port("pool1"))
    assert inputs(session, "pool1") == ("add2",)
    assert session.document.undo_title == "Connect add2 to pool1"


@pytest.mark.usefixtures("open_branched")
def test_dragging_upwards_from_an_input_connects_too(session, hands):
    hands.drag(hands.input_port("add2"), hands.output_port("conv2"))
    assert inputs(session, "add2") == ("relu1", "add1", "conv2")


@pytest.mark.usefixtures("open_branched")
@pytest.mark.parametrize(
    "case",
    [
        ("relu1", "add1", "cycle"),
        ("input1", "relu1", "takes one input"),
        ("conv1", "add1", "already"),
        ("conv1", "input1", "takes no input"),
    ],
)
def test_illegal_targets_are_greyed_and_say_why(session, view, hands, case):
    source, target, reason = case
    before = session.document.experiment
    start, end = hands.output_port(source), hands.node(target)
    hands.press(start)
    hands.move(start + QPoint(6, 6))
    hands.move(end)
    assert view.network.nodes[target].opacity() < 0.5
    assert view.network.nodes["add2"].opacity() == (1.0 if source != "relu1" else 0.35)
    assert reason in QToolTip.text()
    hands.release(end)
    assert session.document.experiment is before
    assert all(item.opacity() == 1.0 for item in view.network.nodes.values())


@pytest.mark.usefixtures("open_branched")
def test_a_connection_whose_shapes_do_not_fit_warns_and_is_made(session, view, hands):
    odd = Node("conv9", "Conv2D", {"filters": 5}, ("input1",), position=(132, 160))
    session.document.edit(lambda e: edits.add_node(e, odd), "Add")
    start, end = hands.output_port("conv9"), hands.node("add2")
    hands.press(start)
    hands.move(start + QPoint(6, 6))
    hands.move(end)
    assert QToolTip.text().startswith("Add")
    hands.release(end)
    assert inputs(session, "add2") == ("relu1", "add1", "conv9")
    assert view.network.nodes["add2"].face.severity == "error"


@pytest.mark.usefixtures("open_chain")
def test_an_end_pulled_off_its_layer_and_let_go_is_cut(session, hands):
    at = hands.input_port("relu1")
    hands.drag(at, at + QPoint(250, 10))
    assert inputs(session, "relu1") == ()
    assert session.document.undo_title == "Disconnect conv1 from relu1"


@pytest.mark.usefixtures("open_chain")
def test_a_pulled_end_can_go_to_another_layer(session, hands):
    session.document.edit(lambda e: edits.disconnect(e, "flatten1", 0), "Cut")
    hands.drag(hands.input_port("relu1"), hands.input_port("flatten1"))
    assert inputs(session, "relu1") == ()
    assert inputs(session, "flatten1") == ("conv1",)
    session.document.undo()
    assert inputs(session, "relu1") == ("conv1",)


@pytest.mark.usefixtures("open_chain")
def test_escape_cancels_every_gesture(session, view, hands):
    before = session.document.experiment
    for start in (hands.node("conv1"), hands.output_port("conv1"), QPoint(20, 300)):
        hands.press(start)
        hands.move(start + QPoint(30, 10))
        hands.move(start + QPoint(60, 30))
        hands.key(Qt.Key.Key_Escape)
        hands.release(start + QPoint(60, 30))
        assert session.document.experiment is before
        assert view.network.nodes["conv1"].place == (0, 80)
    assert len(view.network.items()) == len(view.network.nodes) + len(view.network.edges)


@pytest.mark.usefixtures("open_chain")
@pytest.mark.parametrize("port", [False, True])
def test_an_edit_from_elsewhere_breaks_a_gesture_off(session, view, hands, port):
    start = hands.output_port("conv1") if port else hands.node("conv1")
    hands.press(start)
    hands.move(start + QPoint(40, 10))
    session.document.edit(lambda e: edits.remove_nodes(e, ("conv1",)), "Delete conv1")
    hands.move(start + QPoint(80, 20))
    hands.release(start + QPoint(80, 20))
    assert ids(session) == ["input1", "relu1", "flatten1", "dense1", "output1"]
    assert session.document.undo_title == "Delete conv1"


@pytest.mark.usefixtures("open_chain")
def test_dragging_moves_with_snapping_in_one_step(session, view, hands):
    start = hands.node("conv1")
    hands.drag(start, start + QPoint(300, 3))
    assert place(session, "conv1") == (300, 80)  # the row holds it
    hands.drag(hands.node("conv1"), hands.node("conv1") - QPoint(293, 0))
    assert place(session, "conv1") == (0, 80)  # the column pulls it in
    assert session.document.undo_title == "Move conv1"
    session.document.undo()
    session.document.undo()
    assert session.document.experiment == chain()


@pytest.mark.usefixtures("open_chain")
def test_several_layers_move_together(session, hands):
    hands.click(hands.node("conv1"))
    hands.click(hands.node("relu1"), CTRL)
    assert session.document.selection == ("conv1", "relu1")
    start = hands.node("relu1")
    hands.drag(start, start + QPoint(280, 0))
    assert place(session, "conv1") == (280, 80)
    assert place(session, "relu1") == (280, 160)
    assert place(session, "dense1") == (0, 320)


@pytest.mark.usefixtures("open_chain")
def test_a_box_selects_what_it_touches(session, hands):
    top, bottom = hands.pixel(-60, 70), hands.pixel(120, 180)
    hands.drag(top, bottom)
    assert session.document.selection == ("conv1", "relu1")
    hands.drag(hands.pixel(-60, 300), hands.pixel(10, 330), SHIFT)
    assert session.document.selection == ("conv1", "relu1", "dense1")
    hands.click(QPoint(15, 15))
    assert session.document.selection == ()


@pytest.mark.usefixtures("open_chain")
@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_deleting_keeps_the_chain_whole_and_is_one_step(session, view, hands, key):
    hands.click(hands.node("conv1"))
    hands.click(hands.node("relu1"), CTRL)
    hands.key(key)
    assert ids(session) == ["input1", "flatten1", "dense1", "output1"]
    assert inputs(session, "flatten1") == ("input1",)
    assert set(view.network.nodes) == set(ids(session))
    session.document.undo()
    assert session.document.experiment == chain()


@pytest.mark.usefixtures("open_chain")
def test_a_chosen_connection_is_deleted_alone(session, view, hands):
    hands.click(hands.edge("conv1", "relu1"))
    assert view.network.chosen_edge is not None
    hands.key(Qt.Key.Key_Delete)
    assert inputs(session, "relu1") == ()
    assert len(ids(session)) == 6


@pytest.mark.usefixtures("open_chain")
def test_copy_and_paste_twice(session, view, hands):
    hands.click(hands.node("conv1"))
    hands.click(hands.node("relu1"), CTRL)
    hands.key(Qt.Key.Key_C, CTRL)
    assert clipboard.from_text(QApplication.clipboard().text())[0]
    hands.key(Qt.Key.Key_V, CTRL)
    assert session.document.selection == ("conv2", "relu2")
    assert inputs(session, "relu2") == ("conv2",)
    assert inputs(session, "conv2") == ()
    hands.key(Qt.Key.Key_V, CTRL)
    assert session.document.selection == ("conv3", "relu3")
    assert session.document.experiment.graph["conv3"].params == {"filters": 16}
    spots = [node.position for node in session.document.experiment.graph.nodes]
    assert len(set(spots)) == len(spots)
    assert session.document.undo_title == "Paste 2 layers"
    session.document.undo()
    session.document.undo()
    assert session.document.experiment == chain()


@pytest.mark.usefixtures("open_chain")
def test_cut_removes_and_paste_brings_back(session, hands):
    hands.click(hands.node("relu1"))
    hands.key(Qt.Key.Key_X, CTRL)
    assert "relu1" not in ids(session)
    hands.key(Qt.Key.Key_V, CTRL)
    assert "relu1" in ids(session)


@pytest.mark.usefixtures("open_chain")
def test_duplicate_leaves_the_clipboard_alone(session, hands):
    QApplication.clipboard().setText("something else")
    hands.click(hands.node("dense1"))
    hands.key(Qt.Key.Key_D, CTRL)
    assert session.document.selection == ("dense2",)
    assert session.document.experiment.graph["dense2"].params == {"units": 10}
    assert QApplication.clipboard().text() == "something else"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        '{"format": "neural-workbench-layers", "nodes": [{"id": 3}]}',
        '{"format":"neural-workbench-layers","nodes":[{"id":"a b","type":"ReLU"}]}',
        '{"format":"neural-workbench-layers","nodes":[{"id":"a","type":"ReLU"},'
        '{"id":"a","type":"ReLU"}]}',
        '{"format":"neural-workbench-layers","nodes":[{"id":"a","type":"ReLU","inputs":["a"]}]}',
        '{"format":"neural-workbench-layers","nodes":[{"id":"a","type":"R","position":[1e9,0]}]}',
        "[" * 5000 + "neural-workbench-layers",
    ],
)
def test_pasting_garbage_changes_nothing(session, view, qtbot, text):
    heard = []
    session.messaged.connect(heard.append)
    QApplication.clipboard().setText(text)
    view.copying.paste()
    assert session.document.experiment == Experiment()
    assert heard[0].severity == "info"


@pytest.mark.usefixtures("open_branched")
def test_tidy_is_one_edit_from_top_to_bottom(session, view, hands, qapp):
    scattered = {node_id: (7.0 * i, -31.0 * i) for i, node_id in enumerate(ids(session))}
    view.editing.move(scattered)
    hands.key(Qt.Key.Key_A, SHIFT)
    graph = session.document.experiment.graph
    for node in graph.nodes:
        for source in node.inputs:
            assert graph[source].position[1] < node.position[1]
    assert len({node.position for node in graph.nodes}) == len(graph)
    assert session.document.undo_title == "Tidy"
    session.document.undo()
    assert place(session, "relu1") == scattered["relu1"]


@pytest.mark.usefixtures("open_chain")
def test_rename_in_place(session, view, hands):
    hands.click(hands.node("conv1"))
    hands.key(Qt.Key.Key_F2)
    assert QApplication.focusWidget().objectName() == "canvas_rename"
    hands.type("stem")
    hands.key(Qt.Key.Key_Return)
    assert inputs(session, "relu1") == ("stem",)
    assert session.document.selection == ("stem",)
    assert view.network.nodes["stem"].face.name == "stem"
    assert session.document.undo_title == "Rename conv1 to stem"


@pytest.mark.usefixtures("open_chain")
def test_a_name_that_is_refused_can_be_mended_or_given_up(session, hands):
    hands.double_click(hands.node("conv1"))
    hands.type("relu1")
    hands.key(Qt.Key.Key_Return)
    assert session.messages
    assert QApplication.focusWidget().objectName() == "canvas_rename"
    hands.key(Qt.Key.Key_Escape)
    assert session.document.experiment == chain()


@pytest.mark.usefixtures("open_chain")
def test_nudging_is_one_step_for_a_series(session, hands):
    hands.click(hands.node("conv1"))
    for _ in range(3):
        hands.key(Qt.Key.Key_Right, SHIFT)
    hands.key(Qt.Key.Key_Down, SHIFT)
    assert place(session, "conv1") == (24, 88)
    session.document.undo()
    assert session.document.experiment == chain()


@pytest.mark.usefixtures("open_chain")
def test_freezing_shows_a_lock(session, view, hands):
    hands.click(hands.node("conv1"))
    view.toggle_trainable()
    assert session.document.experiment.graph["conv1"].trainable is False
    assert view.network.nodes["conv1"].face.frozen
    assert session.document.undo_title == "Freeze conv1"
    view.toggle_trainable()
    assert session.document.undo_title == "Unfreeze conv1"


def test_a_bypassed_layer_stays_beside_the_way(session, view, hands, open_chain):
    session.document.select(["relu1"])
    before = session.document.experiment
    hands.key(Qt.Key.Key_B, CTRL)
    assert inputs(session, "flatten1") == ("conv1",)
    assert inputs(session, "relu1") == ("conv1",)
    assert place(session, "relu1")[0] > place(session, "conv1")[0] + 200
    session.document.undo()
    assert session.document.experiment == before


def test_a_layer_changes_its_kind_in_its_place(session, hands, qapp, open_chain):
    session.document.edit(lambda e: edits.set_parameter(e, "conv1", "filters", 7), "Filters")
    session.document.select(["conv1"])
    before = session.document.experiment.graph["conv1"]
    hands.key(Qt.Key.Key_T, CTRL)
    QTest.keyClicks(qapp.focusWidget(), "Separable conv")
    QTest.keyClick(qapp.focusWidget(), Qt.Key.Key_Return)
    node = session.document.experiment.graph["conv1"]
    assert node.type == "SeparableConv2D"
    assert node.params["filters"] == 7
    assert (node.inputs, node.position) == (before.inputs, before.position)
    session.document.undo()
    assert session.document.experiment.graph["conv1"] == before


def test_a_name_that_told_the_kind_tells_the_new_one(session, view, qapp, open_chain):
    session.document.select(["relu1"])
    view.adding.swap_type()
    QTest.keyClicks(qapp.focusWidget(), "GELU")
    QTest.keyClick(qapp.focusWidget(), Qt.Key.Key_Return)
    assert session.document.experiment.graph["gelu1"].type == "GELU"
    assert inputs(session, "flatten1") == ("gelu1",)
    assert session.document.selection == ("gelu1",)


def test_renaming_keeps_loaded_weights_and_a_copy_says_that_it_has_none(
    session, view, hands, open_chain
):
    said = []
    session.messaged.connect(said.append)
    start = StartingWeights(name="w.pt", file="/w.safetensors", sha256="0" * 64)
    session.document.edit(lambda e: edits.replace(e, start=start), "Load")
    session.document.select(["dense1"])
    hands.key(Qt.Key.Key_F2)
    hands.type("classes")
    hands.key(Qt.Key.Key_Return)
    assert session.document.experiment.start.names == {"classes": "dense1"}
    assert not said
    session.document.undo()
    assert session.document.experiment.start == start
    session.document.select(["relu1"])
    hands.key(Qt.Key.Key_D, CTRL)
    assert not said  # it has no weights
    session.document.select(["dense1"])
    hands.key(Qt.Key.Key_D, CTRL)
    (copy,) = session.document.selection
    assert f"The copy, {copy}, starts from the seed" in said[0].text
    assert session.document.experiment.start.names[copy] == ""
