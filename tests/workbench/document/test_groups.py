"""Groups are made, dissolved and renamed; a folded network stays one without cycles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.group_layout import arrange_groups, frames, refold
from workbench.document import edits, grouping
from workbench.document.edits import EditError
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.document.groups import Wire, fold, loose, members, paths
from workbench.document.history import History


def network(*nodes: tuple[str, str, str], folded=()) -> Experiment:
    """Each: id, ids of its inputs, group."""
    made = tuple(
        Node(i, "ReLU", inputs=tuple(inputs.split()), group=group) for i, inputs, group in nodes
    )
    return Experiment(graph=Graph(made), folded=tuple(folded))


CHAIN = network(
    ("a", "", ""),
    ("b", "a", "s"),
    ("c", "b", "s/t"),
    ("d", "c", "s/t"),
    ("e", "d", "s"),
    ("f", "e", ""),
)


def test_a_folded_group_is_one_node_with_the_connections_of_its_members():
    shown = fold(CHAIN.graph, ["s"])
    assert [(n.id, n.inputs) for n in shown.graph.nodes] == [
        ("a", ()),
        ("s/", ("a",)),
        ("f", ("s/",)),
    ]
    assert shown.layers(["s/"]) == ("b", "c", "d", "e")
    assert shown.exits("s/") == ("e",)
    assert shown.entries("s/") == ("b",)
    assert shown.wires[Wire("s/", "f", 0)] == (Wire("e", "f", 0),)
    inner = fold(CHAIN.graph, ["s/t"])
    assert [n.id for n in inner.graph.nodes] == ["a", "b", "s/t/", "e", "f"]
    assert inner.frames == ("s",)
    assert fold(CHAIN.graph, []).frames == ("s", "s/t")


def test_faces_that_look_the_same_stay_the_same_object():
    before = fold(CHAIN.graph, ["s"])
    moved = edits.move(CHAIN, {"f": (0, 900)})
    after = fold(moved.graph, ["s"], before)
    assert after.graph["s/"] is before.graph["s/"]


def test_a_selection_becomes_a_group_in_the_one_around_it():
    grouped, path = grouping.group(CHAIN, ["c", "d", "e"])
    assert path == "s/group1"
    assert [n.group for n in grouped.graph.nodes] == ["", "s", path + "/t", path + "/t", path, ""]
    again, other = grouping.group(grouped, ["a"], "stem")
    assert (other, again.graph["a"].group) == ("stem", "stem")
    assert grouping.ungroup(grouped, path) == CHAIN


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["b", "d"], "Only a part of s/t"),
        (["c", "d"], "a group already: s/t"),
        (["a", "f"], "comes back into it through b"),
        ([], "Nothing is selected"),
    ],
)
def test_groups_that_make_no_sense_are_refused_in_words(ids, words):
    with pytest.raises(EditError, match=words):
        grouping.group(CHAIN, ids)


def test_two_groups_that_would_feed_each_other_are_refused():
    crossed = network(("a", "", ""), ("b", "a", "g"), ("c", "", "g"), ("d", "c", ""))
    assert not loose(crossed.graph)
    with pytest.raises(EditError, match="comes back into it through g"):
        grouping.group(crossed, ["a", "d"])


def test_a_group_that_came_to_depend_on_itself_is_not_folded():
    through = edits.add_node(CHAIN, Node("x", "ReLU", inputs=("c",)))
    through = edits.connect(through, "x", "e")
    assert loose(through.graph) == {"s"}
    assert [n.id for n in fold(through.graph, ["s", "s/t"]).graph.nodes] == [
        "a",
        "b",
        "s/t/",
        "e",
        "f",
        "x",
    ]
    with pytest.raises(EditError, match="s cannot be folded"):
        refold(through, "s", folded=True)


def test_names_of_groups():
    renamed = grouping.rename_group(grouping.set_folded(CHAIN, ["s", "s/t"]), "s", "  first stage ")
    assert paths(renamed.graph) == ("first stage", "first stage/t")
    assert renamed.folded == ("first stage", "first stage/t")
    for name in ("", "a/b", "x" * 61):
        with pytest.raises(EditError, match="cannot name a group"):
            grouping.rename_group(CHAIN, "s", name)
    two = network(("a", "", "s"), ("b", "", "t"))
    with pytest.raises(EditError, match="exists already"):
        grouping.rename_group(two, "s", "t")
    with pytest.raises(EditError, match="no group called q"):
        grouping.ungroup(two, "q")


def test_dissolving_tells_equal_names_apart():
    two = network(("a", "", "s/t"), ("b", "a", "t"), ("c", "b", "s"))
    assert [n.group for n in grouping.ungroup(two, "s").graph.nodes] == ["t 2", "t", ""]


def test_copies_keep_whole_groups_under_another_name():
    looked_at = grouping.set_folded(CHAIN, ["s", "s/t"])
    copied, folded = grouping.detached(looked_at, ["c", "d", "e"])
    assert [n.group for n in copied] == ["t", "t", ""]
    assert folded == ("t",)
    copied, folded = grouping.detached(looked_at, members(CHAIN.graph, "s"))
    pasted, names = edits.paste(looked_at, copied, folded=folded)
    assert [pasted.graph[i].group for i in names] == ["s2", "s2/t", "s2/t", "s2"]
    assert pasted.folded == ("s", "s/t", "s2", "s2/t")


def test_a_removed_group_with_one_source_is_bridged():
    branched = network(
        ("a", "", ""), ("b", "a", "g"), ("c", "a", "g"), ("d", "b c", "g"), ("e", "d", "")
    )
    assert edits.remove_nodes(branched, ["b", "c", "d"]).graph["e"].inputs == ("a",)


def test_a_folded_group_is_bypassed_as_a_whole():
    branched = network(
        ("a", "", ""), ("b", "a", "g"), ("c", "a", "g"), ("d", "b c", "g"), ("e", "d", "")
    )
    assert edits.bypass(branched, ["b", "c", "d"]).graph["e"].inputs == ("a",)
    with pytest.raises(EditError, match="What is selected cannot be bypassed: it has 2 inputs"):
        edits.bypass(
            network(("a", "", ""), ("z", "", ""), ("b", "a z", ""), ("c", "b", ""), ("d", "c", "")),
            ["b", "c"],
        )


def test_how_it_is_looked_at_is_no_step_and_no_unsaved_work():
    history = History(CHAIN)
    history.record(edits.rename(CHAIN, "f", "g"), "Rename")
    history.mark_saved()
    history.amend(grouping.set_folded(history.present, ["s"]))
    assert history.is_saved
    assert history.undo_title == "Rename"
    history.undo()
    assert history.present.folded == ()
    history.amend(grouping.set_folded(history.present, ["s/t"]))
    assert history.redo_title == "Rename"
    history.redo()
    assert (history.present.folded, history.is_saved) == (("s",), True)
    history.undo()
    assert history.present.folded == ("s/t",)


def test_unfolding_makes_room_and_folding_takes_it_back():
    folded = Experiment(graph=CHAIN.graph, folded=("s", "s/t"))
    start = edits.move(folded, arrange_groups(folded.graph, folded.folded))
    shown = {n.id: n.position for n in fold(start.graph, start.folded).graph.nodes}
    assert shown == {"a": (0, 0), "s/": (0, 80), "f": (0, 160)}
    opened = refold(start, "s", folded=False)
    places = {n.id: n.position for n in fold(opened.graph, opened.folded).graph.nodes}
    box = frames(fold(opened.graph, opened.folded), places.__getitem__)["s"]
    assert box.top == 80
    assert [places[i][1] for i in ("b", "s/t/", "e")] == [114, 194, 274]
    assert places["f"][1] >= box.bottom + 20
    assert refold(opened, "s", folded=True) == start


@st.composite
def grouped_networks(draw):
    count = draw(st.integers(2, 14))
    nodes = []
    for number in range(count):
        inputs = draw(st.lists(st.integers(0, max(number - 1, 0)), max_size=2, unique=True))
        group = draw(st.sampled_from(["", "a", "b", "a/c", "a/d", "b/c"]))
        given = tuple(f"n{i}" for i in inputs) if number else ()
        nodes.append(Node(f"n{number}", "ReLU", inputs=given, group=group))
    folded = draw(st.sets(st.sampled_from(["a", "b", "a/c", "a/d", "b/c"])))
    return Experiment(graph=Graph(tuple(nodes)), folded=tuple(folded))


@settings(max_examples=60, deadline=None)
@given(grouped_networks())
def test_however_it_is_folded_there_is_no_cycle_and_nothing_covers_anything(experiment):
    shown = fold(experiment.graph, experiment.folded)
    assert len(shown.graph.order()) == len(shown.graph)
    assert sorted(shown.layers(n.id for n in shown.graph.nodes)) == sorted(
        n.id for n in experiment.graph.nodes
    )
    wires = [wire for own in shown.wires.values() for wire in own]
    assert len(wires) == len(set(wires))
    placed = edits.move(experiment, arrange_groups(experiment.graph, experiment.folded))
    drawn = fold(placed.graph, placed.folded)
    tops = [n.position for n in drawn.graph.nodes]
    assert all(
        abs(x - u) >= 220 or abs(y - v) >= 52
        for at, (x, y) in enumerate(tops)
        for u, v in tops[:at]
    )
    boxes = frames(drawn, lambda key: drawn.graph[key].position)
    for path, box in boxes.items():
        if path in drawn.loose:
            continue
        for node in drawn.graph.nodes:
            inside = node.group == path or node.group.startswith(path + "/")
            x, y = node.position
            meets = x < box.right and x + 220 > box.left and y < box.bottom and y + 52 > box.top
            assert meets == inside


@settings(max_examples=40, deadline=None)
@given(grouped_networks(), st.sampled_from(["a", "b", "a/c"]))
def test_folding_and_unfolding_loses_no_layer_and_covers_none(experiment, path):
    placed = edits.move(experiment, arrange_groups(experiment.graph, experiment.folded))
    try:
        changed = refold(placed, path, folded=path not in placed.folded)
    except EditError:
        return
    assert [n.id for n in changed.graph.nodes] == [n.id for n in placed.graph.nodes]
    tops = [n.position for n in fold(changed.graph, changed.folded).graph.nodes]
    assert all(
        abs(x - u) >= 220 or abs(y - v) >= 52
        for at, (x, y) in enumerate(tops)
        for u, v in tops[:at]
    )
