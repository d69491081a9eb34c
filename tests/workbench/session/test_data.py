"""The data session describes in the background, survives its helper's death and never waits."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import psutil
import pytest
from PIL import Image

from workbench.document.experiment import Component, Data
from workbench.reading import Described, DescribeData, Refused
from workbench.session import reader as reader_module
from workbench.session.data import DataSession
from workbench.session.reader import COMMAND, Reader


@pytest.fixture
def session(catalog):
    session = DataSession(catalog)
    yield session
    session.close()


@pytest.fixture
def reader():
    reader = Reader()
    yield reader
    reader.close()


def _until(condition, tick, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)
        tick()


def _described(session, data):
    session.look_at(data)
    _until(lambda: not session.is_busy, session.tick)


def _replies(reader, seconds=30):
    found = []
    _until(lambda: found, lambda: found.extend(reader.replies()), seconds)
    return found


def test_describing_does_not_wait(session):
    seen = []
    session.info_changed.connect(lambda: seen.append((session.is_busy, session.info is not None)))

    started = time.perf_counter()
    session.look_at(Data())
    took = time.perf_counter() - started
    _until(lambda: not session.is_busy, session.tick)

    assert took < 0.1
    assert seen == [(True, False), (False, True)]
    assert session.info.counts["train"] == 1259
    assert session.error is None


def test_the_same_data_are_not_described_again(session):
    _described(session, Data())
    seen = []
    session.info_changed.connect(lambda: seen.append(session.is_busy))

    session.look_at(Data())
    session.look_at(Data(augmentation=Component("image")))
    assert seen == []
    session.look_at(Data(preprocessing=Component("image", {"height": 4, "width": 4})))
    assert session.info is not None  # what is known of the same source stays until the answer
    _until(lambda: not session.is_busy, session.tick)

    assert session.info.input.shape == (4, 4, 1)
    assert seen == [True, False]


def test_errors_come_in_words_and_go_away(session, tmp_path):
    _described(session, Data())
    _described(session, Data(source=Component("image_folder", {"folder": str(tmp_path)})))

    assert session.info is None
    assert "holds no pictures" in session.error.message
    assert session.error.hint
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(5):
            Image.new("L", (6, 5)).save(tmp_path / label / f"{number}.png")
    session.reload()
    _until(lambda: not session.is_busy, session.tick)
    assert session.error is None
    assert session.info.classes == ("a", "b")


def test_only_the_last_of_many_questions_counts(session):
    seen = []
    for height in range(1, 30):
        session.look_at(Data(preprocessing=Component("image", {"height": height, "width": 5})))
    session.info_changed.connect(lambda: seen.append(session.info.input.shape))

    _until(lambda: not session.is_busy, session.tick)

    assert seen == [(29, 5, 1)]


def test_thumbnails_arrive_in_a_tick(session):
    _described(session, Data())
    found = []

    session.thumbnails("train", [3, 1], found.extend, size=32)
    session.thumbnails("validation", None, found.extend, count=10, augmented=True)
    session.picture("test", 0, found.extend, size=80)
    assert found == []
    _until(lambda: len(found) == 13, session.tick)

    assert [thumbnail.index for thumbnail in found[:2]] == [3, 1]
    assert found[0].pixels.shape == (32, 32, 3)
    assert found[0].pixels.dtype == np.uint8
    assert found[12].pixels.shape == (80, 80, 3)
    assert sorted(thumbnail.target for thumbnail in found[2:12]) == list(range(10))


def test_thumbnails_of_a_runs_data(session):
    found = []

    session.thumbnails("test", [0], found.extend, data=Data(source=Component("mnist5k")), size=28)
    _until(lambda: found, session.tick)

    assert found[0].pixels.shape == (28, 28, 3)


def test_thumbnails_that_cannot_be_made_are_none(session):
    calls = []

    session.thumbnails("train", None, calls.append, data=Data(source=Component("nonsense")))
    _until(lambda: calls, session.tick)

    assert calls == [[]]


def test_a_dead_helper_is_replaced_and_asked_again(reader):
    reader.ask(DescribeData(data=Data()))
    assert isinstance(_replies(reader)[0], Described)
    process = reader._process

    number = reader.ask(DescribeData(data=Data(source=Component("mnist5k"))))
    process.kill()
    (reply,) = _replies(reader)

    assert isinstance(reply, Described)
    assert reply.id == number
    assert reader._process is not process


def test_what_kills_the_helper_twice_is_refused():
    reader = Reader((COMMAND[0], "-c", "import sys; sys.stdin.buffer.read(1); sys.exit(3)"))

    number = reader.ask(DescribeData(data=Data()))
    (reply,) = _replies(reader)
    reader.close()

    assert isinstance(reply, Refused)
    assert reply.id == number
    assert "ended unexpectedly" in reply.message


def test_a_slow_description_that_nobody_wants_is_ended(reader, monkeypatch):
    monkeypatch.setattr(reader_module, "PATIENCE", 0.0)
    reader.ask(DescribeData(data=Data(source=Component("mnist5k"))))
    process = reader._process
    time.sleep(0.01)

    number = reader.ask(DescribeData(data=Data()))
    (reply,) = _replies(reader)

    assert process.poll() is not None
    assert reply.id == number
    assert reply.info.input.shape == (8, 8, 1)


def test_no_helper_before_it_is_needed_and_none_after_the_end(catalog):
    before = {child.pid for child in psutil.Process().children()}
    session = DataSession(catalog)
    session.tick()
    assert {child.pid for child in psutil.Process().children()} == before
    _described(session, Data())

    session.close()

    assert {child.pid for child in psutil.Process().children()} == before


def test_requests_travel_as_they_are():
    request = DescribeData(id=1, data=Data(source=Component("idx", {"folder": "ä/ö"})))

    encoded = msgspec.msgpack.encode(request)

    assert msgspec.msgpack.decode(encoded, type=DescribeData) == request


def _texts(folder, count=300):
    rows = [f"{'word ' * (1 + n % 30)},{'ab'[n % 2]}" for n in range(count)]
    (folder / "data.csv").write_text("\n".join(["text,label", *rows, ""]))
    return Data(
        source=Component("text_table", {"file": str(folder / "data.csv")}),
        preprocessing=Component("text", {"longest": 20}),
    )


def test_lengths_follow_the_description(session, tmp_path):
    told = []
    session.lengths_changed.connect(lambda: told.append((session.has_lengths, session.lengths)))
    _described(session, _texts(tmp_path))
    assert told == [(True, None)]
    _until(lambda: session.lengths is not None, session.tick)

    found = session.lengths
    assert (found.unit, found.limit, found.shortest, found.longest) == ("tokens", 20, 1, 30)
    assert found.cut == pytest.approx(1 / 3, abs=0.05)
    assert sum(found.counts) == found.measured == found.total
    assert len(told) == 2


def test_pictures_have_no_lengths(session):
    _described(session, Data())
    assert not session.has_lengths
    assert session.lengths is None


def test_other_data_forget_the_lengths(session, tmp_path):
    _described(session, _texts(tmp_path))
    _until(lambda: session.lengths is not None, session.tick)
    _described(session, Data())
    assert session.lengths is None
    assert not session.has_lengths
