"""IDX files, packed or not, whole or damaged."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from plugins.sources.idx import FASHION, Idx
from workbench.document.experiment import Split
from workbench.errors import UserError

RNG = np.random.default_rng(0)


def _idx(array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def _write(folder, part, count, *, packed=True, mark="-", classes=10):
    images = RNG.integers(0, 256, (count, 5, 6), np.uint8)
    labels = (np.arange(count) % classes).astype(np.uint8)
    for what, array in (("images", images), ("labels", labels)):
        name = f"{part}-{what}{mark}idx{array.ndim}-ubyte"
        content = _idx(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return images, labels


@pytest.mark.parametrize(("packed", "mark"), [(True, "-"), (False, "-"), (False, ".")])
def test_t10k_is_the_test_split(tmp_path, packed, mark):
    images, labels = _write(tmp_path, "train", 60, packed=packed, mark=mark)
    test_images, _ = _write(tmp_path, "t10k", 20, packed=packed, mark=mark)

    opened = Idx(folder=str(tmp_path)).open(Split(validation=0.2, test=0.3))

    assert {name: len(part) for name, part in opened.splits.items()} == {
        "train": 50,
        "validation": 10,
        "test": 20,
    }
    np.testing.assert_array_equal(opened.splits["test"].read(3)[..., 0], test_images[3])
    train = opened.splits["train"]
    number = int(train.name(7))
    np.testing.assert_array_equal(train.read(7)[..., 0], images[number])
    assert train.targets[7] == labels[number]
    assert opened.classes == tuple("0123456789")


def test_without_t10k_a_test_split_is_cut(tmp_path):
    _write(tmp_path, "train", 100)

    opened = Idx(folder=str(tmp_path)).open(Split(validation=0, test=0.3))

    assert {name: len(part) for name, part in opened.splits.items()} == {"train": 70, "test": 30}


def test_fashion_names(tmp_path):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    _write(folder, "train", 40)

    assert Idx(folder=str(folder)).open(Split()).classes == FASHION
    assert Idx(folder=str(folder), classes="numbers").open(Split()).classes[0] == "0"


def test_more_classes_than_names(tmp_path):
    _write(tmp_path, "train", 60, classes=12)

    assert len(Idx(folder=str(tmp_path), classes="fashion").open(Split()).classes) == 12


def _damage(folder, name, change):
    path = folder / f"{name}-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[: len(content) // 2], "cannot be read"),
        (lambda content: b"hello", "cannot be read"),
        (lambda content: gzip.compress(b"hello"), "is not an IDX file of 3 axes"),
        (lambda content: gzip.compress(gzip.decompress(content)[:-1]), "is cut off"),
        (lambda content: gzip.compress(gzip.decompress(content) + b"x"), "longer than"),
        (lambda content: gzip.compress(b"\0\0\x08\3" + b"\xff" * 12), "is cut off"),
        (lambda content: gzip.compress(_idx(np.zeros((3, 5, 6), np.uint8))), "3 pictures and 60"),
    ],
)
def test_damaged_files_are_named(tmp_path, change, message):
    _write(tmp_path, "train", 60)
    _damage(tmp_path, "train-images-idx3", change)

    with pytest.raises(UserError, match=message) as caught:
        Idx(folder=str(tmp_path)).open(Split())
    assert caught.value.hint


@pytest.mark.parametrize("folder", ["", "/nowhere/at/all"])
def test_missing_files_are_named(folder):
    with pytest.raises(UserError, match=r"No folder|no file train-images-idx3-ubyte") as caught:
        Idx(folder=folder).open(Split())
    assert caught.value.hint


def test_one_class_is_refused(tmp_path):
    _write(tmp_path, "train", 20, classes=1)

    with pytest.raises(UserError, match="one class only"):
        Idx(folder=str(tmp_path)).open(Split())
