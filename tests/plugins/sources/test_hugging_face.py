"""Data sets that the library datasets has saved, made here with the library itself."""

from __future__ import annotations

import pickle

import pytest

from plugins.sources.hugging_face import HuggingFaceFolder
from workbench.document.experiment import Split
from workbench.errors import UserError

NO_SPLIT = Split(validation=0, test=0)


def _made(texts, labels, names=("bad", "good")):
    import datasets

    features = datasets.Features(
        {
            "id": datasets.Value("int64"),
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=list(names)),
            "vector": datasets.Sequence(datasets.Value("float32")),
        }
    )
    columns = {"id": list(range(len(texts))), "text": texts, "label": labels}
    columns["vector"] = [[0.0]] * len(texts)
    return datasets.Dataset.from_dict(columns, features)


def _texts(opened, part="train"):
    samples = pickle.loads(pickle.dumps(opened.splits[part]))
    classes = [opened.classes[target] for target in samples.targets]
    return [(str(samples.read(n).item()), classes[n], samples.name(n)) for n in range(len(samples))]


def test_a_data_set_without_splits(tmp_path):
    _made(["one", "two", " ", "four"], [1, 0, 0, -1]).save_to_disk(tmp_path / "set")

    opened = HuggingFaceFolder(folder=str(tmp_path / "set")).open(NO_SPLIT)

    assert opened.classes == ("bad", "good")
    assert sorted(_texts(opened)) == [("one", "good", "row 1"), ("two", "bad", "row 2")]
    assert [(bad.path, bad.reason) for bad in opened.bad_files] == [
        ("set, row 3", "its text is empty"),
        ("set, row 4", "it has no class"),
    ]


def test_its_splits_are_kept(tmp_path):
    import datasets

    both = {"train": _made(["a", "b"], [0, 1]), "test": _made(["c", "d"], [1, 0])}
    datasets.DatasetDict(both).save_to_disk(tmp_path / "set")

    opened = HuggingFaceFolder(folder=str(tmp_path / "set")).open(Split(validation=0, test=0.5))

    assert _texts(opened, "test") == [("c", "good", "test, row 1"), ("d", "bad", "test, row 2")]
    assert len(opened.splits["train"]) == 2


def test_nothing_is_fetched_from_the_network():
    with pytest.raises(UserError) as caught:
        HuggingFaceFolder(folder="stanfordnlp/imdb").open(NO_SPLIT)
    assert caught.value.message == (
        "There is no folder stanfordnlp/imdb, and nothing is downloaded from the Hugging Face Hub."
    )
    assert "save_to_disk" in caught.value.hint


def test_other_folders_and_columns_are_refused(tmp_path):
    with pytest.raises(UserError, match="is no data set that can be read"):
        HuggingFaceFolder(folder=str(tmp_path)).open(NO_SPLIT)
    _made(["a", "b"], [1, 1]).save_to_disk(tmp_path / "set")
    with pytest.raises(UserError, match="holds one class only, “good”"):
        HuggingFaceFolder(folder=str(tmp_path / "set")).open(NO_SPLIT)
    with pytest.raises(UserError, match="set has no column “words”"):
        HuggingFaceFolder(folder=str(tmp_path / "set"), text_column="words").open(NO_SPLIT)
    _made(["a", "b"], [0, 1]).select_columns(["text", "vector"]).save_to_disk(tmp_path / "one")
    with pytest.raises(UserError, match="one has fewer than two columns"):
        HuggingFaceFolder(folder=str(tmp_path / "one")).open(NO_SPLIT)
