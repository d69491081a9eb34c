from __future__ import annotations

import threading
import time

import pytest

from workbench.errors import UserError
from workbench.runs.loader import Loader


@pytest.fixture
def loading():
    opened = []

    def open_(read, capacity=24):
        opened.append(Loader(read, capacity))
        return opened[-1]

    yield open_
    for loader in opened:
        loader.close()


def wait(loader, path):
    deadline = time.monotonic() + 5
    while loader.get(path) is None and time.monotonic() < deadline:
        loader.tick()
        time.sleep(0.002)
    return loader.get(path)


def test_reads_in_the_background_and_keeps(tmp_path, loading):
    path = tmp_path / "a"
    path.write_text("content")
    threads = []

    def read(path):
        threads.append(threading.current_thread())
        return path.read_text()

    loader = loading(read)
    assert loader.get(path) is None
    assert wait(loader, path) == "content"
    assert loader.get(path) == "content"
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


def test_a_wish_is_read_once_however_often_it_is_made(tmp_path, loading):
    gate, calls = threading.Event(), []

    def read(path):
        calls.append(path)
        gate.wait(5)
        return "x"

    loader = loading(read)
    for _ in range(50):
        loader.get(tmp_path / "a")
        time.sleep(0.001)
    gate.set()
    assert wait(loader, tmp_path / "a") == "x"
    assert len(calls) == 1


def test_old_content_stays_until_the_new_one_is_there(tmp_path, loading):
    path = tmp_path / "a"
    path.write_text("old")
    gate = threading.Event()
    gate.set()

    def read(path):
        gate.wait(5)
        return path.read_text()

    loader = loading(read)
    assert wait(loader, path) == "old"
    path.write_text("new")
    gate.clear()
    loader.refresh(path)
    assert loader.get(path) == "old"
    gate.set()
    deadline = time.monotonic() + 5
    while loader.get(path) != "new" and time.monotonic() < deadline:
        loader.tick()
    assert loader.get(path) == "new"


def test_damaged_file_is_reported_once_and_missing_one_never(tmp_path, loading):
    damaged = tmp_path / "damaged"
    damaged.touch()
    missing = tmp_path / "missing"

    def read(path):
        if path == damaged:
            raise ValueError("bits")
        raise UserError("gone")

    loader = loading(read)
    for _ in range(100):
        loader.get(damaged)
        loader.get(missing)
        loader.tick()
        time.sleep(0.001)
    assert [error.message for error in loader.errors] == ["damaged cannot be read: bits."]


def test_only_the_last_wishes_are_read_and_only_the_last_files_kept(tmp_path, loading):
    gate, calls = threading.Event(), []

    def read(path):
        gate.wait(5)
        calls.append(path.name)
        return path.name

    loader = loading(read, capacity=3)
    loader.get(tmp_path / "first")
    time.sleep(0.05)
    for number in range(100):
        loader.get(tmp_path / f"{number:02}")
    gate.set()
    deadline = time.monotonic() + 5
    while len(calls) < 9 and time.monotonic() < deadline:
        time.sleep(0.002)
    assert calls == ["first", *(f"{number:02}" for number in range(99, 91, -1))]
    while loader.tick():
        pass
    assert loader.get(tmp_path / "92") == "92"
