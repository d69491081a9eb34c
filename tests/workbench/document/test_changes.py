"""What differs between two experiments is found, said in words, and nothing more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.document import edits
from workbench.document.changes import Changes, Edge, compare
from workbench.document.experiment import Component, Experiment
from workbench.document.graph import Graph, Node
from workbench.document.training import SGD, Adam

BASE = Experiment(
    graph=Graph(
        (
            Node("input1", "Input"),
            Node("dense1", "Dense", {"units": 10}, ("input1",)),
            Node("output1", "Output", {}, ("dense1",)),
        )
    )
)


def test_the_same_has_no_changes():
    assert compare(BASE, BASE) == Changes()
    assert not compare(BASE, BASE)
    copy = Experiment(graph=Graph(tuple(Node("input1", "Input") for _ in range(1))))
    assert not compare(copy, Experiment(graph=Graph((Node("input1", "Input"),))))


def test_an_insertion_names_the_node_and_its_edges():
    after = edits.insert_on_edge(BASE, Node("relu1", "ReLU"), "output1", 0)
    found = compare(BASE, after)
    assert found.added == ("relu1",)
    assert found.connected == (Edge("relu1", "output1", 0), Edge("dense1", "relu1", 0))
    assert found.disconnected == (Edge("dense1", "output1", 0),)
    assert found.nodes == {"relu1", "output1"}


def test_a_removal_is_the_opposite_of_an_addition():
    after = edits.remove_nodes(BASE, ["dense1"])
    there, back = compare(BASE, after), compare(after, BASE)
    assert there.removed == back.added == ("dense1",)
    assert set(there.connected) == set(back.disconnected)


def test_a_parameter_back_at_its_default_reads_as_default():
    after = edits.set_parameter(BASE, "dense1", "units", 64, 64)
    (setting,) = compare(BASE, after).settings
    assert str(setting) == "dense1.units: 10 → default"


def test_settings_are_named_by_their_path():
    after = edits.set_training(BASE, optimizer=Adam(learning_rate=0.01), epochs=30)
    after = edits.set_data(after, augmentation=Component("image", {"rotation": 10.0}))
    assert compare(BASE, after).in_words() == [
        "data.augmentation: none → image",
        "training.epochs: 10 → 30",
        "training.optimizer.learning_rate: 0.001 → 0.01",
    ]
    assert compare(BASE, after).nodes == frozenset()


def test_another_optimizer_is_one_change():
    after = edits.set_training(BASE, optimizer=SGD())
    assert compare(BASE, after).in_words() == ["training.optimizer: adam → sgd"]


def test_a_component_setting_is_found_inside_it():
    after = edits.replace(BASE, task=Component("classification", {"label_smoothing": 0.1}))
    words = compare(BASE, after).in_words()
    assert words == ["task.params.label_smoothing: default → 0.1"]


def test_a_place_on_the_canvas_is_no_news():
    found = compare(BASE, edits.move(BASE, {"dense1": (5.0, 5.0)}))
    assert found
    assert found.moved == ("dense1",)
    assert found.in_words() == []


def test_a_size_reads_as_on_the_canvas():
    after = edits.set_parameter(BASE, "dense1", "kernel_size", (3, 5))
    assert compare(BASE, after).in_words() == ["dense1.kernel_size: default → 3 × 5"]


@given(st.sets(st.integers(0, 199), max_size=8))
def test_only_touched_nodes_are_reported(touched):
    nodes = tuple(Node(f"n{i}", "ReLU", inputs=(f"n{i - 1}",) if i else ()) for i in range(200))
    before = after = Experiment(graph=Graph(nodes))
    for number in touched:
        after = edits.update_node(after, f"n{number}", trainable=False)
    assert compare(before, after).nodes == {f"n{number}" for number in touched}
