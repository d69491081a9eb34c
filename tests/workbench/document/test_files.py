"""Experiment files: any bytes are an experiment or a plain sentence, never anything else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import resources
from workbench.document import files
from workbench.document.experiment import Asset, Component, Data, Experiment, Split, StartingWeights
from workbench.document.files import dumps, load, loads, save, with_suffix
from workbench.document.graph import Graph, LoRA, Node
from workbench.document.training import (
    SGD,
    Adagrad,
    Adam,
    Averaging,
    Cosine,
    CutMix,
    EarlyStopping,
    Mixup,
    OneCycle,
    Plateau,
    RMSprop,
    Training,
    Unfreezing,
)
from workbench.errors import UserError

HERE = Path(__file__).parent
SUM = "0123456789abcdef" * 4

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"as", "if", "in", "is", "or", "and", "not", "def", "for", "try"}
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)

adapters = st.builds(
    LoRA, rank=st.integers(1, 64), alpha=st.floats(0.1, 100), on=st.tuples(texts) | st.just(())
)


@st.composite
def graphs(draw) -> Graph:
    """Draw any graph a file may hold: cycles, unknown types and inputs from nowhere included."""
    ids = draw(st.lists(names.filter(files.is_identifier), max_size=5, unique=True))
    some = st.sampled_from(["ghost", *ids])
    return Graph(
        tuple(
            Node(
                node_id,
                draw(texts),
                draw(st.dictionaries(texts, values, max_size=3)),
                tuple(draw(st.lists(some, max_size=3))),
                draw(st.booleans()),
                draw(st.floats(0, 100)),
                (draw(numbers), draw(numbers)),
                lora=draw(st.none() | adapters),
            )
            for node_id in ids
        )
    )


experiments = st.builds(
    Experiment,
    name=texts,
    graph=graphs(),
    data=st.builds(
        Data,
        source=st.builds(Component, texts, st.dictionaries(texts, values, max_size=2)),
        split=st.builds(Split, validation=st.floats(0, 0.9), seed=st.integers(0, 2**40)),
        augmentation=st.none() | st.builds(Component, texts),
        corrections=st.dictionaries(texts, st.none() | texts, max_size=2),
    ),
    training=st.builds(
        Training,
        epochs=st.integers(1, 2**40),
        optimizer=st.sampled_from([SGD(), Adam(), RMSprop(), Adagrad(learning_rate=1e-30)]),
        schedule=st.sampled_from([Cosine(), OneCycle(), Plateau()]),
        clip_norm=st.none() | st.floats(1e-300, 1e300),
        early_stopping=st.none() | st.just(EarlyStopping()),
        mixing=st.none() | st.builds(Mixup, alpha=st.floats(1e-3, 10)) | st.just(CutMix()),
        unfreezing=st.none() | st.just(Unfreezing()),
        averaging=st.none() | st.builds(Averaging, decay=st.floats(1e-6, 0.9999)),
    ),
    seed=st.integers(0, 2**63 - 1),
    start=st.none() | st.builds(StartingWeights, name=texts, file=texts, sha256=st.just("0" * 64)),
    assets=st.lists(
        st.builds(Asset, name=st.just("net.onnx"), file=texts, sha256=st.just("0" * 64)), max_size=2
    ).map(tuple),
    notes=texts,
)
sample = Experiment(
    name="Zwei Äste",
    graph=Graph(
        (
            Node("input1", "Input"),
            Node("conv1", "Conv2D", {"filters": 8}, ("input1",), position=(0.0, 80.0)),
        )
    ),
)


@settings(max_examples=200)
@given(experiments)
def test_what_is_written_is_read_back_the_same(experiment):
    assert loads(dumps(experiment)) == experiment


def test_bytes_are_the_same_for_the_same_experiment():
    assert dumps(loads(dumps(sample))) == dumps(sample)


def test_the_file_reads_well_in_a_diff():
    lines = dumps(sample).decode().splitlines()
    nodes = [line for line in lines if '"type": "Conv2D"' in line or '"type": "Input"' in line]
    assert len(nodes) == 2, "one node a line"
    keys = [line.split('"')[1] for line in lines if line.startswith('  "')]
    assert keys == sorted(keys)
    assert "Zwei Äste" in dumps(sample).decode()
    assert list(json.loads(dumps(sample))["training"]) == sorted(
        json.loads(dumps(sample))["training"]
    )


def check_bytes(content: bytes) -> None:
    try:
        experiment = loads(content, "some.workbench.json")
    except UserError as error:
        sentence = error.message
    else:
        sentence = "It opened."
        assert loads(dumps(experiment)) == experiment
    assert sentence.endswith(".")


@settings(max_examples=400)
@given(st.binary(max_size=400) | texts.map(str.encode))
@example(b"[" * 200_000)
@example(b'{"format":"neural-workbench-experiment","version":' + b"[" * 200_000)
@example(b'{"format":"neural-workbench-experiment","version":' + b"1" * 5000 + b"}")
@example(b'{"format":"neural-workbench-experiment","version":1,"seed":1e999}')
@example(b'{"format":"neural-workbench-experiment","version":1,"notes":"\\ud800"}')
@example(b'{"format":"neural-workbench-experiment","version":1,"seed":99999999999999999999}')
@example(b"\xef\xbb\xbf{}")
@example(b"\x80\x04\x95.")
@example(b"null")
def test_any_bytes_are_a_plain_sentence_or_an_experiment(content):
    check_bytes(content)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | numbers
    | texts
    | st.sampled_from(["sgd", "adam", "a", "input1", "_x", "class"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def places(value, path=()):
    """Return the path of every value inside a JSON document."""
    found = [path]
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            found += places(value[key], (*path, key))
    return found


@settings(max_examples=400)
@given(st.data())
def test_a_file_changed_in_any_one_place_is_a_sentence_or_an_experiment(data):
    document = json.loads(dumps(sample))
    path = data.draw(st.sampled_from(places(document)[1:]))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if data.draw(st.booleans()):
        parent[path[-1]] = data.draw(json_values)
    else:
        del parent[path[-1]]
    check_bytes(json.dumps(document).encode())


@settings(max_examples=200)
@given(st.integers(0, len(dumps(sample))), st.binary(max_size=4), st.integers(0, 8))
def test_a_file_with_damaged_bytes_is_a_sentence_or_an_experiment(at, junk, lost):
    content = dumps(sample)
    check_bytes(content[:at] + junk + content[at + lost :])


def test_a_file_cut_off_says_so():
    with pytest.raises(UserError, match="cut off"):
        loads(dumps(sample)[:-40], "mine.workbench.json")


def test_another_kind_of_file_says_so():
    for content in (b"", b"PK\x03\x04", b"{}", b"[1]", b'{"cells": []}', b"import torch\n"):
        with pytest.raises(UserError, match=r"notes\.json is not an experiment") as caught:
            loads(content, "notes.json")
        assert files.SUFFIX in caught.value.hint


def edited(**changes) -> bytes:
    return json.dumps(json.loads(dumps(sample)) | changes).encode()


def test_a_newer_version_asks_for_an_update():
    with pytest.raises(UserError, match="newer version") as caught:
        loads(edited(version=files.VERSION + 1, something_new=True), "mine.workbench.json")
    assert "Update" in caught.value.hint


@pytest.mark.parametrize("version", [None, "1", 0, -1, True, 1.0, [1]])
def test_a_version_that_is_none_is_damage(version):
    with pytest.raises(UserError, match="which version"):
        loads(edited(version=version))


def test_older_versions_are_migrated_step_by_step(monkeypatch):
    def rename_title(document):
        document["name"] = document.pop("title")
        return document

    def add_mark(document):
        return document | {"notes": document["name"] + "!"}

    monkeypatch.setattr(files, "VERSION", 3)
    monkeypatch.setattr(files, "MIGRATIONS", {1: rename_title, 2: add_mark})
    old = {"format": files.FORMAT, "version": 1, "title": "Old", "graph": {"nodes": []}}
    experiment = loads(json.dumps(old).encode())
    assert (experiment.name, experiment.notes) == ("Old", "Old!")


def test_there_is_a_migration_and_a_file_for_every_version():
    assert sorted(files.MIGRATIONS) == list(range(1, files.VERSION))
    written = sorted((HERE / "versions").glob("*.workbench.json"))
    assert [file.name for file in written] == [
        f"version-{number}.workbench.json" for number in range(1, files.VERSION + 1)
    ]


@pytest.mark.parametrize("file", sorted((HERE / "versions").glob("*")), ids=lambda f: f.name)
def test_files_of_every_version_open_with_all_they_held(file):
    experiment = load(file)
    assert experiment.name == "Every field"
    assert [node.id for node in experiment.graph.nodes] == ["input1", "conv1", "output1"]
    conv = experiment.graph["conv1"]
    assert conv.params == {"filters": 12, "kernel_size": [5, 3]}
    assert (conv.trainable, conv.learning_rate_scale) == (False, 0.5)
    assert (conv.position, conv.group) == ((40.0, 80.5), "stem")
    assert experiment.data.augmentation == Component("image", {"rotation": 10.0})
    assert experiment.data.split == Split(validation=0.2, test=0.1, seed=7)
    assert experiment.training.optimizer == SGD(learning_rate=0.05, momentum=0.8, nesterov=True)
    assert experiment.training.schedule == OneCycle(rise=0.25)
    assert experiment.training.early_stopping == EarlyStopping(patience=4)
    assert (experiment.seed, experiment.notes) == (42, "Two lines\nof notes")
    kept = StartingWeights(name="trained.pt", file="/weights/8d1c.safetensors", sha256=SUM)
    version = int(file.name[len("version-")])
    if version >= 3:
        kept = msgspec.structs.replace(kept, names={"conv1": "features.0"})
    assert experiment.start == (kept if version >= 2 else None)
    assert conv.lora == (LoRA(rank=2, alpha=4.0, on=("query",)) if version >= 3 else None)
    assert experiment.folded == (("stem",) if version >= 3 else ())
    program = Asset(name="detector.onnx", file="/weights/51ab.onnx", sha256=SUM)
    corrected = {"17#0123456789ab": "3", "cat/2.png": None}
    assert experiment.training.cache_features == ("off" if version >= 3 else "auto")
    assert experiment.data.corrections == (corrected if version >= 3 else {})
    assert experiment.assets == ((program,) if version >= 3 else ())
    names = ("mixing", "unfreezing", "averaging", "sampling")
    tuned = [getattr(experiment.training, name) for name in names]
    since_3 = [CutMix(alpha=0.7), Unfreezing(every=2, stages=5), Averaging(decay=0.97), "balanced"]
    assert tuned == (since_3 if version >= 3 else [None, None, None, "shuffled"])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([{"id": "a", "type": "ReLU"}] * 2, "two layers called “a”"),
        ([{"id": "not a name", "type": "ReLU"}], "“not a name”"),
        ([{"id": "class", "type": "ReLU"}], "“class”"),
        ([{"id": "", "type": "ReLU"}], "“”"),
        ([{"id": "a"}], "missing required field `type`"),
        ([{"id": "a", "type": "ReLU", "colour": 1}], "no “colour”"),
    ],
)
def test_layers_that_cannot_be_told_apart_are_refused(nodes, message):
    with pytest.raises(UserError, match=message):
        loads(edited(graph={"nodes": nodes}))


def test_a_network_that_makes_no_sense_still_opens():
    nodes = [
        {"id": "a", "type": "NoSuchLayer", "inputs": ["b"]},
        {"id": "b", "type": "ReLU", "inputs": ["a", "ghost"], "params": {"what": [1, {}]}},
    ]
    assert len(loads(edited(graph={"nodes": nodes})).graph) == 2


def test_deep_nesting_is_refused():
    deep: object = 1
    for _ in range(30):
        deep = [deep]
    with pytest.raises(UserError, match="nested too deeply"):
        loads(edited(notes=deep))


def test_a_huge_file_is_refused_without_reading_all_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1000)
    path = tmp_path / "huge.workbench.json"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse: reading it would take a terabyte
    with pytest.raises(UserError, match="larger than"):
        load(path)


def test_what_is_not_a_file_says_so(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load(tmp_path / "nothing.workbench.json")
    with pytest.raises(UserError, match="is a folder"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="not an ordinary file"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("given_name", "written"),
    [
        ("net", "net.workbench.json"),
        ("net.json", "net.workbench.json"),
        ("net.workbench", "net.workbench.json"),
        ("net.workbench.json", "net.workbench.json"),
        ("net.v2", "net.v2.workbench.json"),
        (".json", ".json.workbench.json"),
    ],
)
def test_the_suffix_is_added_when_it_is_missing(given_name, written, tmp_path):
    assert with_suffix(Path(given_name)).name == written
    saved = save(sample, tmp_path / given_name)
    assert saved == tmp_path / written
    assert load(saved) == sample


def test_saving_needs_a_path():
    with pytest.raises(UserError, match="no file yet"):
        save(sample, None)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = save(sample, tmp_path / "net")
    broken = Experiment(graph=Graph((Node("a", "ReLU"), Node("a", "ReLU"))))
    with pytest.raises(UserError, match="two layers"):
        save(broken, path)
    not_a_number = Experiment(training=Training(clip_norm=float("nan"), epochs=-1))
    with pytest.raises(UserError):
        save(not_a_number, path)
    assert load(path) == sample
    assert [file.name for file in tmp_path.iterdir()] == ["net.workbench.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        save(sample, tmp_path / "nowhere" / "net")


@pytest.mark.parametrize("name", sorted(resources.examples()))
def test_examples_are_written_as_the_program_writes_them(name):
    path = resources.examples()[name]
    assert dumps(load(path)) == path.read_bytes()
