"""Files with one text a line, one file a class."""

from __future__ import annotations

import pickle

import pytest

from plugins.sources.text_lines import TextLines
from workbench.document.experiment import Split
from workbench.errors import UserError

NO_SPLIT = Split(validation=0, test=0)


def _rows(opened, part="train"):
    samples = pickle.loads(pickle.dumps(opened.splits[part]))
    classes = [opened.classes[target] for target in samples.targets]
    return [(str(samples.read(n).item()), classes[n], samples.name(n)) for n in range(len(samples))]


def test_each_line_is_a_text_of_its_files_class(tmp_path):
    (tmp_path / "pos.txt").write_bytes("\ufeffgood\r\n\r\nnaïve ∞\n".encode())
    (tmp_path / "neg.txt").write_bytes("caf\xe9 ferm\xe9\nbad".encode("cp1252"))
    (tmp_path / "none.txt").write_bytes(b"\n \n")
    (tmp_path / "picture.txt").write_bytes(b"\0\1\2")
    (tmp_path / "more").mkdir()

    opened = TextLines(folder=str(tmp_path)).open(NO_SPLIT)

    assert opened.classes == ("neg", "pos")
    assert sorted(_rows(opened)) == [
        ("bad", "neg", "neg.txt, line 2"),
        ("café fermé", "neg", "neg.txt, line 1"),
        ("good", "pos", "pos.txt, line 1"),
        ("naïve ∞", "pos", "pos.txt, line 3"),
    ]
    assert {bad.path: bad.reason for bad in opened.bad_files} == {
        "more": "it is no file of a class",
        "none.txt": "it is empty",
        "picture.txt": "it is not text of an encoding that can be read",
    }


def test_folders_divide_the_data(tmp_path):
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        for label in ("a", "b"):
            (tmp_path / part / f"{label}.txt").write_text(f"{label} of {part}\n" * 3)

    opened = TextLines(folder=str(tmp_path)).open(Split(validation=0, test=0.5))

    assert {name: len(samples) for name, samples in opened.splits.items()} == {
        "train": 6,
        "test": 6,
    }
    assert _rows(opened, "test")[0] == ("a of test", "a", "test/a.txt, line 1")


@pytest.mark.parametrize(("names", "words"), [((), "holds no text files"), ("a", "one class only")])
def test_too_little_is_refused(tmp_path, names, words):
    for name in names:
        (tmp_path / f"{name}.txt").write_text("text\n")
    with pytest.raises(UserError, match=words):
        TextLines(folder=str(tmp_path)).open(NO_SPLIT)
