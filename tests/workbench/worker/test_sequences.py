"""Series and texts of any length: batches, whatever loads them, training, asking, exporting."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.problems import check
from workbench.catalog import Catalog
from workbench.cli import main
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.files import save
from workbench.document.graph import Graph, Node
from workbench.document.training import Training
from workbench.errors import UserError
from workbench.reading import DescribeData, MakeThumbnails, ShowPicture
from workbench.worker import batches
from workbench.worker.batches import Feed, prepare
from workbench.worker.ragged import padded
from workbench.worker.reader import Answerer

VOWELS = Data(
    source=Component("series_samples", {"data_set": "JapaneseVowels"}),
    preprocessing=Component("series"),
)
FILMS = Data(source=Component("film_sentences"), preprocessing=Component("text"))


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


@pytest.fixture(scope="module", params=[VOWELS, FILMS], ids=["series", "texts"])
def prepared(request, catalog):
    return prepare(Experiment(data=request.param), catalog)


def _feed(prepared, **settings):
    return Feed(prepared, seed=3, batch_size=32, **settings)


def test_batches_hold_the_samples_and_zeros(prepared):
    samples = prepared.opened.splits["train"]
    batch = next(_feed(prepared).train_batches(0))

    assert batch.inputs.dtype == prepared.info.input.dtype
    assert batch.inputs.shape[1] == -(-batch.lengths.max() // 8) * 8
    for row, length, index in zip(batch.inputs, batch.lengths, batch.indices, strict=True):
        shaped = prepared.preprocessing.shape(samples.read(index))
        np.testing.assert_array_equal(
            row[:length], prepared.preprocessing.scale(shaped, prepared.fitted)
        )
        assert not row[length:].any()


@pytest.mark.parametrize("split", ["train", "test"])
def test_reading_ahead_gives_the_same_batches(prepared, monkeypatch, split):
    def taken(feed):
        found = list(feed.train_batches(1) if split == "train" else feed.batches("test"))
        feed.close()
        return found

    from_memory = taken(_feed(prepared))
    monkeypatch.setattr(batches, "MEMORY_BYTES", 0)
    read_ahead = taken(_feed(prepared, loaders=1))

    assert len(from_memory) == len(read_ahead)
    for one, other in zip(from_memory, read_ahead, strict=True):
        for name in ("inputs", "lengths", "targets", "indices"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_padding_fills_up_to_a_multiple():
    rows = [np.ones((3, 2), np.float32), np.ones((9, 2), np.float32)]

    found, lengths = padded(rows, 8)

    assert found.shape == (2, 16, 2)
    assert lengths.tolist() == [3, 9]
    assert found.sum(axis=(1, 2)).tolist() == [6, 18]


def _experiment(data, *layers, classes):
    nodes = [Node("input1", "Input")]
    for number, (kind, params) in enumerate([*layers, ("Dense", {"units": classes})]):
        nodes.append(Node(f"layer{number}", kind, params, inputs=(nodes[-1].id,)))
    nodes.append(Node("output1", "Output", inputs=(nodes[-1].id,)))
    training = Training(epochs=2, batch_size=64, threads=1)
    return Experiment(data=data, graph=Graph(tuple(nodes)), training=training)


CONVOLUTION = ("Conv1D", {"filters": 16, "kernel_size": 3, "padding": "same"})


def test_an_embedding_with_too_few_rows_is_repaired(catalog):
    layers = [("Embedding", {"vocabulary": 50}), ("GlobalMaxPool", {})]
    experiment = _experiment(FILMS, *layers, classes=2)
    info = prepare(experiment, catalog).info

    (error,) = check(experiment, catalog, info).errors

    assert "knows 50 tokens, but the texts may have 10000" in error.message
    assert not check(error.repair.edit(experiment), catalog, info).errors


def test_preparation_for_other_data_is_repaired(catalog):
    layers = [("GlobalMaxPool", {})]
    data = Data(source=VOWELS.source)
    experiment = _experiment(data, *layers, classes=9)

    with pytest.raises(UserError, match="The data are series, but the preparation is for pictures"):
        prepare(experiment, catalog)
    experiment = Experiment(
        data=data,
        graph=Graph(
            (
                Node("input1", "Input", {"shape": [7, 3]}),
                Node("pool1", "GlobalMaxPool", inputs=("input1",)),
                Node("dense1", "Dense", {"units": 9}, inputs=("pool1",)),
                Node("output1", "Output", inputs=("dense1",)),
            )
        ),
    )
    (error,) = check(experiment, catalog).errors
    assert error.repair.edit(experiment).data.preprocessing == Component("series")


def test_the_reader_draws_series_and_texts(catalog):
    answerer = Answerer(catalog)
    for data in (VOWELS, FILMS):
        info = answerer.answer(DescribeData(data=data)).info
        small = answerer.answer(MakeThumbnails(data=data, split="train", count=6)).pictures
        (large,) = answerer.answer(ShowPicture(data=data, split="test", index=1, size=300)).pictures

        assert info.kind == ("series" if data is VOWELS else "texts")
        assert len(small) == 6
        assert len({picture.pixels for picture in small}) == 6
        assert (large.width, large.height) == (300, 300)
        assert bool(large.text) == (data is FILMS)


def test_a_text_network_from_training_to_a_script(tmp_path, capfd):
    data = Data(source=FILMS.source, preprocessing=FILMS.preprocessing, split=Split(test=0.2))
    layers = [("Embedding", {"features": 32}), CONVOLUTION, ("ReLU", {}), ("GlobalMaxPool", {})]
    save(_experiment(data, *layers, classes=2), tmp_path / "film.workbench.json")
    runs = ["--runs", str(tmp_path / "runs")]

    assert main(["train", str(tmp_path / "film.workbench.json"), *runs]) == 0
    assert main(["predict", "last", *runs, "--text", "a wonderful film", "--text", " "]) == 3
    out = capfd.readouterr()
    script = str(tmp_path / "film.py")
    assert main(["export", "last", *runs, "--format", "python", "-o", script]) == 0

    assert "a wonderful film: " in out.out
    assert "The text is empty." in out.err
    assert "verified" in capfd.readouterr().out
    assert main(["predict", "last", *runs]) == 2
