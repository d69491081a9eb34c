"""Series in .ts and .arff files, whole or damaged, and those that come with the program."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.sources.series_files import SeriesFiles
from plugins.sources.series_samples import SampleSeries
from workbench.document.experiment import Split
from workbench.errors import UserError

HEAD = "#a comment\n@problemName Test\n@timeStamps false\n@classLabel true up down\n@data\n"
NO_SPLIT = Split(validation=0, test=0)


def _write(folder, body, name="Test_TRAIN.ts", head=HEAD):
    path = folder / name
    path.write_text(head + body, encoding="utf-8")
    return SeriesFiles(file=str(path))


def test_channels_lengths_and_missing_values(tmp_path):
    source = _write(tmp_path, "1,2,3:4,?,6:up\n-1,-2:-3,-4:down\n")

    train = source.open(NO_SPLIT).splits["train"]

    np.testing.assert_array_equal(train.read(0), np.float32([[1, 4], [2, np.nan], [3, 6]]))
    np.testing.assert_array_equal(train.read(1), np.float32([[-1, -3], [-2, -4]]))
    assert train.shapes.tolist() == [[3, 2], [2, 2]]
    assert train.targets.tolist() == [0, 1]
    assert train.name(1) == "Test_TRAIN.ts, line 7"


def test_the_test_file_beside_it_is_the_test_split(tmp_path):
    _write(tmp_path, "9:up\n", name="Test_TEST.ts")
    opened = _write(tmp_path, "1:up\n2:down\n").open(Split(validation=0, test=0.5))

    assert {name: len(part) for name, part in opened.splits.items()} == {"train": 2, "test": 1}
    assert opened.splits["test"].read(0).tolist() == [[9]]


def test_arff_holds_the_same(tmp_path):
    head = "@relation T\n@attribute a numeric\n@attribute class {up,down}\n@data\n"
    one = _write(tmp_path, "1,2,up\n3,?,down\n", "one.arff", head).open(NO_SPLIT).splits["train"]
    several = _write(tmp_path, "'1,2\\n3,4',up\n'5,6\\n7,8',down\n", "two.arff", head)
    two = several.open(NO_SPLIT).splits["train"]

    np.testing.assert_array_equal(one.read(1), np.float32([[3], [np.nan]]))
    assert two.read(0).tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,x:up", "value 2 is “x”, not a number"),
        ("1,2:sideways", "“sideways” is not among the classes"),
        ("1,2:3:up", "its channels differ in length, from 1 to 2"),
        (":up", "it has no values"),
        ("1,2:3,4:up", "it has 2 channels, the others 1"),
    ],
)
def test_bad_lines_are_listed(tmp_path, line, reason):
    opened = _write(tmp_path, f"1,2:up\n{line}\n3,4:down\n5,6:up\n").open(NO_SPLIT)

    assert len(opened.splits["train"]) == 3
    assert [file.path for file in opened.bad_files] == ["Test_TRAIN.ts, line 7"]
    assert reason in opened.bad_files[0].reason


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        ("", "1,2\n", "has no line @data"),
        ("@classLabel false\n@data\n", "1,2\n", "no class labels"),
        (HEAD.replace("false", "true", 1), "(0,1):up\n", "time stamp"),
        (HEAD, "", "no series that can be used"),
        (HEAD, "1:up\n2:up\n", "of one class, “up”"),
    ],
)
def test_useless_files_are_refused(tmp_path, head, body, message):
    with pytest.raises(UserError, match=message):
        _write(tmp_path, body, head=head).open(NO_SPLIT)


def test_no_file_and_other_files_are_refused(tmp_path):
    for path, message in (("", "No file"), (str(tmp_path / "a.txt"), "neither"),
                          (str(tmp_path / "a.ts"), "cannot be read")):  # fmt: skip
        with pytest.raises(UserError, match=message):
            SeriesFiles(file=path).open(NO_SPLIT)


@pytest.mark.parametrize(
    ("name", "counts", "channels", "lengths", "classes"),
    [
        ("BasicMotions", (40, 40), 6, (100, 100), 4),
        ("JapaneseVowels", (270, 370), 12, (7, 29), 9),
        ("GunPoint", (50, 150), 1, (150, 150), 2),
        ("ItalyPowerDemand", (67, 1029), 1, (24, 24), 2),
    ],
)
def test_samples_are_what_was_published(name, counts, channels, lengths, classes):
    opened = SampleSeries(data_set=name).open(Split(validation=0, test=0.3))

    assert tuple(len(opened.splits[part]) for part in ("train", "test")) == counts
    shapes = np.vstack([found.shapes for found in opened.splits.values()])
    assert (shapes[:, 0].min(), shapes[:, 0].max()) == lengths
    assert set(shapes[:, 1]) == {channels}
    assert len(opened.classes) == classes
    assert set(opened.splits["train"].targets) == set(range(classes))
