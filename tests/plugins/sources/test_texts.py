"""Texts from tables and folders: columns, encodings, quotes, bad rows, and no file held whole."""

from __future__ import annotations

import json
import pickle

import pytest

from plugins.sources.film_sentences import FilmSentences
from plugins.sources.text_folder import TextFolder
from plugins.sources.text_table import TextTable
from workbench.document.experiment import Split
from workbench.errors import UserError

NO_SPLIT = Split(validation=0, test=0)


def _open(folder, content, name="data.csv", **settings):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TextTable(file=str(path), **settings).open(NO_SPLIT)


def _rows(opened):
    train = opened.splits["train"]
    classes = [opened.classes[target] for target in train.targets]
    return [(str(train.read(n).item()), classes[n]) for n in range(len(train))]


ROWS = [("good, really\n“good”", "pos"), ("plain", "neg"), ("naïve ∞", "pos")]


def test_quoted_cells_with_commas_and_lines(tmp_path):
    opened = _open(tmp_path, 'id,label,text\n1,pos,"good, really\n""good"""\n2,neg,plain\n')

    assert _rows(opened) == [('good, really\n"good"', "pos"), ("plain", "neg")]
    assert [opened.splits["train"].name(n) for n in (0, 1)] == ["line 2", "line 4"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_tabs_keep_lone_quotes(tmp_path, line_end):
    content = line_end.join(['pos\tsays "yes', "neg\tno", 'pos\t"maybe', ""])
    opened = _open(tmp_path, content, "data.tsv")

    assert _rows(opened) == [('says "yes', "pos"), ("no", "neg"), ('"maybe', "pos")]


def test_json_lines(tmp_path):
    lines = [json.dumps({"label": label, "text": text, "more": None}) for text, label in ROWS]
    opened = _open(tmp_path, "\n".join(lines) + "\n\n{broken\n", "data.jsonl")

    assert _rows(opened) == ROWS
    assert [file.path for file in opened.bad_files] == ["data.jsonl, line 5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings_are_found(tmp_path, encoding):
    content = "text,label\ncafé crème,pos\nplain,neg\n".encode(encoding)

    assert _rows(_open(tmp_path, content))[0] == ("café crème", "pos")


def test_columns_can_be_named_and_numbered(tmp_path):
    content = "a,b,c\nlong long text,x,1\nother text,y,1\nthird,y,2\n"
    by_name = _open(tmp_path, content, text_column="a", label_column="b")
    by_number = _open(tmp_path, content, text_column="1", label_column="3")

    assert by_name.classes == ("x", "y")
    assert by_number.classes == ("1", "2")
    with pytest.raises(UserError, match="no column “z”"):
        _open(tmp_path, content, text_column="z")


def test_bad_rows_are_listed(tmp_path):
    long = b"text,label\n" + b"fine words,a\nother words,b\n" * 800
    opened = _open(tmp_path, long + b" ,a\nno class,\nonly\n\xff\xfe broken,a\n")

    reasons = [file.reason for file in opened.bad_files]
    assert reasons[:3] == ["its text is empty", "it has no class", "it has 1 cells, not 2"]
    assert "not valid utf-8" in reasons[3]
    assert opened.bad_files[0].path == "data.csv, line 1602"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("text,label\nx,a\ny,a\n", "one class only, “a”"),
        ("just one column\nof words\n", "one column only"),
        ("text,label\n ,a\n", "None of the 1 rows"),
        ("text,label\na,b\n".encode("utf-16"), "Save it as UTF-8|encoding"),
        ("text,label\n" + "".join(f"t,{n}\n" for n in range(1002)), "does not hold classes"),
    ],
)
def test_useless_tables_are_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        _open(tmp_path, content)


def test_samples_hold_places_and_not_texts(tmp_path):
    words = "many words " * 50
    opened = _open(tmp_path, "text,label\n" + f"{words},a\n{words},b\n" * 2000)

    assert len(pickle.dumps(opened.splits["train"])) < 4000 * 30


def test_a_changed_file_is_no_bug(tmp_path):
    opened = _open(tmp_path, "text,label\nabc,a\ndef,b\n")
    (tmp_path / "data.csv").unlink()

    with pytest.raises(UserError, match="cannot be read"):
        opened.splits["train"].read(0)


def test_a_folder_of_texts(tmp_path):
    for label, name, content in [
        ("ham", "1.txt", b"hello"),
        ("spam", "2.txt", "gr\xfc\xdfe".encode("latin-1")),
        ("spam", "3.txt", "wide ∞".encode("utf-16")),
        ("spam", "4.txt", b""),
        ("ham", "5.bin", b"\0\1\2"),
    ]:
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / name).write_bytes(content)

    opened = TextFolder(folder=str(tmp_path)).open(NO_SPLIT)

    assert _rows(opened) == [("hello", "ham"), ("gr\xfc\xdfe", "spam"), ("wide ∞", "spam")]
    bad = {file.path: file.reason for file in opened.bad_files}
    assert bad == {"spam/4.txt": "it is empty", "ham/5.bin": "it is not a text file"}


def test_film_sentences_are_what_their_readme_says():
    opened = FilmSentences().open(Split(validation=0, test=0.2))

    train, test = opened.splits["train"], opened.splits["test"]
    assert len(train) + len(test) == 10_605
    assert abs(train.targets.mean() - 5242 / 10_605) < 1e-3
    assert str(test.read(0).item()).isprintable()


def _parquet(path, columns, **options):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), path, **options)
    return path


def test_parquet_is_read_by_row(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    texts = [f"text {n} with\na new line" for n in range(2500)] + ["  ", "last"]
    columns = {
        "id": range(2502),
        "text": texts,
        "label": [n % 2 for n in range(2502)],
        "vector": [[1.0, 2.0]] * 2502,
    }
    path = _parquet(tmp_path / "data.parquet", columns, row_group_size=700)

    for _ in range(2):  # the second time from the cache
        opened = TextTable(file=str(path)).open(NO_SPLIT)
        train = pickle.loads(pickle.dumps(opened.splits["train"]))
        assert opened.classes == ("0", "1")
        assert len(train) == 2501
        assert [str(train.read(n).item()) for n in (0, 1999, 2500)] == [
            texts[0], texts[1999], "last"
        ]  # fmt: skip
        assert train.name(2500) == "row 2502"
        assert train.targets[:4].tolist() == [0, 1, 0, 1]
        assert [(bad.path, bad.reason) for bad in opened.bad_files] == [
            ("data.parquet, row 2501", "its text is empty")
        ]
    assert len(list((tmp_path / "home" / "caches" / "tables").glob("*.jsonl"))) == 1


def test_parquet_of_datasets_names_its_classes(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    features = datasets.Features(
        {
            "sentence": datasets.Value("string"),
            "sentiment": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    made = datasets.Dataset.from_dict({"sentence": ["a", "b"], "sentiment": [1, 0]}, features)
    made.to_parquet(str(tmp_path / "data.parquet"))

    assert _rows(TextTable(file=str(tmp_path / "data.parquet")).open(NO_SPLIT)) == [
        ("a", "yes"), ("b", "no")
    ]  # fmt: skip


def test_damaged_parquet_is_refused_by_name(tmp_path):
    path = _parquet(tmp_path / "data.parquet", {"text": ["a", "b"], "label": ["x", "y"]})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"data\.parquet cannot be read"):
        TextTable(file=str(path)).open(NO_SPLIT)

    _parquet(path, {"text": ["a", "b"], "vectors": [[1], [2]]})
    with pytest.raises(UserError, match="fewer than two columns"):
        TextTable(file=str(path)).open(NO_SPLIT)
