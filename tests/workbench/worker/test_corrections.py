"""Samples that a person has relabelled or left out, from the preview to the baselines."""

from __future__ import annotations

import gzip
import pickle

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resources import examples
from workbench.cli import main
from workbench.document.edits import correct_samples, revert_corrections
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.files import load, save
from workbench.errors import UserError
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.data import raw_target
from workbench.plugin_api.targets import write_target
from workbench.reading import DescribeData, MakeThumbnails, ShowPicture
from workbench.worker.batches import Feed, prepare
from workbench.worker.preparation import describe
from workbench.worker.reader import Answerer


def folder_data(root, **data):
    return Data(source=Component("image_folder", {"folder": str(root)}), **data)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for label, shade in (("cat", 40), ("dog", 120), ("eel", 220)):
        (root / label).mkdir()
        for number in range(8):
            picture = np.full((4, 4, 3), shade + number, np.uint8)
            Image.fromarray(picture).save(root / label / f"{number}.png")
    return root


def ids_of(data, catalog):
    """Return by id the split, the number in it, the class and the content of every sample."""
    opened, info = describe(data, catalog)
    source = catalog.source(data.source)
    return {
        source.sample_id(samples, index): (
            split,
            index,
            info.classes[samples.targets[index]],
            samples.read(index).tobytes(),
        )
        for split, samples in opened.splits.items()
        for index in range(len(samples))
    }


def test_files_are_known_by_their_paths_and_stay_where_they_were(pictures, catalog):
    before = ids_of(folder_data(pictures), catalog)
    others = ids_of(folder_data(pictures, split=Split(validation=0.4, seed=3)), catalog)
    assert set(before) == set(others)
    assert set(before) == {f"{c}/{n}.png" for c in ("cat", "dog", "eel") for n in range(8)}

    labels = {"cat/1.png": "dog", "cat/2.png": None, "eel/0.png": "cat"}
    after = ids_of(folder_data(pictures, corrections=labels), catalog)

    assert set(before) - set(after) == {"cat/2.png"}
    for key, (split, _, label, content) in after.items():
        assert split == before[key][0]
        assert content == before[key][3]
        assert label == (labels.get(key) or before[key][2])


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_what_training_gets_is_what_was_corrected(catalog, drawn):
    plain = ids_of(Data(), catalog)
    chosen = drawn.draw(st.lists(st.sampled_from(sorted(plain)), max_size=12, unique=True))
    label = st.one_of(st.none(), st.sampled_from("0123456789"))
    labels = {key: drawn.draw(label) for key in chosen}
    experiment = Experiment(data=Data(corrections=labels))

    prepared = prepare(experiment, catalog)
    feed = Feed(prepared, seed=0, batch_size=64)
    got = [0] * 10
    for batch in feed.batches("train"):
        assert isinstance(batch, Batch)
        for number in batch.targets.tolist():
            got[number] += 1

    wanted = [0] * 10
    for key, (split, _, own, _) in plain.items():
        if split == "train" and labels.get(key, own) is not None:
            wanted[int(labels.get(key) or own)] += 1
    assert tuple(got) == prepared.info.class_counts["train"] == tuple(wanted)
    assert prepared.info.corrected.excluded == list(labels.values()).count(None)
    assert prepared.info.corrected.missing == ()
    unlike = describe(Data(), catalog)[1].fingerprint != prepared.info.fingerprint
    assert unlike == bool(labels)


def test_rows_are_known_by_their_place_and_what_stands_there(tmp_path, catalog):
    file = tmp_path / "texts.csv"
    rows = [f"the text number {n},{'good' if n % 2 else 'bad'}" for n in range(40)]
    file.write_text("text,label\n" + "\n".join(rows))
    source = Component("text_table", {"file": str(file)})
    data = Data(source=source, preprocessing=Component("text"))
    known = ids_of(data, catalog)
    (key,) = (each for each in known if each.startswith("line 7#"))
    data = msgspec.structs.replace(data, corrections={key: "good"})
    assert ids_of(data, catalog)[key][2] == "good"

    rows[5] = "another text,bad"
    file.write_text("text,label\n" + "\n".join(rows))
    _, info = describe(data, catalog)

    assert info.corrected.missing == (key,)
    assert "1 corrected sample is no longer in the data" in info.warnings[0]
    assert "line 7" in info.warnings[0]


