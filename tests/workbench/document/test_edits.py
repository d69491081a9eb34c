"""Edits are pure, refuse nonsense, and are undone exactly."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.document import edits
from workbench.document.changes import is_same
from workbench.document.edits import EditError
from workbench.document.experiment import Experiment, Split
from workbench.document.graph import Graph, Node
from workbench.document.history import History
from workbench.document.training import SGD, Adam


def chain(*ids: str) -> Experiment:
    nodes = []
    for number, node_id in enumerate(ids):
        inputs = (ids[number - 1],) if number else ()
        nodes.append(Node(node_id, "ReLU", inputs=inputs, position=(0.0, 80.0 * number)))
    return Experiment(graph=Graph(tuple(nodes)))


def edges(experiment: Experiment) -> set[tuple[str, str]]:
    return {(source, n.id) for n in experiment.graph.nodes for source in n.inputs}


def test_adding_a_node_keeps_the_original_as_it_was():
    before = chain("a")
    after = edits.add_node(before, Node("b", "Dense", inputs=("a",)))
    assert [node.id for node in before.graph.nodes] == ["a"]
    assert edges(after) == {("a", "b")}


@pytest.mark.parametrize("name", ["", "1st", "two words", "class", "_hidden", "a-b", "ﬁ", "a"])
def test_a_name_that_is_taken_or_impossible_is_refused(name):
    with pytest.raises(EditError):
        edits.add_node(chain("a"), Node(name, "Dense"))


def test_an_input_from_nowhere_is_refused():
    with pytest.raises(EditError, match="no layer called ghost"):
        edits.add_node(chain("a"), Node("b", "Dense", inputs=("ghost",)))


def test_removing_from_the_middle_bridges_the_gap():
    assert edges(edits.remove_nodes(chain("a", "b", "c", "d"), ["b", "c"])) == {("a", "d")}


def test_removing_a_join_leaves_its_successor_unconnected():
    joined = edits.add_node(chain("a", "b"), Node("sum1", "Add", inputs=("a", "b")))
    joined = edits.add_node(joined, Node("end", "ReLU", inputs=("sum1",)))
    removed = edits.remove_nodes(joined, ["sum1"])
    assert removed.graph["end"].inputs == ()


def test_removing_nothing_returns_the_same_object():
    before = chain("a")
    assert edits.remove_nodes(before, ["ghost"]) is before


def test_removing_a_whole_cycle_from_a_file_ends():
    looped = Experiment(
        graph=Graph((Node("a", "ReLU", inputs=("b",)), Node("b", "ReLU", inputs=("a",))))
    )
    kept = edits.add_node(looped, Node("c", "ReLU", inputs=("a",)))
    assert edits.remove_nodes(kept, ["a", "b"]).graph["c"].inputs == ()


def test_a_cycle_is_refused_in_words():
    with pytest.raises(EditError, match="would close a cycle") as caught:
        edits.connect(chain("a", "b", "c"), "c", "a")
    assert "own output" in caught.value.hint


def test_a_node_cannot_feed_itself():
    with pytest.raises(EditError, match="cycle"):
        edits.connect(chain("a"), "a", "a")


def test_connecting_replaces_an_input_or_adds_one():
    start = edits.add_node(chain("a", "b"), Node("c", "Add", inputs=("a",)))
    assert edits.connect(start, "b", "c", 0).graph["c"].inputs == ("b",)
    assert edits.connect(start, "b", "c").graph["c"].inputs == ("a", "b")


def test_disconnecting_needs_the_input_to_exist():
    start = chain("a", "b")
    assert edges(edits.disconnect(start, "b", 0)) == set()
    with pytest.raises(EditError, match="no input 2"):
        edits.disconnect(start, "b", 1)


def test_inserting_on_an_edge_keeps_the_input_order():
    start = edits.add_node(chain("a", "b"), Node("c", "Concatenate", inputs=("a", "b")))
    after = edits.insert_on_edge(start, Node("d", "ReLU"), "c", 0)
    assert after.graph["c"].inputs == ("d", "b")
    assert after.graph["d"].inputs == ("a",)


def test_renaming_follows_every_connection():
    start = edits.add_node(chain("a", "b"), Node("c", "Add", inputs=("a", "a")))
    after = edits.rename(start, "a", "start")
    assert after.graph["b"].inputs == ("start",)
    assert after.graph["c"].inputs == ("start", "start")
    with pytest.raises(EditError, match="exists already"):
        edits.rename(after, "start", "b")


def test_a_parameter_equal_to_its_default_leaves_the_document():
    changed = edits.set_parameter(chain("a"), "a", "filters", 64, default=32)
    assert changed.graph["a"].params == {"filters": 64}
    assert edits.set_parameter(changed, "a", "filters", 32, default=32).graph["a"].params == {}


def test_true_is_not_one():
    changed = edits.set_parameter(chain("a"), "a", "use_bias", True, default=1)
    assert changed.graph["a"].params == {"use_bias": True}


def test_a_file_that_says_one_for_true_can_be_mended():
    written = Experiment(graph=Graph((Node("dense1", "Dense", {"use_bias": 1}),)))
    history = History(written)
    assert history.record(edits.set_parameter(written, "dense1", "use_bias", True), "Use bias")
    assert history.present.graph["dense1"].params["use_bias"] is True
    assert not history.is_saved


def test_an_equal_value_is_the_same_document():
    before = chain("a")
    assert edits.set_training(before, epochs=before.training.epochs) is before
    assert edits.move(before, {"a": before.graph["a"].position}) is before


@pytest.mark.parametrize("epochs", [0, -3, 2.5, "ten", None])
def test_training_settings_outside_their_bounds_are_refused(epochs):
    with pytest.raises(EditError, match="Epochs cannot be"):
        edits.set_training(chain("a"), epochs=epochs)


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(EditError, match="no setting called colour"):
        edits.set_data(chain("a"), colour="red")


def test_an_optimizer_can_be_swapped_for_another():
    after = edits.set_training(chain("a"), optimizer=SGD(nesterov=True))
    assert after.training.optimizer == SGD(nesterov=True)
    assert isinstance(chain("a").training.optimizer, Adam)


def test_pasting_renames_and_keeps_inner_connections_only():
    start = chain("conv1", "relu1")
    after, names = edits.paste(start, start.graph.nodes[1:], (10, 5))
    assert names == ("relu2",)
    assert after.graph["relu2"].inputs == ()
    after, names = edits.paste(start, start.graph.nodes)
    assert after.graph[names[1]].inputs == (names[0],)


def test_consecutive_edits_with_one_key_are_one_step():
    history = History(chain("a"))
    for x in range(5):
        history.record(edits.move(history.present, {"a": (x + 1.0, 0.0)}), "Move", "drag")
    history.seal()
    history.record(edits.move(history.present, {"a": (9.0, 9.0)}), "Move", "drag")
    history.undo()
    assert history.present.graph["a"].position == (5.0, 0.0)
    history.undo()
    assert history.present == chain("a")
    assert not history.undo()


def test_undoing_to_the_saved_value_means_saved():
    history = History(chain("a"))
    history.record(edits.rename(history.present, "a", "b"), "Rename")
    assert not history.is_saved
    history.undo()
    assert history.is_saved
    history.mark_unsaved()
    assert not history.is_saved


def test_history_keeps_its_limit():
    history = History(chain("a"), limit=3)
    for number in range(10):
        history.record(edits.replace(history.present, seed=number + 1), "Seed")
    undone = 0
    while history.undo():
        undone += 1
    assert undone == 3


@st.composite
def random_edit(draw, experiment: Experiment) -> Experiment:
    """Draw one edit that may be illegal; an illegal one must leave the document alone."""
    ids = [node.id for node in experiment.graph.nodes] or ["ghost"]
    one, other = draw(st.sampled_from(ids)), draw(st.sampled_from(ids))
    new = draw(st.sampled_from(["x", "y", "z", *ids, "not a name"]))
    index = draw(st.integers(-1, 2))
    number = draw(st.integers(-2, 9))
    actions = {
        "add": lambda: edits.add_node(experiment, Node(new, "Dense", inputs=(one,))),
        "add free": lambda: edits.add_node(experiment, Node(new, "Dense")),
        "remove": lambda: edits.remove_nodes(experiment, {one, other}),
        "connect": lambda: edits.connect(experiment, one, other, index if index >= 0 else None),
        "disconnect": lambda: edits.disconnect(experiment, one, index),
        "insert": lambda: edits.insert_on_edge(experiment, Node(new, "ReLU"), one, index),
        "rename": lambda: edits.rename(experiment, one, new),
        "set": lambda: edits.set_parameter(experiment, one, "units", number, 3),
        "freeze": lambda: edits.update_node(experiment, one, trainable=number % 2 == 0),
        "move": lambda: edits.move(experiment, {one: (number, 2 * number)}),
        "paste": lambda: edits.paste(experiment, experiment.graph.nodes[:2], (5, 5))[0],
        "epochs": lambda: edits.set_training(experiment, epochs=number),
        "split": lambda: edits.set_data(experiment, split=Split(seed=abs(number))),
        "name": lambda: edits.replace(experiment, name=new),
    }
    try:
        return actions[draw(st.sampled_from(sorted(actions)))]()
    except EditError:
        return experiment


@settings(max_examples=150)
@given(st.data())
def test_all_edits_undone_are_the_start_and_all_redone_the_end(data):
    start = chain("a", "b", "c")
    history = History(start)
    for step in range(data.draw(st.integers(1, 15))):
        key = data.draw(st.sampled_from(["", "", "drag"]))
        before = history.present
        after = data.draw(random_edit(before))
        assert history.record(after, f"Step {step}", key) != is_same(after, before)
        after.graph.order()  # no edit ever makes a cycle
    end = history.present
    while history.undo():
        pass
    assert history.present is start
    while history.redo():
        pass
    assert history.present is end


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_learning_rate_scales_stay_numbers_that_a_file_can_hold(scale):
    start = chain("a")
    try:
        after = edits.update_node(start, "a", learning_rate_scale=scale)
    except EditError:
        assert not (math.isfinite(scale) and scale >= 0)
    else:
        assert math.isfinite(after.graph["a"].learning_rate_scale)


def test_bypassed_nodes_are_left_out_of_the_way():
    nodes = (
        Node("a", "Input"),
        Node("b", "ReLU", inputs=("a",)),
        Node("c", "ReLU", inputs=("b",)),
        Node("d", "Add", inputs=("c", "b")),
    )
    experiment = Experiment(graph=Graph(nodes))
    both = edits.bypass(experiment, ["b", "c"]).graph
    assert both["d"].inputs == ("a", "a")
    assert (both["b"].inputs, both["c"].inputs) == (("a",), ("b",))
    one = edits.bypass(experiment, ["b"]).graph
    assert (one["c"].inputs, one["d"].inputs) == (("a",), ("c", "a"))
    for ids, words in ((["d"], "has 2 inputs"), (["a"], "has 0 inputs")):
        with pytest.raises(edits.EditError, match=words):
            edits.bypass(experiment, ids)
    with pytest.raises(edits.EditError, match="Nothing follows"):
        edits.bypass(edits.remove_nodes(experiment, ["d"]), ["c"])
