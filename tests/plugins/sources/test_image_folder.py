"""A person's own folder: every layout, every sort of file, nothing written there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.sources.image_folder import ImageFolder
from workbench.document.experiment import Split
from workbench.errors import UserError
from workbench.plugin_api import picture_files

RNG = np.random.default_rng(0)


def _picture(path, size=(12, 10), channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], channels)[: 3 if channels > 1 else 2]
    Image.fromarray(RNG.integers(0, 256, shape, np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pets"
    for label in ("cats", "dogs"):
        for number in range(10):
            _picture(root / label / f"{number}.png")
    return root


def _open(root, **split):
    return ImageFolder(folder=str(root)).open(Split(**split))


def _bad(opened):
    return {file.path: file.reason for file in opened.bad_files}


def _contents(root):
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_classes_are_the_folders(folder):
    before = _contents(folder)

    opened = _open(folder, validation=0.2, test=0.2)

    assert opened.classes == ("cats", "dogs")
    assert {name: len(part) for name, part in opened.splits.items()} == {
        "train": 12,
        "validation": 4,
        "test": 4,
    }
    train = opened.splits["train"]
    for index in range(len(train)):
        assert train.name(index).startswith(opened.classes[train.targets[index]])
    with Image.open(folder / train.name(0)) as image:
        np.testing.assert_array_equal(train.read(0), np.asarray(image))
    assert opened.bad_files == ()
    assert _contents(folder) == before


def test_nested_hidden_and_leftover_files(folder):
    _picture(folder / "cats" / "kittens" / "small" / "a.png")
    _picture(folder / ".trash" / "x.png")
    _picture(folder / "cats" / ".hidden.png")
    (folder / "cats" / "Thumbs.db").write_bytes(b"x")

    opened = _open(folder, validation=0, test=0)

    names = [opened.splits["train"].name(n) for n in range(len(opened.splits["train"]))]
    assert "cats/kittens/small/a.png" in names
    assert len(names) == 21
    assert opened.bad_files == ()


def test_links_are_followed_but_not_round_in_circles(folder, tmp_path):
    _picture(tmp_path / "elsewhere" / "z.png")
    (folder / "cats" / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "cats" / "again").symlink_to(folder / "cats")
    (folder / "cats" / "lost.png").symlink_to(tmp_path / "nothing.png")

    opened = _open(folder, validation=0, test=0)

    assert len(opened.splits["train"]) == 21
    assert _bad(opened) == {"cats/lost.png": "there is no such file"}


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "valid", "testing")])
def test_split_folders_are_kept(tmp_path, names):
    for part, count in zip(names, (6, 3, 2), strict=True):
        for label in ("a", "b"):
            for number in range(count):
                _picture(tmp_path / part / label / f"{number}.png")
    _picture(tmp_path / names[0] / "stray.png")

    opened = _open(tmp_path)

    assert {name: len(part) for name, part in opened.splits.items()} == {
        "train": 12,
        "validation": 6,
        "test": 4,
    }
    assert opened.splits["test"].name(0) == f"{names[2]}/a/0.png"
    assert _bad(opened) == {f"{names[0]}/stray.png": "it lies outside the class folders"}


def test_parts_the_folder_lacks_are_cut_off_training(tmp_path):
    for part, count in (("train", 10), ("test", 2)):
        for label in ("a", "b"):
            for number in range(count):
                _picture(tmp_path / part / label / f"{number}.png")

    opened = _open(tmp_path, validation=0.2, test=0.5)

    assert {name: len(part) for name, part in opened.splits.items()} == {
        "train": 16,
        "validation": 4,
        "test": 4,
    }


def _spoil(root):
    """Put one file of every unusable sort into the folder and return what is said of each."""
    whole = _picture(root / "cats" / "whole.jpg", (80, 80)).read_bytes()
    (root / "cats" / "whole.jpg").unlink()
    (root / "cats" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    png = (root / "dogs" / "0.png").read_bytes()
    (root / "dogs" / "cut.png").write_bytes(png[: len(png) // 2])
    (root / "dogs" / "flipped.png").write_bytes(png[:60] + bytes([png[60] ^ 255]) + png[61:])
    (root / "cats" / "empty.png").touch()
    (root / "cats" / "notes.txt").write_text("a cat")
    (root / "dogs" / "page.jpg").write_text("<html>not found</html>")
    (root / "list.csv").write_text("a,b")
    os.mkfifo(root / "dogs" / "pipe")
    return {
        "cats/cut.jpg": "truncated",
        "dogs/cut.png": "truncated",
        "dogs/flipped.png": "damaged",
        "cats/empty.png": "empty",
        "cats/notes.txt": "not a picture",
        "dogs/page.jpg": "not a picture",
        "list.csv": "outside the class folders",
        "dogs/pipe": "not a regular file",
    }


def test_files_that_cannot_be_used_are_named_and_left_out(folder):
    expected = _spoil(folder)

    for _ in range(2):  # the second look comes from the cache
        opened = _open(folder, validation=0, test=0)
        found = _bad(opened)
        assert set(found) == set(expected)
        for path, words in expected.items():
            assert words in found[path], (path, found[path])
        assert len(opened.splits["train"]) == 20


def test_cut_off_files_show_without_decoding_everything(folder, monkeypatch):
    expected = _spoil(folder)
    del expected["dogs/flipped.png"]  # whole at both ends: only decoding tells
    monkeypatch.setattr(picture_files, "DECODE_BYTES", 0)

    opened = _open(folder, validation=0, test=0)

    assert set(_bad(opened)) == set(expected)
    train = opened.splits["train"]
    flipped = next(n for n in range(len(train)) if train.name(n) == "dogs/flipped.png")
    with pytest.raises(UserError, match=r"flipped\.png cannot be used: it is damaged"):
        train.read(flipped)


def test_headers_tell_what_decoding_finds(folder, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    array = RNG.integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(array).save(folder / "cats" / "turned.jpg", exif=exif)
    Image.fromarray(array[..., 0]).save(folder / "cats" / "grey.webp")
    Image.fromarray(array).quantize(4).save(folder / "dogs" / "palette.gif")
    Image.fromarray(array[..., :2]).save(folder / "dogs" / "la.png")
    Image.fromarray(array[..., 0].astype(np.uint16)).save(folder / "dogs" / "deep.png")
    paths = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.*") if p.is_file())

    decoded = picture_files.look_at(folder, paths)
    monkeypatch.setattr(picture_files, "DECODE_BYTES", 0)
    monkeypatch.setattr(picture_files, "_load", lambda folder: {})
    glanced = picture_files.look_at(folder, paths)

    def known(files):
        return [(file.path, file.height, file.width, file.kind, file.reason) for file in files]

    assert known(glanced) == known(decoded)
    assert not any(file.decoded for file in glanced)
    assert all(file.decoded for file in decoded)


def test_a_bomb_is_left_out(folder, monkeypatch):
    _picture(folder / "cats" / "bomb.png", (100, 100))
    _picture(folder / "cats" / "huge.png", (300, 300))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9_000)

    assert _bad(_open(folder)) == {
        "cats/bomb.png": "it has too many pixels",
        "cats/huge.png": "it has too many pixels",
    }


def test_names_that_are_no_text_are_left_out(folder):
    odd = os.fsencode(folder / "cats") + b"/\xff\xfe.png"
    with open(odd, "wb") as file:
        file.write((folder / "cats" / "0.png").read_bytes())

    assert list(_bad(_open(folder)).values()) == ["its name is not valid text (UTF-8)"]


def test_a_second_look_opens_no_file(folder, monkeypatch):
    _open(folder)
    monkeypatch.setattr(picture_files, "_inspect", None)

    assert len(_open(folder).splits) == 3


def test_a_changed_file_is_looked_at_again(folder):
    before = _open(folder).fingerprint
    path = _picture(folder / "cats" / "0.png", (30, 30))
    os.utime(path, ns=(1, 1))

    after = _open(folder)

    assert after.fingerprint != before
    assert [30, 30, 3] in np.vstack([part.shapes for part in after.splits.values()]).tolist()


def test_a_broken_cache_is_no_matter(folder, home):
    _open(folder)
    (cache,) = (home / "cache").iterdir()
    cache.write_bytes(b"nonsense")

    assert len(_open(folder).classes) == 2


def test_a_large_folder_is_listed_quickly(tmp_path):
    first = _picture(tmp_path / "a" / "0.jpg", (64, 64)).read_bytes()
    (tmp_path / "b").mkdir()
    for number in range(1000):
        for label in "ab":
            (tmp_path / label / f"{number}.jpg").write_bytes(first)

    started = time.perf_counter()
    _open(tmp_path)
    middle = time.perf_counter()
    _open(tmp_path)
    ended = time.perf_counter()

    assert ended - middle < middle - started
    assert ended - middle < 2


def test_all_pictures_agree_in_channels_and_depth(tmp_path):
    for label in "ab":
        _picture(tmp_path / label / "grey.png", channels=1)
        deep = RNG.integers(0, 65536, (10, 12), np.uint16)
        Image.fromarray(deep).save(tmp_path / label / "deep.png")

    def kinds():
        train = _open(tmp_path, validation=0, test=0).splits["train"]
        arrays = [train.read(index) for index in range(len(train))]
        assert [list(array.shape) for array in arrays] == train.shapes.tolist()
        return {(array.shape[-1], array.dtype.name) for array in arrays}

    assert kinds() == {(1, "uint8")}
    _picture(tmp_path / "a" / "colour.png")
    assert kinds() == {(3, "uint8")}
    for path in tmp_path.rglob("*.png"):
        if path.name != "deep.png":
            path.unlink()
    assert kinds() == {(1, "uint16")}


def test_a_class_without_a_usable_picture_is_named(folder):
    (folder / "birds").mkdir()
    (folder / "birds" / "a.png").write_bytes(b"x")

    opened = _open(folder)

    assert opened.classes == ("cats", "dogs")
    assert _bad(opened)["birds"] == "no picture of this class can be used"


def test_what_cannot_be_opened_says_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    _picture(tmp_path / "one" / "cats" / "a.png")
    (tmp_path / "useless" / "cats").mkdir(parents=True)
    (tmp_path / "useless" / "cats" / "a.png").write_bytes(b"x")
    _picture(tmp_path / "flat" / "a.png")
    cases = {
        "empty": "holds no pictures",
        "file": "is a file, not a folder",
        "one": "holds one class only, “cats”",
        "useless": "Not the one file",
        "flat": "Not the one file",
        "missing": "There is no folder",
    }
    for name, message in cases.items():
        with pytest.raises(UserError, match=message) as caught:
            _open(tmp_path / name)
        assert caught.value.hint
    with pytest.raises(UserError, match="No folder has been chosen"):
        ImageFolder().open(Split())


NOBODY = """
import os, sys
from plugins.sources.image_folder import ImageFolder
from workbench.document.experiment import Split
from workbench.errors import UserError
ImageFolder(folder=sys.argv[1]).open(Split())
if os.getuid() == 0:  # no right stops root
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
opened = ImageFolder(folder=sys.argv[1]).open(Split())
print(sorted((bad.path, bad.reason) for bad in opened.bad_files))
try:
    ImageFolder(folder=sys.argv[1] + "/secrets").open(Split())
except UserError as error:
    print(error)
"""


def test_what_may_not_be_read_is_named():
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        for label in ("cats", "dogs"):
            for number in range(3):
                _picture(root / label / f"{number}.png")
        (root / "cats" / "0.png").chmod(0)
        (root / "secrets").mkdir(mode=0)

        done = subprocess.run(
            [sys.executable, "-c", NOBODY, name], capture_output=True, text=True, check=False
        )
        (root / "secrets").chmod(0o700)

    assert done.returncode == 0, done.stderr
    assert "('cats/0.png', 'there is no right to read it')" in done.stdout
    assert "('secrets', 'the folder cannot be read: Permission denied')" in done.stdout
    assert "secrets cannot be read: Permission denied. Change the folder's rights" in done.stdout