def test_numbers_that_stand_in_two_files_are_told_apart(tmp_path, catalog):
    random = np.random.default_rng(0)
    for part, count in (("train", 20), ("t10k", 12)):
        pixels = random.integers(0, 255, (count, 3, 3), dtype=np.uint8)
        labels = (np.arange(count) % 2).astype(np.uint8)
        for what, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim])
            sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
            with gzip.open(tmp_path / f"{part}-{what}-ubyte.gz", "wb") as file:
                file.write(head + sizes + array.tobytes())
    data = Data(source=Component("idx", {"folder": str(tmp_path)}), split=Split(validation=0.0))
    known = ids_of(data, catalog)
    assert len(known) == 32
    (key,) = (k for k, (split, *_) in known.items() if k.startswith("3#") and split == "test")

    _, info = describe(msgspec.structs.replace(data, corrections={key: None}), catalog)

    assert info.counts == {"train": 20, "test": 11}


def test_what_has_no_class_of_its_own_can_be_left_out(tmp_path, catalog):
    file = tmp_path / "several.csv"
    rows = [f"words of text {n},{'a' if n % 3 else 'a;b'}" for n in range(20)]
    file.write_text("text,labels\n" + "\n".join(rows))
    for source, preparation in (
        (Component("multi_label_table", {"file": str(file)}), "text"),
        (Component("series_samples", {"data_set": "JapaneseVowels"}), "series"),
        (Component("table_samples"), "table"),
    ):
        data = Data(source=source, preprocessing=Component(preparation))
        opened, info = describe(data, catalog)
        samples = opened.splits["train"]
        key = catalog.source(source).sample_id(samples, 1)
        gone = np.array(info.class_counts.get("train", (1,)))
        data = msgspec.structs.replace(data, corrections={key: None})

        corrected, less = describe(data, catalog)

        gone = gone - np.array(less.class_counts.get("train", (0,)))
        assert gone.sum() in (1, 2)
        assert less.counts["train"] == info.counts["train"] - 1
        left = pickle.loads(pickle.dumps(corrected.splits["train"]))
        assert left.name(1) == samples.name(2)
        assert left.read(1).tobytes() == samples.read(2).tobytes()
        if info.target is not None:
            assert left.target(1).tolist() == samples.target(2).tolist()
        if info.target is not None and info.classes:
            assert gone.tolist() == samples.target(1).tolist()


def table(tmp_path, name, rows):
    file = tmp_path / f"{name}.csv"
    file.write_text("\n".join(rows))
    return str(file)


def counted(target, classes):
    return target if target.dtype.kind == "f" else np.bincount(target, minlength=classes)


@pytest.mark.parametrize(
    ("source", "preparation", "change"),
    [
        ("several", "text", lambda old: "b" if old != "b" else "a; b"),
        ("table_samples", "table", lambda _: "-12.5"),
        ("entities", "tagged_words", lambda old: " ".join(["B-LOC", *["O"] * old.count(" ")])),
    ],
)
def test_several_classes_tags_and_numbers_are_given_anew(
    source, preparation, change, tmp_path, catalog
):
    component = Component(source)
    if source == "several":
        rows = [f"words of text {n},{'a' if n % 3 else 'a;b'}" for n in range(20)]
        file = table(tmp_path, source, ["text,labels", *rows])
        component = Component("multi_label_table", {"file": file})
    if source == "entities":
        component = load(examples()["entities-bilstm"]).data.source
    data = Data(source=component, preprocessing=Component(preparation))
    opened, info = describe(data, catalog)
    samples = opened.splits["train"]
    old = write_target(raw_target(samples, 1), info)
    new = change(old)
    labels = {catalog.source(component).sample_id(samples, 1): new}
    labels |= {catalog.source(component).sample_id(samples, 2): "a b c d e f g"}

    corrected, after = describe(msgspec.structs.replace(data, corrections=labels), catalog)

    assert after.corrected.relabelled == 1
    assert len(after.corrected.idle) == 1
    left = pickle.loads(pickle.dumps(corrected.splits["train"]))
    assert raw_target(left, 1).dtype == raw_target(samples, 1).dtype
    assert write_target(raw_target(left, 1), info) == new != old
    assert raw_target(left, 2).tolist() == raw_target(samples, 2).tolist()
    assert after.fingerprint != info.fingerprint
    if info.class_counts:
        both = (left, samples)
        targets = [[raw_target(each, n) for n in range(len(each))] for each in both]
        counts = [sum(counted(t, len(info.classes)) for t in each) for each in targets]
        assert tuple(counts[0]) == after.class_counts["train"] != info.class_counts["train"]


