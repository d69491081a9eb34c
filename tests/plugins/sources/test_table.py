"""Tables of numbers and categories: what columns hold, what is learned, what cannot be used."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes  # noqa: TID253

import resources
from plugins.preprocessing.table import TablePreprocessing
from plugins.sources.picture_table import PictureTable
from plugins.sources.series_files import SeriesFiles
from plugins.sources.table import TableFile
from plugins.sources.table_samples import SampleTables
from plugins.sources.text_table import TextTable
from workbench.document.experiment import Split
from workbench.errors import UserError
from workbench.plugin_api.table_rows import read_rows

SPLIT = Split(validation=0.2, test=0.2)
ROWS = [("3", "red", "a", "1.5"), ("", "blue", "b", "2.5"), ("7", "red", "c", "x")] * 5
TEXT = "\n".join(["size,colour,key,price", *(",".join(row) for row in ROWS)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "things.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def everything(opened):
    return [
        (samples.read(n).tolist(), samples.target(n).tolist())
        for samples in opened.splits.values()
        for n in range(len(samples))
    ]


def test_words_become_categories_and_rows_without_a_number_are_named(file):
    source = TableFile(file=str(file), learn="number", left_out="key")
    opened = source.open(SPLIT)
    assert (opened.quantities, opened.target.shape) == (("price",), (1,))
    assert [bad.path for bad in opened.bad_files] == [
        f"things.csv, line {n}" for n in (4, 7, 10, 13, 16)
    ]
    assert "“x” in column “price” is not a number" in opened.bad_files[0].reason
    samples = opened.splits["train"]
    assert samples.columns == [
        {"name": "size", "categories": []},
        {"name": "colour", "categories": ["blue", "red"]},
    ]
    assert {tuple(row[1:]) + tuple(target) for row, target in everything(opened)} == {
        (1.0, 1.5),
        (0.0, 2.5),
    }
    assert "colour" in samples.in_words(0)
    again = TableFile(file=str(file), learn="number", left_out="key").open(SPLIT)
    assert again.fingerprint == opened.fingerprint


def test_what_is_learned_follows_from_the_columns(file):
    assert TableFile(file=str(file), target_columns="colour").open(SPLIT).classes == ("blue", "red")
    assert TableFile(file=str(file), target_columns="2").open(SPLIT).classes == ("blue", "red")
    assert TableFile(file=str(file), target_columns="size").open(SPLIT).classes == ("3", "7")
    learned = TableFile(file=str(file), target_columns="size", learn="number").open(SPLIT)
    assert learned.quantities == ("size",)
    with pytest.raises(UserError, match="not several columns of 0 and 1"):
        TableFile(file=str(file), target_columns="size", learn="labels").open(SPLIT)
    with pytest.raises(UserError, match="no column “weight”"):
        TableFile(file=str(file), target_columns="weight").open(SPLIT)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "tsv"])
def test_other_formats_hold_the_same(suffix, file, tmp_path):
    import pyarrow
    import pyarrow.parquet

    names = ("size", "colour", "price")
    rows = [(n, ("red", "blue")[n % 2], n / 4) for n in range(40)]
    path = tmp_path / f"things.{suffix}"
    if suffix == "parquet":
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    elif suffix == "jsonl":
        lines = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        lines = ["\t".join(names), *("\t".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
    found = everything(TableFile(file=str(path)).open(SPLIT))
    assert sorted(found) == [([float(n), 1.0 - n % 2], [n / 4]) for n in range(40)]


def test_a_scale_is_learned_and_files_and_typed_rows_are_read_alike(file, tmp_path):
    opened = TableFile(file=str(file), learn="number", left_out="key").open(SPLIT)
    prep, samples = TablePreprocessing(), opened.splits["train"]
    fitted = prep.fit(samples)
    assert prep.output(samples).shape == (3,)
    ready = prep.resolved(fitted)
    other = tmp_path / "more.csv"
    other.write_text("colour;note;size\nred;x;3\ngreen;y;\n", encoding="utf-8")
    first, second = (each.read(0) for each in ready.file_samples(str(other), fitted))
    known, unknown = prep.scale(first, fitted), prep.scale(second, fitted)
    np.testing.assert_allclose(known[1:], [0, 1])
    np.testing.assert_array_equal(unknown, [0, 0, 0])
    for text in ("size 3, colour red", "colour=red, size: 3", "3, red"):
        np.testing.assert_array_equal(ready.read_text(text), first)
    with pytest.raises(UserError, match="“seven” in column “size” is not a number"):
        ready.read_text("size seven, colour red")
    with pytest.raises(UserError, match="begins with no column's name"):
        ready.read_text("weight 3")
    other.write_text("colour,weight\nred,3\n", encoding="utf-8")
    with pytest.raises(UserError, match="no column “size”"):
        ready.read_file(str(other))
    source = prep.python_source(fitted)
    scope = {}
    exec(source, scope)
    other.write_text("3,red\n,blue\n", encoding="utf-8")
    rows = read_rows(str(other), fitted["columns"])
    np.testing.assert_array_equal(scope["load"](str(other)), prep.scale(rows, fitted))


def test_shipped_tables_are_what_their_readme_says():
    diabetes = SampleTables().open(Split(validation=0, test=0)).splits["train"]
    raw = load_diabetes(scaled=False)
    assert len(diabetes) == 442
    read = np.array([diabetes.read(n) for n in range(442)])
    read[:, 1] += 1  # the categories are “one” and “two”
    np.testing.assert_allclose(read, raw.data, rtol=1e-5)
    np.testing.assert_array_equal([diabetes.target(n)[0] for n in range(442)], raw.target)
    yeast = SampleTables(data_set="yeast").open(SPLIT)
    assert (len(yeast.classes), yeast.quantities) == (14, ())
    assert sum(map(len, yeast.splits.values())) == 2417
    assert len(yeast.splits["train"].read(0)) == 103
    content = gzip.decompress(resources.path("samples", "molecules.tsv.gz").read_bytes())
    assert len(content.splitlines()) == 1282


def test_texts_pictures_and_series_have_numbers_to_learn(tmp_path):
    texts = tmp_path / "texts.csv"
    rows = [f"some words number {n},{n},{n / 2}" for n in range(20)]
    texts.write_text("\n".join(["text,first,second", *rows, "bad,none,1"]), encoding="utf-8")
    opened = TextTable(file=str(texts), learn="numbers", label_column="first, second").open(SPLIT)
    assert opened.quantities == ("first", "second")
    assert [bad.path for bad in opened.bad_files] == ["texts.csv, line 22"]
    train = opened.splits["train"]
    number = float(train.read(3).item().split()[-1])
    assert train.target(3).tolist() == [number, number / 2]

    for n in range(6):
        Image.new("L", (5, 4), 40 * n).save(tmp_path / f"{n}.png")
    lines = [f"{n}.png,{n}" for n in range(6)]
    (tmp_path / "grey.csv").write_text("\n".join(["file,level", *lines, "gone.png,1", "1.png,?"]))
    opened = PictureTable(file=str(tmp_path / "grey.csv")).open(Split(validation=0, test=0))
    pictures = opened.splits["train"]
    assert [pictures.read(n)[0, 0, 0] // 40 for n in range(6)] == [
        int(pictures.target(n)[0]) for n in range(6)
    ]
    assert len(opened.bad_files) == 2

    series = tmp_path / "T_TRAIN.ts"
    head = "@problemName T\n@univariate true\n@targetlabel true\n@data\n"
    series.write_text(head + "\n".join(f"{n},{n + 1},3:{n / 10}" for n in range(9)) + "\n1,2:?\n")
    opened = SeriesFiles(file=str(series)).open(Split(validation=0, test=0))
    assert opened.target.shape == (1,)
    assert opened.splits["train"].target(4).tolist() == pytest.approx([0.4])
    assert "it has no number to learn" in opened.bad_files[0].reason
