"""What of averaging, unfreezing, sampling and mixing makes no sense, in words; and what thaws."""

from __future__ import annotations

import msgspec
import pytest

from tests.workbench.worker import digits_runs as runs
from workbench.analysis.problems import check
from workbench.analysis.shapes import resolve
from workbench.analysis.tuning_problems import tuning_problems
from workbench.analysis.unfreezing import parts, thawed, thawing
from workbench.document.edits import replace
from workbench.document.experiment import Component
from workbench.document.graph import Graph
from workbench.document.training import Averaging, CutMix, Mixup, Unfreezing
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType

DIGITS = DataInfo(
    input=TensorType((8, 8, 1)),
    classes=tuple("0123456789"),
    counts={"train": 1000},
    class_counts={"train": (100,) * 10},
)
WORDS, VARYING, SERIES = (
    TensorType((9,), dtype="int64"),
    TensorType((None, 3)),
    TensorType((9, 3)),
)
BALANCED = {"class_weights": "balanced"}


def said(catalog, info=DIGITS, task=None, frozen=(), **training) -> dict[str, str]:
    """Return severity by message, with what is offered to mend it tried out."""
    value = runs.experiment(epochs=5, **training)
    value = replace(value, task=task or value.task)
    known = network(catalog, frozen)

    def found(experiment):
        task = catalog.task(experiment.task)
        return list(tuning_problems(experiment.training, task, known, info))

    problems = found(value)
    for problem in problems:
        assert problem.hint
        if problem.repair is not None:
            mended = found(problem.repair.edit(value))
            assert problem.message not in {other.message for other in mended}
    return {problem.message: problem.severity for problem in problems}


def test_the_checks_of_a_design_have_them(catalog):
    value = runs.experiment(unfreezing=Unfreezing())
    assert "none is frozen" in " ".join(p.message for p in check(value, catalog, DIGITS).problems)


def test_what_goes_together_is_not_complained_of(catalog):
    assert not said(catalog, mixing=CutMix(), sampling="balanced", averaging=Averaging(decay=0.98))
    assert not said(catalog, frozen=("conv1", "norm1"), unfreezing=Unfreezing(every=2, stages=2))


@pytest.mark.parametrize(
    ("settings", "words", "severity"),
    [
        (
            {"mixing": Mixup(), "info": {"input": TensorType((9,), dtype="int64")}},
            "half a word",
            "error",
        ),
        (
            {"mixing": Mixup(), "info": {"input": TensorType((None, 3))}},
            "different lengths",
            "error",
        ),
        ({"mixing": CutMix(), "info": {"input": TensorType((9, 3))}}, "parts of pictures", "error"),
        ({"mixing": Mixup(), "task": Component("forecasting")}, "mixes the classes", "error"),
        ({"mixing": Mixup(), "batch_size": 1}, "a batch has one", "warning"),
        ({"sampling": "balanced", "info": {"target": SERIES}}, "one class each", "error"),
        (
            {
                "sampling": "balanced",
                "task": Component("classification", {"class_weights": "balanced"}),
            },
            "twice over",
            "warning",
        ),
        ({"unfreezing": Unfreezing()}, "none is frozen", "warning"),
        (
            {"unfreezing": Unfreezing(every=3, stages=2), "frozen": ("conv1", "norm1")},
            "conv1 would thaw after 6 epochs",
            "warning",
        ),
        ({"averaging": Averaging(decay=0.9999)}, "lag far behind", "warning"),
    ],
)
def test_what_makes_no_sense_is_told(catalog, settings, words, severity):
    given = dict(settings)
    info = msgspec.structs.replace(DIGITS, **given.pop("info", {}))
    found = said(catalog, info, **given)
    assert [level for message, level in found.items() if words in message] == [severity], found


def network(catalog, frozen):
    nodes = tuple(
        msgspec.structs.replace(node, trainable=node.id not in frozen) for node in runs.network()
    )
    return resolve(Graph(nodes), catalog, DIGITS.input).network


def test_the_last_layers_thaw_first_and_once(catalog):
    held = network(catalog, ("conv1", "norm1"))
    settings = Unfreezing(every=2, stages=9)
    assert [[item.name for item in part] for part in parts(held, settings)] == [
        ["norm1"],
        ["conv1"],
    ]
    told = [[item.name for item in thawing(held, settings, epoch)] for epoch in range(7)]
    assert told == [[], [], ["norm1"], [], ["conv1"], [], []]
    for epoch, trained in ((0, False), (2, True), (9, True)):
        assert thawed(held, settings, epoch)["norm1"].trainable == trained
    assert not thawed(held, settings, 3)["conv1"].trainable
    assert thawed(held, settings, 1) is held
    assert thawed(held, None, 5) is held
    assert not parts(network(catalog, ()), settings)
