"""Groups with mouse and keys: made, folded, unfolded, renamed, moved, copied, found, revealed."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolTip

from tests.widgets.canvas.networks import branched
from widgets.canvas import geometry
from workbench.document import edits, grouping
from workbench.document.graph import Graph

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
BLOCK = ("conv1", "conv2", "add1")


def grouped(*, folded=True):
    """The branched network with its first three layers in a group."""
    made, _ = grouping.group(branched(), BLOCK, "block")
    return grouping.set_folded(made, ["block"] if folded else [])


@pytest.fixture
def folded(session, view, qapp):
    session.document.replace(grouped())
    view.tidy()
    session.document.seal()
    view.fit()
    qapp.processEvents()


def ids(session):
    return [node.id for node in session.document.experiment.graph.nodes]


def shown(view):
    return set(view.network.nodes)


def chevron(view, hands, key="block/"):
    x, y = view.network.nodes[key].place
    return hands.pixel(x + geometry.NODE_WIDTH - 15, y + 14)


def menu_at(view, place):
    """Open the context menu of what is there."""
    reason = QContextMenuEvent.Reason.Mouse
    view.contextMenuEvent(QContextMenuEvent(reason, place, view.viewport().mapToGlobal(place)))
    return view.findChildren(QMenu, "canvas_menu")[-1]


def title(view, hands, path="block"):
    box = view.network.frames[path].title_box
    return hands.pixel(box.left() + 80, box.center().y())


def test_ctrl_g_groups_names_and_g_folds(session, view, hands, qapp):
    session.document.replace(branched())
    view.fit()
    session.document.select(BLOCK)
    hands.key(Qt.Key.Key_G, CTRL)
    assert list(view.network.frames) == ["group1"]
    hands.type("first block")  # the name is asked for at once
    hands.key(Qt.Key.Key_Return)
    assert {session.document.experiment.graph[i].group for i in BLOCK} == {"first block"}
    before = session.document.experiment
    hands.key(Qt.Key.Key_G)
    assert shown(view) == set(ids(session)) - set(BLOCK) | {"first block/"}
    assert not view.network.frames
    face = view.network.nodes["first block/"].face
    assert (face.title, face.summary, face.shape) == ("first block", "3 layers", "8 × 8 × 8")
    assert face.parameters == "160 params"
    assert session.document.undo_title == "Rename group1 to first block"  # folding is no step
    hands.key(Qt.Key.Key_G)
    assert session.document.experiment == before
    hands.key(Qt.Key.Key_G, CTRL | SHIFT)
    assert {node.group for node in session.document.experiment.graph.nodes} == {""}
    session.document.undo()
    session.document.undo()
    session.document.undo()
    assert session.document.experiment == branched()


def test_a_group_that_would_feed_itself_is_refused_in_words(session, view, hands):
    session.document.replace(branched())
    session.document.select(("input1", "add1"))
    hands.key(Qt.Key.Key_G, CTRL)
    assert session.document.experiment == branched()
    assert "comes back into it through conv1" in session.messages[-1].message


@pytest.mark.usefixtures("folded")
def test_double_click_and_chevron_unfold_and_fold(session, view, hands):
    start = session.document.experiment
    hands.double_click(hands.node("block/"))
    assert shown(view) == set(ids(session))
    assert session.document.is_saved == (start == session.document.experiment)
    hands.double_click(title(view, hands))
    assert session.document.experiment == start
    hands.double_click(chevron(view, hands))  # two clicks in one place do not take it back
    assert "block" in view.network.frames
    box = view.network.frames["block"].title_box
    hands.click(hands.pixel(box.left() + 12, box.center().y()))
    assert "block/" in view.network.nodes


@pytest.mark.usefixtures("folded")
def test_what_follows_makes_room(session, view, hands):
    below = view.network.nodes["conv3"].place
    hands.double_click(hands.node("block/"))
    box = view.network.frames["block"].box
    assert view.network.nodes["conv3"].place[1] >= box.bottom() + 20
    assert box.contains(geometry.node_rect(view.network.nodes["add1"].place))
    view.groups.toggle()
    assert view.network.nodes["conv3"].place == below


@pytest.mark.usefixtures("folded")
def test_a_click_selects_all_of_it_and_edits_act_on_all(session, view, hands):
    hands.click(hands.node("block/"))
    assert session.document.selection == BLOCK
    assert view.network.nodes["block/"].is_chosen
    view.toggle_trainable()
    assert view.network.nodes["block/"].face.frozen
    session.document.edit(lambda e: edits.update_node(e, "conv1", trainable=True), "Unfreeze")
    face = view.network.nodes["block/"].face
    assert (face.frozen, face.summary) == (False, "3 layers · 1 frozen")
    hands.key(Qt.Key.Key_F2)
    hands.type("stem")
    hands.key(Qt.Key.Key_Return)
    assert "stem/" in view.network.nodes
    hands.click(hands.node("stem/"))
    hands.key(Qt.Key.Key_B, CTRL)
    assert session.document.experiment.graph["conv3"].inputs == ("input1",)
    session.document.undo()
    hands.click(hands.node("stem/"))
    hands.key(Qt.Key.Key_Delete)
    assert not set(BLOCK) & set(ids(session))
    session.document.undo()
    assert "stem/" in view.network.nodes


@pytest.mark.usefixtures("folded")
def test_a_face_and_a_frame_are_dragged_with_all_in_them(session, view, hands):
    before = {i: session.document.experiment.graph[i].position for i in BLOCK}
    start = hands.node("block/")
    hands.drag(start, start + QPoint(200, 0), Qt.KeyboardModifier.AltModifier)
    moved = {i: session.document.experiment.graph[i].position for i in BLOCK}
    steps = {(moved[i][0] - before[i][0], moved[i][1] - before[i][1]) for i in BLOCK}
    assert len(steps) == 1
    assert steps.pop()[0] > 150
    assert session.document.undo_title == "Move 3 layers"
    hands.double_click(hands.node("block/"))
    box = view.network.frames["block"].box
    start = title(view, hands)
    hands.drag(start, start + QPoint(-150, 0), Qt.KeyboardModifier.AltModifier)
    assert view.network.frames["block"].box.left() < box.left() - 100
    hands.press(title(view, hands))
    hands.move(title(view, hands) + QPoint(90, 0))
    hands.key(Qt.Key.Key_Escape)
    assert session.document.undo_title == "Move 3 layers"


@pytest.mark.usefixtures("folded")
def test_keys_walk_over_folded_groups(session, view, hands):
    hands.click(hands.node("input1"))
    hands.key(Qt.Key.Key_Down)
    assert session.document.selection == BLOCK
    assert view.accessibleDescription() == "block selected"
    hands.key(Qt.Key.Key_Down)
    assert session.document.selection == ("conv3",)
    hands.key(Qt.Key.Key_Up)
    hands.key(Qt.Key.Key_Tab)
    assert session.document.selection == ("conv3",)
    hands.key(Qt.Key.Key_A, CTRL)
    assert len(session.document.selection) == len(ids(session))


@pytest.mark.usefixtures("folded")
def test_a_copy_is_a_group_of_its_own(session, view, hands):
    hands.click(hands.node("block/"))
    hands.key(Qt.Key.Key_C, CTRL)
    hands.key(Qt.Key.Key_V, CTRL)
    assert session.document.group == "block2"
    hands.key(Qt.Key.Key_D, CTRL)
    assert session.document.group == "block3"
    assert {"block2/", "block3/"} <= shown(view)
    copies = session.document.selection
    assert session.document.experiment.graph[copies[2]].inputs == copies[:2]


@pytest.mark.usefixtures("folded")
def test_connections_end_at_the_layer_inside(session, view, hands):
    assert {(k.source, k.target) for k in view.network.edges if "block/" in k} == {
        ("input1", "block/"),
        ("block/", "conv3"),
        ("block/", "add2"),
    }
    hands.drag_layer("ReLU", hands.edge("block/", "conv3"))
    assert session.document.experiment.graph["conv3"].inputs == ("relu2",)
    assert session.document.experiment.graph["relu2"].inputs == ("add1",)
    session.document.undo()
    hands.drag_layer("Dropout", hands.edge("input1", "block/"))  # two connections run in it
    graph = session.document.experiment.graph
    assert graph["conv1"].inputs == graph["conv2"].inputs == ("dropout1",)
    session.document.undo()
    start = hands.output_port("input1")
    hands.press(start)
    hands.move(start + QPoint(5, 5))
    hands.move(hands.node("block/"))
    assert "2 layers in block take an input. Unfold it" in QToolTip.text()
    hands.key(Qt.Key.Key_Escape)
    hands.release(start)
    hands.click(hands.edge("block/", "conv3"))
    hands.key(Qt.Key.Key_Delete)
    assert session.document.experiment.graph["conv3"].inputs == ()
    hands.drag(hands.output_port("block/"), hands.input_port("conv3"))
    assert session.document.experiment.graph["conv3"].inputs == ("add1",)


def test_a_layer_put_between_two_of_a_group_is_in_it(session, view, hands):
    session.document.replace(grouped(folded=False))
    view.fit()
    hands.drag_layer("ReLU", hands.edge("conv1", "add1"))
    assert session.document.experiment.graph["relu2"].group == "block"
    hands.drag_layer("Dropout", hands.edge("input1", "conv1"))
    assert session.document.experiment.graph["dropout1"].group == ""


@pytest.mark.usefixtures("folded")
def test_a_problem_and_a_search_unfold_what_hides_the_layer(session, view, hands):
    session.document.edit(lambda e: edits.set_parameter(e, "conv2", "filters", 5), "Filters")
    assert view.network.nodes["block/"].face.severity == "error"
    session.document.select(["add1"])  # as the list of problems does
    assert "add1" in view.network.nodes
    assert session.document.undo_title == "Filters"
    view.groups.toggle()
    hands.key(Qt.Key.Key_F, CTRL)
    hands.type("add1")
    assert view.network.nodes["add1"].is_chosen
    hands.key(Qt.Key.Key_Escape)


def test_groups_within_groups(session, view, hands, qapp):
    outer, _ = grouping.group(grouped(), (*BLOCK, "conv3", "relu1", "add2"), "body")
    session.document.replace(outer)
    view.tidy()
    assert set(view.network.frames) == {"body"}
    assert "body/block/" in view.network.nodes
    view.groups.fold_all()
    assert shown(view) == {"input1", "body/", "pool1", "dense1", "output1"}
    view.show_node("conv1")
    assert set(view.network.frames) == {"body", "body/block"}
    inner, around = view.network.frames["body/block"].box, view.network.frames["body"].box
    assert around.contains(inner)
    view.groups.fold_all()
    view.groups.unfold_all()
    assert shown(view) == set(ids(session))


@pytest.mark.usefixtures("folded")
def test_the_menu_of_a_folded_group(session, view, hands, qtbot):
    QTest.mouseClick(
        hands.port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, hands.node("block/")
    )
    menu = menu_at(view, hands.node("block/"))
    titles = [action.text().split("\t")[0] for action in menu.actions()]
    assert {"Unfold", "Ungroup", "Freeze"} <= set(titles)
    assert "Change its kind…" not in titles
    next(a for a in menu.actions() if a.text().startswith("Unfold")).trigger()
    menu.close()
    assert "block" in view.network.frames


@pytest.mark.usefixtures("folded")
def test_a_group_is_frozen_with_what_is_before_it(session, view, hands):
    def trainable():
        return {n.id for n in session.document.experiment.graph.nodes if n.trainable}

    before = trainable()
    for title, wanted in (
        ("Freeze up to here", before - {"conv1", "conv2"}),
        ("Unfreeze from here", before),
    ):
        menu = menu_at(view, hands.node("block/"))
        next(a for a in menu.actions() if a.text() == title).trigger()
        menu.close()
        assert trainable() == wanted
        assert session.document.undo_title == f"{title.removesuffix(' here')} block"


def test_a_folded_group_shows_the_map_of_its_last_layer(session, view):
    import numpy as np

    session.document.replace(grouped())
    view.set_thumbnails({"add1": np.zeros((4, 4), np.uint8)})
    assert view.network.nodes["block/"]._thumbnail is not None


def test_what_is_folded_is_kept_in_the_file(session, view, tmp_path):
    session.document.replace(grouped())
    path = tmp_path / "mine.workbench.json"
    session.document.save(path)
    view.groups.fold(("block",), folded=False)
    assert session.document.is_saved
    session.document.save(path)
    session.document.open(path)
    assert set(view.network.frames) == {"block"}
    assert msgspec.structs.replace(session.document.experiment, graph=Graph()).folded == ()
    QApplication.processEvents()
