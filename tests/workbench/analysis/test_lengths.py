"""Positions and sample rates are checked against the data before training."""

from __future__ import annotations

import msgspec
import pytest

from workbench.analysis.problems import check
from workbench.document.experiment import Component, Data, Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType

TEXTS = DataInfo(
    input=TensorType((None,), ("time",), "int64"),
    kind="texts",
    vocabulary=100,
    longest=256,
    classes=("a", "b"),
    counts={"train": 10},
    class_counts={"train": (5, 5)},
)
SOUNDS = msgspec.structs.replace(
    TEXTS, input=TensorType((None, 1)), kind="series", vocabulary=0, longest=8000, sample_rate=8000
)


def experiment(kind, *layers):
    nodes = [Node("input1", "Input")]
    for name, layer, params in (*layers, ("dense1", "Dense", {"units": 2}), ("out", "Output", {})):
        nodes.append(Node(name, layer, params, (nodes[-1].id,)))
    source = {"texts": "film_sentences", "series": "series_samples"}[kind]
    preparation = {"texts": "text", "series": "series"}[kind]
    data = Data(source=Component(source), preprocessing=Component(preparation))
    return Experiment(graph=Graph(tuple(nodes)), data=data)


def positions(count, *between):
    words = ("words1", "Embedding", {"vocabulary": 100})
    places = ("places1", "LearnedPositions", {"positions": count})
    return experiment("texts", words, *between, places, ("pool1", "GlobalMaxPool", {}))


HALVED = ("conv1", "Conv1D", {"stride": 2, "padding": "same"})


@pytest.mark.parametrize(
    ("design", "steps"),
    [
        (positions(255), 256),
        (positions(256), None),
        (positions(127, HALVED), 128),
        (positions(128, HALVED), None),
    ],
)
def test_texts_longer_than_the_positions_are_told_and_mended(catalog, design, steps):
    problems = [p for p in check(design, catalog, TEXTS).problems if p.node == "places1"]
    if steps is None:
        assert not problems
        return
    (problem,) = problems
    assert problem.severity == "warning"
    assert problem.message.startswith(f"Samples may have {steps} steps, but places1 has ")
    mended = problem.repair.edit(design)
    assert not [p for p in check(mended, catalog, TEXTS).problems if p.node == "places1"]


def test_a_mel_spectrogram_of_another_sample_rate(catalog):
    mel = ("mel1", "MelSpectrogram", {"sample_rate": 16000})
    design = experiment("series", mel, ("pool1", "GlobalAveragePool", {}))
    (problem,) = [p for p in check(design, catalog, SOUNDS).problems if p.node == "mel1"]
    assert problem.message == (
        "mel1 takes the sounds for 16000 samples a second, but they have 8000: its frequencies "
        "would be wrong."
    )
    mended = problem.repair.edit(design)
    assert not [p for p in check(mended, catalog, SOUNDS).problems if p.node == "mel1"]


def test_data_that_are_not_known_yet_are_no_problem(catalog):
    assert not [p for p in check(positions(2), catalog, None).problems if p.node == "places1"]
