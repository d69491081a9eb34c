"""The process that reads data answers everything, prints nothing astray and ends with its owner."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from PIL import Image

from workbench.document.experiment import Component, Data
from workbench.reading import (
    Described,
    DescribeData,
    MakeThumbnails,
    Pictured,
    Refused,
    Reply,
    ShowPicture,
    receive,
    send,
)
from workbench.worker.reader import KEPT, Answerer, current, spread


@pytest.fixture
def answerer(catalog):
    return Answerer(catalog)


def _pixels(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)


def test_describes_data(answerer):
    reply = answerer.answer(DescribeData(id=3, data=Data()))

    assert isinstance(reply, Described)
    assert reply.id == 3
    assert reply.info.input.shape == (8, 8, 1)
    assert sum(reply.info.counts.values()) == 1797


def test_thumbnails_are_spread_over_the_classes_and_enlarged_crisply(answerer):
    reply = answerer.answer(MakeThumbnails(data=Data(), split="train", count=25, size=64))

    assert isinstance(reply, Pictured)
    found = np.bincount([picture.target for picture in reply.pictures], minlength=10)
    assert found.sum() == 25
    assert found.min() >= 2
    pixels = _pixels(reply.pictures[0])
    assert pixels.shape == (64, 64, 3)
    assert (pixels[:8, :8] == pixels[0, 0]).all()


def test_thumbnails_of_chosen_samples(answerer, tmp_path):
    for label in ("a", "b"):
        for number in range(5):
            (tmp_path / label).mkdir(exist_ok=True)
            Image.new("RGB", (300, 150), (number * 40, 0, 0)).save(
                tmp_path / label / f"{number}.png"
            )
    data = Data(source=Component("image_folder", {"folder": str(tmp_path)}))
    answerer.answer(DescribeData(data=data))
    (tmp_path / "a" / "0.png").write_bytes(b"spoilt since")

    reply = answerer.answer(MakeThumbnails(data=data, split="train", indices=tuple(range(99))))
    names = [picture.name for picture in reply.pictures]

    assert "a/0.png" not in names
    assert all((picture.height, picture.width) == (32, 64) for picture in reply.pictures)
    large = answerer.answer(ShowPicture(data=data, split="train", index=len(names) - 1))
    assert (large.pictures[0].height, large.pictures[0].width) == (450, 900)


def test_augmented_thumbnails_differ_by_seed(answerer):
    data = Data(augmentation=Component("image", {"rotation": 90}))

    def pixels(**settings):
        request = MakeThumbnails(data=data, split="train", indices=(0, 1), **settings)
        return [_pixels(picture).tolist() for picture in answerer.answer(request).pictures]

    plain, one, other = pixels(), pixels(augmented=True), pixels(augmented=True, seed=1)
    assert plain != one
    assert one != other
    assert one == pixels(augmented=True)


def test_sixteen_bit_pictures_are_shown(answerer, tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(3):
            array = np.full((4, 4), 256 * 77, np.uint16)
            Image.fromarray(array).save(tmp_path / label / f"{number}.png")
    data = Data(source=Component("image_folder", {"folder": str(tmp_path)}))

    reply = answerer.answer(MakeThumbnails(data=data, split="train"))

    assert (_pixels(reply.pictures[0]) == 77).all()


@pytest.mark.parametrize(
    "request_",
    [
        DescribeData(data=Data(source=Component("nonsense"))),
        DescribeData(data=Data(source=Component("digits", {"colour": "red"}))),
        DescribeData(data=Data(source=Component("image_folder", {"folder": "/nowhere"}))),
        MakeThumbnails(
            data=Data(split=msgspec.convert({"test": 0}, type(Data().split))), split="test"
        ),
        ShowPicture(data=Data(), split="train", index=10**6),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(answerer, request_):
    reply = answerer.answer(request_)

    assert isinstance(reply, Refused)
    assert reply.message
    assert "Traceback" not in reply.message


def test_an_unexpected_error_is_an_answer_too(answerer, monkeypatch, capfd):
    monkeypatch.setattr(answerer, "_opened", lambda *_: 1 / 0)

    reply = answerer.answer(DescribeData(id=5, data=Data()))

    assert isinstance(reply, Refused)
    assert "ZeroDivisionError" in reply.message
    assert "Traceback" in capfd.readouterr().err


def test_data_stay_open_within_bounds_and_are_opened_afresh_when_asked(answerer, monkeypatch):
    from workbench.worker import reader

    opened = []
    describe = reader.describe
    monkeypatch.setattr(
        reader, "describe", lambda *pair: (opened.append(pair[0].split.seed), describe(*pair))[1]
    )

    def ask(seed, **settings):
        data = msgspec.convert({"split": {"seed": seed}}, Data)
        assert isinstance(answerer.answer(DescribeData(data=data, **settings)), Described)

    ask(0), ask(0)
    assert opened == [0]
    ask(0, fresh=True)
    assert opened == [0, 0]
    for seed in range(1, KEPT + 1):
        ask(seed)
    ask(KEPT), ask(0)
    assert opened == [0, 0, *range(1, KEPT + 1), 0]


def test_a_later_description_makes_earlier_ones_void():
    first, thumbnails, last = (
        DescribeData(id=1, data=Data()),
        MakeThumbnails(id=2, data=Data(), split="train"),
        DescribeData(id=3, data=Data()),
    )

    assert current([first, thumbnails, last]) == [thumbnails, last]


def test_spread_takes_what_there_is():
    targets = np.array([0] * 50 + [1] * 2 + [2] * 50)

    chosen = spread(targets, 20)

    assert len(chosen) == len(set(chosen))
    assert np.bincount(targets[list(chosen)]).tolist() == [9, 2, 9]
    assert len(spread(targets, 2)) == 2
    assert spread(targets[:0], 5) == ()


NOISY = """
import sys
from workbench.worker import reader
real = reader.describe
def describe(*given):
    print("a plug-in that prints")
    sys.stdout.flush()
    return real(*given)
reader.describe = describe
reader.main()
"""


def test_the_process_talks_in_frames_and_ends_when_nobody_listens():
    process = subprocess.Popen(
        [sys.executable, "-c", NOISY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        send(process.stdin, DescribeData(id=1, data=Data()))
        described = msgspec.msgpack.decode(receive(process.stdout), type=Reply)
        send(process.stdin, MakeThumbnails(id=2, data=Data(), split="test", count=5))
        pictured = msgspec.msgpack.decode(receive(process.stdout), type=Reply)
        process.stdin.close()
        assert process.wait(10) == 0
        assert process.stdout.read() == b""
        assert b"a plug-in that prints" in process.stderr.read()

    assert isinstance(described, Described)
    assert isinstance(pictured, Pictured)
    assert (described.id, pictured.id, len(pictured.pictures)) == (1, 2, 5)


def test_the_process_imports_no_framework_to_describe_and_show():
    script = (
        "import sys; from workbench.catalog import Catalog;"
        "from workbench.worker.reader import Answerer;"
        "from workbench.reading import *; from workbench.document.experiment import Data;"
        "answer = Answerer(Catalog.load()).answer;"
        "answer(DescribeData(data=Data())); answer(MakeThumbnails(data=Data(), split='train'));"
        "print({'torch', 'torchvision', 'sklearn', 'PySide6'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"