def test_a_class_that_is_not_there_changes_nothing_and_is_told(pictures, catalog):
    data = folder_data(pictures, corrections={"cat/1.png": "horse"})

    _, info = describe(data, catalog)

    assert info.corrected.idle == ("cat/1.png",)
    assert "such as an unknown class: “cat/1.png”" in " ".join(info.warnings)
    assert info.fingerprint == describe(folder_data(pictures), catalog)[1].fingerprint


def test_leaving_out_everything_is_refused_with_the_way_back(pictures, catalog):
    everything = dict.fromkeys(ids_of(folder_data(pictures), catalog))
    with pytest.raises(UserError, match="all training samples are left out") as caught:
        describe(folder_data(pictures, corrections=everything), catalog)
    assert "corrections back" in caught.value.hint


def test_edits_are_values_and_undo_each_other():
    experiment = Experiment()
    one = correct_samples(experiment, {"cat/1.png": "dog", "cat/2.png": None})
    assert one.data.corrections == {"cat/1.png": "dog", "cat/2.png": None}
    assert correct_samples(one, {"cat/1.png": "dog"}) is one
    assert revert_corrections(one, ["cat/2.png"]).data.corrections == {"cat/1.png": "dog"}
    assert revert_corrections(one, one.data.corrections) == experiment
    assert revert_corrections(experiment, ["nothing"]) is experiment


def test_the_reader_names_samples_and_lists_a_folder_once(pictures, catalog, monkeypatch):
    kind = type(catalog.source(folder_data(pictures).source))
    opened, listed = kind.open, []
    monkeypatch.setattr(kind, "open", lambda self, split: listed.append(1) or opened(self, split))
    reader = Answerer(catalog)
    plain = folder_data(pictures)
    shown = reader.answer(MakeThumbnails(data=plain, split="train", indices=(0, 3)))
    key = shown.pictures[1].sample_id
    corrected = folder_data(pictures, corrections={key: "eel"})

    info = reader.answer(DescribeData(data=corrected)).info
    picture = reader.answer(ShowPicture(data=corrected, split="train", index=3)).pictures[0]

    assert (picture.sample_id, info.classes[picture.target]) == (key, "eel")
    assert info.corrected.relabelled == 1
    assert len(listed) == 1
    reader.answer(DescribeData(data=corrected, fresh=True))
    assert len(listed) == 2


def test_pieces_of_a_text_cannot_be_corrected(catalog):
    data = Data(source=Component("novels"), preprocessing=Component("text_stream"))
    (first, *_) = Answerer(catalog).answer(MakeThumbnails(data=data, split="train")).pictures
    assert first.sample_id == ""


def test_check_says_how_many(pictures, tmp_path, capsys):
    labels = {"cat/1.png": "dog", "cat/2.png": None, "cat/nothing.png": None}
    file = save(Experiment(data=folder_data(pictures, corrections=labels)), tmp_path / "mine")

    main(["check", str(file)])
    told = capsys.readouterr()
    main(["check", str(file), "--json"])

    assert "corrections of samples: 1 relabelled, 1 left out, 1 not found" in told.out
    assert "“cat/nothing.png”" in told.err
    found = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])["corrections"]
    assert found == {"relabelled": 1, "left out": 1, "not found": 1, "unchanged": 0}
