"""Everything between a design and a good training run is found before Train is pressed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import resources
from workbench.analysis.problems import check
from workbench.document import edits
from workbench.document.experiment import Component, Data, Experiment, Split, StartingWeights
from workbench.document.files import load
from workbench.document.graph import Graph, LoRA, Node
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.worker.preparation import describe

INFO = DataInfo(
    input=TensorType((8, 8, 1)),
    classes=tuple("0123456789"),
    counts={"train": 80, "validation": 10, "test": 10},
    class_counts={"train": (8,) * 10, "validation": (1,) * 10, "test": (1,) * 10},
)
GOOD = Experiment(
    graph=Graph(
        (
            Node("input1", "Input"),
            Node("flat1", "Flatten", inputs=("input1",)),
            Node("dense1", "Dense", {"units": 10}, ("flat1",)),
            Node("output1", "Output", inputs=("dense1",), position=(0, 240)),
        )
    )
)


def messages(experiment, catalog, info=INFO) -> str:
    return " ".join(problem.message for problem in check(experiment, catalog, info).problems)


def repaired(experiment, catalog, fragment: str) -> Experiment:
    """Return the experiment after the repair of the one problem that speaks of `fragment`."""
    (problem,) = (p for p in check(experiment, catalog, INFO).problems if fragment in p.message)
    return problem.repair.edit(experiment)


def test_a_good_design_has_no_problems(catalog):
    report = check(GOOD, catalog, INFO)
    assert report.problems == ()
    assert report.network.parameters == 650


def test_an_empty_canvas_says_what_to_do(catalog):
    (problem,) = check(Experiment(), catalog, INFO).errors
    assert "no layers yet" in problem.message
    assert "Drag an Input" in problem.hint


def test_a_missing_output_can_be_added(catalog):
    without = edits.remove_nodes(GOOD, ["output1"])
    mended = repaired(without, catalog, "no Output")
    assert mended.graph["output1"].inputs == ("dense1",)
    assert check(mended, catalog, INFO).errors == ()


def test_a_missing_input_is_found(catalog):
    assert "no Input" in messages(edits.remove_nodes(GOOD, ["input1"]), catalog)


def test_several_inputs_and_outputs_are_named(catalog):
    two = edits.add_node(GOOD, Node("input2", "Input"))
    two = edits.add_node(two, Node("output2", "Output", inputs=("dense1",)))
    nodes = {p.node for p in check(two, catalog, INFO).errors}
    assert {"input2", "output2"} <= nodes


def test_a_loose_end_is_a_warning_with_a_repair(catalog):
    loose = edits.add_node(GOOD, Node("relu1", "ReLU", inputs=("flat1",)))
    report = check(loose, catalog, INFO)
    assert report.errors == ()
    assert repaired(loose, catalog, "does not lead to an Output") == GOOD


def test_layers_that_hang_together_are_one_loose_end(catalog):
    loose = edits.add_node(GOOD, Node("relu1", "ReLU", inputs=("flat1",)))
    loose = edits.add_node(loose, Node("relu2", "ReLU", inputs=("relu1",)))
    loose = edits.add_node(loose, Node("relu3", "ReLU", inputs=("relu2",)))
    apart = edits.add_node(loose, Node("tanh1", "Tanh", inputs=("flat1",)))
    assert [p.message for p in check(apart, catalog, INFO).problems] == [
        "relu1 and 2 layers connected with it do not lead to an Output, so they are not trained.",
        "tanh1 does not lead to an Output, so it is not trained.",
    ]
    assert repaired(loose, catalog, "do not lead to an Output") == GOOD


def test_shares_that_leave_nothing_can_be_mended(catalog):
    greedy = edits.set_data(GOOD, split=Split(validation=0.5, test=0.5, seed=3))
    mended = repaired(greedy, catalog, "nothing to train on")
    assert mended.data.split == Split(validation=0.15, test=0.15, seed=3)


def test_the_head_must_fit_the_classes(catalog):
    wrong = edits.set_parameter(GOOD, "dense1", "units", 7)
    report = check(wrong, catalog, INFO)
    assert [problem.node for problem in report.errors] == ["dense1"]
    mended = report.errors[0].repair.edit(wrong)
    assert check(mended, catalog, INFO).problems == ()


def test_a_softmax_head_is_a_warning_with_a_repair(catalog):
    soft = edits.set_parameter(GOOD, "dense1", "activation", "softmax")
    report = check(soft, catalog, INFO)
    assert report.errors == ()
    (warning,) = report.problems
    assert check(warning.repair.edit(soft), catalog, INFO).problems == ()


def test_nothing_to_train_is_an_error(catalog):
    frozen = edits.update_node(GOOD, "dense1", trainable=False)
    assert "nothing to train" in messages(frozen, catalog)


@pytest.mark.parametrize(
    "change",
    [
        {"data": Data(source=Component("hologram"))},
        {"data": Data(preprocessing=Component("smell"))},
        {"data": Data(augmentation=Component("image", {"colour": 1}))},
        {"task": Component("mind reading")},
        {"task": Component("classification", {"top_k": "many"})},
    ],
)
def test_missing_plug_ins_and_bad_settings_are_errors_not_exceptions(catalog, change):
    assert check(edits.replace(GOOD, **change), catalog, INFO).errors
    assert check(edits.replace(GOOD, **change), catalog).errors is not None


def test_warnings_of_the_data_are_passed_on(catalog):
    info = DataInfo(
        input=INFO.input,
        classes=INFO.classes,
        counts=INFO.counts,
        class_counts=INFO.class_counts,
        warnings=("Class 3 is rare.",),
    )
    report = check(GOOD, catalog, info)
    assert report.errors == ()
    assert "Class 3 is rare." in [problem.message for problem in report.problems]


def test_errors_come_before_warnings(catalog):
    both = edits.add_node(GOOD, Node("relu1", "ReLU", inputs=("flat1",)))
    both = edits.set_parameter(both, "dense1", "units", -1)
    severities = [problem.severity for problem in check(both, catalog, INFO).problems]
    assert severities == sorted(severities)
    assert severities[0] == "error"


PARAMS = st.dictionaries(
    st.sampled_from(["units", "filters", "kernel_size", "padding", "rate", "shape", "what"]),
    st.none() | st.integers(-2, 9) | st.text(max_size=3) | st.lists(st.integers(-1, 4), max_size=3),
    max_size=2,
)


@given(st.data())
def test_no_document_makes_the_check_raise(catalog, data):
    kinds = [layer.id for layer in catalog.layers] + ["Hologram"]
    count = data.draw(st.integers(0, 6))
    ids = [f"n{number}" for number in range(count)]
    nodes = tuple(
        Node(
            node_id,
            data.draw(st.sampled_from(kinds)),
            data.draw(PARAMS),
            tuple(data.draw(st.lists(st.sampled_from([*ids, "ghost"]), max_size=3))),
        )
        for node_id in ids
    )
    experiment = Experiment(graph=Graph(nodes))
    for problem in check(experiment, catalog, data.draw(st.sampled_from([None, INFO]))).problems:
        assert problem.message
        assert problem.node == "" or problem.node in ids
        if problem.repair is not None:
            check(problem.repair.edit(experiment), catalog, INFO)


@pytest.mark.parametrize("name", sorted(resources.examples()))
def test_examples_have_no_problems(name, catalog):
    experiment = load(resources.examples()[name])
    if experiment.data.source.type == "idx":  # its files do not come with the program
        info = msgspec.structs.replace(INFO, input=TensorType((28, 28, 1)))
    elif experiment.data.source.type == "sound_folder":
        classes = experiment.graph["dense1"].params["units"]
        counts = dict.fromkeys(("train", "validation", "test"), (100 // classes,) * classes)
        info = DataInfo(
            input=TensorType((None, 1)),
            kind="series",
            sample_rate=8000,
            classes=tuple("0123456789"[:classes]),
            counts=dict.fromkeys(counts, 100),
            class_counts=counts,
        )
    else:
        info = describe(experiment.data, catalog)[1]
    own = [p for p in check(experiment, catalog, info).problems if p.message not in info.warnings]
    # A data set that brings its own division may bring no validation part.
    assert not [p for p in own if not p.message.startswith("There are no validation samples")]


def normed(**params) -> Experiment:
    node = Node("norm1", "BatchNorm", params)
    return edits.insert_on_edge(GOOD, node, "dense1", 0)


def test_normalising_single_samples_is_warned_of_and_mended(catalog):
    alone = edits.set_training(normed(), batch_size=1)
    assert check(alone, catalog, INFO).errors == ()
    assert messages(repaired(alone, catalog, "with itself alone"), catalog) == ""
    assert messages(edits.set_training(GOOD, batch_size=1), catalog) == ""
    assert messages(edits.set_training(normed(), batch_size=79), catalog) == ""


def test_a_last_batch_that_pytorch_refuses_is_an_error(catalog):
    refused = edits.set_training(normed(running_variance="unbiased"), batch_size=79)
    (problem,) = check(refused, catalog, INFO).errors
    assert problem.node == "norm1"
    assert "last batch" in problem.message
    assert check(edits.set_training(refused, batch_size=40), catalog, INFO).errors == ()


def test_more_warm_up_or_accumulation_than_training_is_warned_of(catalog):
    long = edits.set_training(GOOD, warmup_steps=30, batch_size=32, epochs=10)
    assert "never gets to its value" in messages(long, catalog)
    assert messages(edits.set_training(long, epochs=11), catalog) == ""
    assert "only 3" in messages(edits.set_training(GOOD, accumulate=4), catalog)
    assert messages(edits.set_training(GOOD, accumulate=3), catalog) == ""


def test_data_that_are_being_read_are_no_error_yet(catalog):
    report = check(GOOD, catalog, None, is_reading=True)
    assert [problem.severity for problem in report.problems] == ["warning"]
    assert "still being read" in report.problems[0].message
    assert check(GOOD, catalog, None).errors
    without = edits.remove_nodes(GOOD, ["output1"])
    assert "no Output" in check(without, catalog, None, is_reading=True).errors[0].message


def test_attention_that_was_trained_before_is_trained_on_slowly(catalog):
    transformer = load(resources.examples()["sentiment-transformer"])
    optimizer = msgspec.structs.replace(transformer.training.optimizer, learning_rate=0.001)
    fresh = edits.set_training(transformer, optimizer=optimizer)
    start = StartingWeights(name="mine", file="mine.safetensors", sha256="0" * 64)
    taken = edits.replace(fresh, start=start)
    attends = next(n.id for n in taken.graph.nodes if n.type == "TransformerEncoder")

    texts = msgspec.structs.replace(
        INFO, input=TensorType((None,), dtype="int32"), kind="texts", vocabulary=10000
    )

    def warned(experiment):
        problems = check(experiment, catalog, texts).problems
        return [p for p in problems if "soon overwrites" in p.message]

    (problem,) = warned(taken)
    assert not warned(fresh)
    copied = msgspec.structs.replace(start, names={attends: ""})
    assert not warned(edits.replace(taken, start=copied))
    for change in ({"trainable": False}, {"lora": LoRA(rank=4)}, {"learning_rate_scale": 0.1}):
        assert not warned(edits.update_node(taken, attends, **change))
    mended = problem.repair.edit(taken)
    assert mended.training.optimizer.learning_rate == 5e-5
    assert not warned(mended)
