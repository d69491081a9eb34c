"""Texts to continue, tagged words, texts with several classes: read, divided, refused in words."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plugins.sources.multi_label_table import MultiLabelTable
from plugins.sources.novels import Novels
from plugins.sources.tagged_text import TaggedText
from plugins.sources.text_file import PIECE_BYTES, TextFile
from workbench.document.experiment import Component, Data, Split
from workbench.errors import UserError
from workbench.worker.preparation import describe

SPLIT = Split(validation=0.1, test=0.1)


def _whole(samples):
    return "".join(samples.read(n).item() for n in range(len(samples)))


def test_a_file_is_divided_by_position_and_nothing_is_lost(tmp_path):
    text = "".join(f"Line {n} of naïve text.\n" for n in range(9000))
    file = tmp_path / "book.txt"
    file.write_text(text, encoding="utf-8")
    splits = TextFile(file=str(file)).open(SPLIT).splits
    assert list(splits) == ["train", "validation", "test"]
    assert "".join(map(_whole, splits.values())) == text
    assert len(_whole(splits["test"])) == pytest.approx(len(text) / 10, abs=PIECE_BYTES)


def test_a_file_without_spaces_or_ends_of_lines_is_cut_between_characters(tmp_path):
    text = "é" * 40_000
    (tmp_path / "x.txt").write_text(text, encoding="utf-8")
    splits = TextFile(folder=str(tmp_path)).open(SPLIT).splits
    assert "".join(map(_whole, splits.values())) == text


def test_files_of_a_folder_may_be_named_after_the_splits(tmp_path):
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.txt").write_text(f"all of {name}\n")
    splits = TextFile(folder=str(tmp_path)).open(SPLIT).splits
    assert {name: _whole(part) for name, part in splits.items()} == {
        name: f"all of {name}\n" for name in ("train", "validation", "test")
    }


def test_what_is_no_text_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\0b")
    (tmp_path / "b.txt").write_bytes(b"")
    with pytest.raises(UserError, match=r"a\.txt"):
        TextFile(folder=str(tmp_path)).open(SPLIT)
    (tmp_path / "c.txt").write_text("words\n" * 5000)
    found = TextFile(folder=str(tmp_path)).open(SPLIT)
    assert [bad.path for bad in found.bad_files] == ["a.txt", "b.txt"]
    with pytest.raises(UserError, match="not there"):
        TextFile(file=str(tmp_path / "none.txt")).open(SPLIT)


def test_the_novels_are_there():
    splits = Novels().open(SPLIT).splits
    assert _whole(splits["train"]).startswith("EMMA\n")
    assert sum(len(_whole(part)) for part in splits.values()) > 4_000_000


CONLL = "-DOCSTART- -X- O\n\nEmma NNP B-PER\nWoodhouse NNP I-PER\nsmiled VBD O\n\nBath NNP B-LOC\n"


def test_columns_and_json_give_the_same_sentences(tmp_path):
    conll, lines = tmp_path / "a.conll", tmp_path / "a.jsonl"
    conll.write_text(CONLL * 10)
    rows = [
        {"tokens": ["Emma", "Woodhouse", "smiled"], "ner_tags": ["B-PER", "I-PER", "O"]},
        {"tokens": ["Bath"], "ner_tags": ["B-LOC"]},
    ]
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows * 10))
    found = []
    for path in (conll, lines):
        opened = TaggedText(file=str(path)).open(SPLIT)
        assert opened.classes == ("O", "B-LOC", "B-PER", "I-PER")
        train = opened.splits["train"]
        assert len(train) == 16
        found.append([(train.read(n).item(), train.target(n).tolist()) for n in range(16)])
        assert sum(train.class_counts) == sum(len(tags) for _, tags in found[-1])
    assert found[0] == found[1]
    assert ("Emma Woodhouse smiled", [2, 3, 0]) in found[0]


def test_sentences_that_cannot_be_used_are_named(tmp_path):
    file = tmp_path / "a.jsonl"
    good = json.dumps({"tokens": ["a", "b"], "tags": ["X", "Y"]})
    file.write_text("\n".join([good, '{"tokens": ["a"], "tags": []}', "nonsense", good, good]))
    opened = TaggedText(file=str(file)).open(Split(validation=0.0, test=0.0))
    assert [bad.path for bad in opened.bad_files] == ["a.jsonl, line 2", "a.jsonl, line 3"]
    one = tmp_path / "b.conll"
    one.write_text("only\nwords\n")
    with pytest.raises(UserError, match="one column"):
        TaggedText(file=str(one)).open(SPLIT)
    numbered = tmp_path / "c.conll"
    numbered.write_text("word A 1\nword B 2\n\n" * 5)
    assert TaggedText(file=str(numbered), tag_column="2").open(SPLIT).classes == ("A", "B")


def test_several_classes_a_text_become_ones_and_zeros(tmp_path):
    file = tmp_path / "a.csv"
    rows = ['"good play","sport; art"', "a vote,politics", "nothing,", "a ball,sport"] * 10
    file.write_text("text,labels\n" + "\n".join(rows) + "\n,sport\n")
    opened = MultiLabelTable(file=str(file)).open(SPLIT)
    assert opened.classes == ("art", "politics", "sport")
    assert [bad.path for bad in opened.bad_files] == ["a.csv, line 42"]
    targets = {}
    for samples in opened.splits.values():
        for n in range(len(samples)):
            targets[samples.read(n).item()] = samples.target(n).tolist()
    assert targets == {
        "good play": [1, 0, 1],
        "a vote": [0, 1, 0],
        "nothing": [0, 0, 0],
        "a ball": [0, 0, 1],
    }
    total = np.sum([samples.class_counts for samples in opened.splits.values()], axis=0)
    assert total.tolist() == [10, 10, 20]


@pytest.mark.parametrize("length", [None, 3, 8])
def test_tagged_words_keep_their_classes_at_any_length(tmp_path, catalog, length):
    file = tmp_path / "tags.conll"
    file.write_text("\n\n".join(["I O\nsaw O\nParis B-LOC\ntoday O"] * 30), encoding="utf-8")
    data = Data(
        source=Component("tagged_text", {"file": str(file)}),
        preprocessing=Component("tagged_words", {} if length is None else {"length": length}),
    )
    _, info = describe(data, catalog)
    assert info.target.shape == (length,)
    assert info.classes == ("O", "B-LOC")
    assert np.sum(list(info.class_counts.values()), axis=0).tolist() == [90, 30]


def test_text_that_goes_on_has_tokens_to_learn_and_no_classes(catalog):
    data = Data(source=Component("film_sentences"), preprocessing=Component("text_stream"))
    _, info = describe(data, catalog)
    assert (info.classes, info.class_counts) == ((), {})
    assert info.target.shape == info.input.shape
