"""Recordings with a class at each step: how they are cut, and that a network learns them."""

from __future__ import annotations

import numpy as np
import pytest

import resources
from plugins.sources.labelled_steps import LabelledSteps
from workbench.cli import main
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.files import save
from workbench.document.graph import Graph, Node
from workbench.document.training import AdamW, Training
from workbench.errors import UserError
from workbench.plugin_api.data import IGNORED
from workbench.runs.store import list_runs

SPLIT = Split(validation=0.2, test=0.2)


def written(path, recordings, *, shuffled=False):
    """Write movements of a wrist one after another, with what was done at each step."""
    with np.load(resources.path("samples", "basicmotions.npz")) as file:
        series = np.split(file["values"], np.cumsum(file["lengths"])[:-1])
        names, targets = file["classes"].tolist(), file["targets"].tolist()
    rng = np.random.default_rng(1)
    lines = []
    for number in range(recordings):
        step = 0
        for chosen in rng.choice(len(series), 4, replace=False).tolist():
            for row in series[chosen][:50]:
                label = "" if step % 50 == 49 else names[targets[chosen]]
                cells = ",".join(f"{value:.4f}" for value in row)
                lines.append(f"{step},r{number},{cells},{label}")
                step += 1
    if shuffled:
        rng.shuffle(lines)
    head = "step,recording,ax,ay,az,gx,gy,gz,activity"
    path.write_text("\n".join([head, *lines]), encoding="utf-8")
    return str(path)


def one_class(path):
    path.write_text("x,label\n" + "1,still\n" * 9, encoding="utf-8")
    return str(path)


def test_few_recordings_are_cut_in_time_and_many_divided_whole(tmp_path):
    one = written(tmp_path / "one.csv", 3)
    opened = LabelledSteps(file=one, series="recording", time="step").open(SPLIT)
    names = {name: [part.name(n) for n in range(len(part))] for name, part in opened.splits.items()}
    assert names["train"] == [f"r{n}, steps 1–120" for n in range(3)]
    assert names["validation"][0] == "r0, steps 121–160"
    assert names["test"][0] == "r0, steps 161–200"
    train = opened.splits["train"]
    assert train.read(0).shape == (120, 6)
    assert (train.target(0) == IGNORED).sum() == 2
    assert sum(map(sum, (part.class_counts for part in opened.splits.values()))) == 3 * 196
    many = written(tmp_path / "many.csv", 10, shuffled=True)
    opened = LabelledSteps(file=many, series="recording", time="step", piece=64).open(SPLIT)
    taken = {
        name: {part.name(n).split(",")[0] for n in range(len(part))}
        for name, part in opened.splits.items()
    }
    assert [len(taken[name]) for name in ("train", "validation", "test")] == [6, 2, 2]
    assert not taken["train"] & taken["test"]
    plain = LabelledSteps(file=written(tmp_path / "b.csv", 10), series="recording", time="step")
    assert plain.open(SPLIT).splits["test"].read(0).shape == (128, 6)
    with pytest.raises(UserError, match="no column “mood”"):
        LabelledSteps(file=one, label_column="mood").open(SPLIT)
    with pytest.raises(UserError, match="holds 1 different classes"):
        LabelledSteps(file=one_class(tmp_path / "c.csv")).open(SPLIT)


def test_a_network_tells_what_goes_on_at_each_step(tmp_path, capfd):
    file = written(tmp_path / "wrist.csv", 30)
    nodes = (
        Node("input1", "Input"),
        Node("gru1", "GRU", {"units": 24, "direction": "both", "sequences": True}, ("input1",)),
        Node("dense1", "Dense", {"units": 4}, ("gru1",)),
        Node("output1", "Output", {}, ("dense1",)),
    )
    source = {"file": file, "series": "recording", "time": "step", "piece": 100}
    experiment = Experiment(
        name="Wrist",
        graph=Graph(nodes),
        data=Data(
            source=Component("labelled_steps", source),
            preprocessing=Component("series"),
            split=SPLIT,
        ),
        task=Component("sequence_labelling"),
        training=Training(epochs=12, batch_size=8, threads=1, optimizer=AdamW(learning_rate=0.01)),
    )
    save(experiment, tmp_path / "wrist.workbench.json")
    runs = ("--runs", str(tmp_path / "runs"))
    assert main(["train", str(tmp_path / "wrist.workbench.json"), *runs]) == 0
    (run,) = list_runs(tmp_path / "runs")
    told = capfd.readouterr().out
    assert "logistic regression of each step" in told
    assert run.test["test/accuracy"] > 0.85, told
    rows = (tmp_path / "wrist.csv").read_text().splitlines()[1:51]
    (tmp_path / "new.csv").write_text("\n".join(",".join(r.split(",")[2:8]) for r in rows))
    assert main(["predict", "last", str(tmp_path / "new.csv"), *runs]) == 0
    assert ": 1–" in capfd.readouterr().out
