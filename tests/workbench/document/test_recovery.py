"""Unsaved work outlives a killed window, and windows leave each other's files alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import msgspec
import pytest

from workbench.document import recovery
from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node
from workbench.document.recovery import Recovery, recoverable, recovery_folder

WINDOW = """
import sys, time
from pathlib import Path
from workbench.document.experiment import Experiment
from workbench.document.recovery import Recovery
recovery = Recovery()
recovery.note(Experiment(name=sys.argv[1]), Path("/data") / sys.argv[1])
recovery.tick()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def open_window():
    """Start processes that hold unsaved work, and end what the test leaves running."""
    started = []

    def start(name: str) -> subprocess.Popen:
        window = subprocess.Popen(
            [sys.executable, "-c", WINDOW, name], stdout=subprocess.PIPE, text=True
        )
        started.append(window)
        assert window.stdout.readline() == "ready\n"
        return window

    yield start
    for window in started:
        window.kill()
        window.wait()
        window.stdout.close()


def kill(window: subprocess.Popen) -> None:
    window.send_signal(signal.SIGKILL)
    window.wait()


def test_a_killed_window_leaves_its_work_to_the_next(open_window):
    window = open_window("mine")
    assert recoverable() is None, "it is alive"
    kill(window)
    experiment, path = recoverable()
    assert experiment.name == "mine"
    assert path.as_posix() == "/data/mine"
    assert recoverable() is None, "handed out once"
    assert [file.suffix for file in recovery_folder().iterdir()] == [".taken"]


def test_windows_do_not_touch_each_others_files(open_window):
    one, other = open_window("one"), open_window("other")
    kill(one)
    assert recoverable()[0].name == "one"
    assert recoverable() is None
    kill(other)
    assert recoverable()[0].name == "other"


def test_nothing_is_left_after_saving_or_closing():
    window = Recovery()
    window.note(Experiment(name="x"), None)
    window.tick()
    assert len(list(recovery_folder().glob("*.json"))) == 1
    window.discard()
    assert list(recovery_folder().iterdir()) == []
    window.tick()
    assert list(recovery_folder().iterdir()) == []


def test_work_without_a_file_has_no_path(monkeypatch):
    window = Recovery()
    window.note(Experiment(name="unnamed"), None)
    window.tick()
    window._lock.release()  # as the system does when a process dies
    assert recoverable() == (Experiment(name="unnamed"), None)


def test_it_writes_at_most_once_a_second(monkeypatch):
    now = 100.0
    monkeypatch.setattr(recovery.time, "monotonic", lambda: now)
    window = Recovery()
    window.note(Experiment(name="first"), None)
    window.tick()
    (file,) = recovery_folder().glob("*.json")
    window.note(Experiment(name="second"), None)
    now = 100.9
    window.tick()
    assert "first" in file.read_text()
    now = 101.1
    window.tick()
    assert "second" in file.read_text()


def test_a_torn_file_is_passed_over():
    folder = recovery_folder()
    folder.mkdir(parents=True)
    (folder / "torn.json").write_bytes(b'{"path":null,"conte')
    (folder / "alien.json").write_bytes(msgspec.json.encode({"path": None, "content": "[]"}))
    assert recoverable() is None
    assert not list(folder.glob("*.json"))


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    window = Recovery(tmp_path / "file" / "recovery")
    window.note(Experiment(), None)
    window.tick()
    window.discard()
    assert recoverable(tmp_path / "file" / "recovery") is None


def test_a_tick_is_short_even_for_a_thousand_layers():
    nodes = [Node(f"conv{n}", "Conv2D", {"filters": 32}, position=(0, n)) for n in range(1000)]
    window = Recovery()
    window.note(Experiment(graph=Graph(tuple(nodes))), None)
    start = time.process_time()
    window.tick()
    assert time.process_time() - start < 0.1
    assert recovery_folder().exists()


def test_only_the_last_ten_turned_down_are_kept():
    folder = recovery_folder()
    for number in range(12):
        window = Recovery()
        window.note(Experiment(name=str(number)), None)
        window.tick()
        window._lock.release()
        assert recoverable()[0].name == str(number)
    assert len(list(folder.glob("*.taken"))) == 10
