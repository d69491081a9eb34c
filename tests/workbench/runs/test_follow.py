from __future__ import annotations

import time

import pytest
from filelock import FileLock

from tests.workbench.runs.written_runs import append, epoch, started, whole_run, write_run
from workbench.runs import events as ev
from workbench.runs import follow
from workbench.runs.folder import RunFolder
from workbench.runs.follow import Follower
from workbench.runs.state import RunState


@pytest.fixture
def following():
    """Open followers that are closed and joined at the end."""
    opened = []

    def open_(folder):
        opened.append(Follower(folder))
        return opened[-1]

    yield open_
    for follower in opened:
        follower.close()
        follower.join(5)


def gather(follower, count, seconds=10.0):
    found = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        chunk = follower.next_chunk()
        found += chunk
        if not chunk:
            time.sleep(0.005)
    return found


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_replays_and_then_follows(tmp_path, following):
    folder = write_run(tmp_path)
    follower = following(folder)
    expected = list(whole_run())
    assert gather(follower, len(expected)) == expected
    more = [started(2000.0, step=30, epochs=4), *epoch(2001.0, 4, 0.95)]
    append(folder, more)
    assert gather(follower, len(more)) == more


def test_folder_without_events_waits_for_them(tmp_path, following):
    folder = write_run(tmp_path, events=[])
    folder.events.unlink()
    follower = following(folder)
    wait_for(lambda: follower.has_caught_up)
    append(folder, [ev.Preparing(time=1.0, message="x")])
    assert len(gather(follower, 1)) == 1


def test_torn_last_line_waits_for_its_end(tmp_path, following):
    folder = write_run(tmp_path, events=[])
    line = ev.encode(ev.Paused(time=1.0, step=4))
    folder.events.write_bytes(line[:9])
    follower = following(folder)
    wait_for(lambda: follower.has_caught_up)
    assert follower.next_chunk() == []
    folder.events.write_bytes(line)
    assert gather(follower, 1) == [ev.Paused(time=1.0, step=4)]
    assert follower.skipped == 0


def test_lines_of_a_newer_version_are_skipped_and_counted(tmp_path, following):
    folder = write_run(tmp_path, events=[])
    good = ev.encode(ev.Paused(time=1.0, step=4))
    strange = b'{"event":"sung","time":1.0}\n{"event":"paused","time":1,"step":2,"mood":3}\n'
    folder.events.write_bytes(strange + b"\xff\xfe\x00garbage\n\n" + good)
    follower = following(folder)
    assert gather(follower, 1) == [ev.Paused(time=1.0, step=4)]
    assert follower.skipped == 3


def test_long_log_comes_in_bounded_chunks_and_adds_up(tmp_path, following):
    count = 20_000
    steps = (
        ev.Steps(time=float(i), first=i, columns={"loss": [0.5]}, samples_per_second=1.0)
        for i in range(1, count + 1)
    )
    folder = write_run(tmp_path, events=[started(0.0), *steps])
    follower = following(folder)
    state, received = RunState(), 0
    deadline = time.monotonic() + 20
    while received <= count and time.monotonic() < deadline:
        chunk = follower.next_chunk()
        assert len(chunk) <= 200
        received += len(chunk)
        for event in chunk:
            state.apply(event)
    assert state.step == count
    assert len(state.steps["loss"]) == count


def test_reading_ahead_is_bounded(tmp_path, following):
    lines = [ev.Paused(time=float(i), step=i) for i in range(80_000)]
    folder = write_run(tmp_path, events=lines)
    follower = following(folder)
    time.sleep(0.5)
    assert not follower.has_caught_up
    assert len(gather(follower, len(lines), 20)) == len(lines)


def test_tells_whether_the_lock_is_held(tmp_path, following, monkeypatch):
    monkeypatch.setattr(follow, "PROBE_SECONDS", 0.02)
    folder = write_run(tmp_path)
    lock = FileLock(folder.lock)
    with lock:
        follower = following(folder)
        assert follower.is_running
    wait_for(lambda: not follower.is_running)
    with lock:
        wait_for(lambda: follower.is_running)


def test_dead_thread_is_reported(tmp_path, following):
    (tmp_path / "events.jsonl").mkdir()
    follower = following(RunFolder(tmp_path))
    wait_for(lambda: follower.error is not None)
    assert isinstance(follower.error, OSError)


def test_last_words_come_before_the_news_of_the_end(tmp_path, following, monkeypatch):
    monkeypatch.setattr(follow, "PROBE_SECONDS", 0.0)
    folder = write_run(tmp_path, events=[])
    for _ in range(5):
        lock = FileLock(folder.lock)
        lock.acquire()
        follower = following(folder)
        append(folder, [ev.Finished(time=1.0, step=1, reason="completed", metrics={})])
        lock.release()
        wait_for(lambda one=follower: not one.is_running)
        assert follower.next_chunk()[-1].reason == "completed"
