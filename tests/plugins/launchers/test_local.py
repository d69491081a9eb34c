from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from plugins.launchers import local
from plugins.launchers.local import LocalLauncher, shorten
from workbench.errors import UserError

WORKER = """
import os, pathlib, sys, time
if sys.argv[1] == "--wait":
    if sys.argv[2] == "dies":
        sys.exit(7)
    print('{"state":"ready","devices":[{"id":"cpu","title":"Processor"}]}', flush=True)
    line = sys.stdin.readline().strip()
    if not line:
        sys.exit(0)
    folder = pathlib.Path(line)
else:
    folder = pathlib.Path(sys.argv[1])
if folder.name == "crash":
    raise RuntimeError("the disk caught fire")
(folder / "pid.part").write_text(f"{os.getpid()} {os.getsid(0)} {sys.argv[1]}")
(folder / "pid.part").rename(folder / "pid")
if folder.name != "short":
    time.sleep(60)
"""


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Put a worker that only sleeps in the place of the real one."""
    package = tmp_path / "stub"
    package.mkdir()
    (package / "sleepy_worker.py").write_text(WORKER)
    monkeypatch.setattr(local, "_MODULE", "sleepy_worker")
    monkeypatch.setenv("PYTHONPATH", str(package))


@pytest.fixture
def launcher(stub):
    launcher = LocalLauncher()
    yield launcher
    launcher.close()
    for folder in list(launcher._workers):
        launcher.cancel(folder)


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def folder_named(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    return folder


def told(folder):
    wait_for((folder / "pid").exists)
    pid, session, argument = (folder / "pid").read_text().split(" ")
    return int(pid), int(session), argument


def test_worker_runs_in_a_session_of_its_own(tmp_path, launcher):
    folder = folder_named(tmp_path, "run with spaces ü")
    launcher.submit(folder)
    wait_for((folder / "pid").exists)
    pid, session, _ = (folder / "pid").read_text().split(" ", 2)
    assert pid == session != str(os.getsid(0))
    assert launcher.failure(folder) == ""


def test_ended_workers_leave_no_zombie(tmp_path, launcher):
    folder = folder_named(tmp_path, "short")
    launcher.submit(folder)
    pid, _, _ = told(folder)
    wait_for(lambda: not psutil.pid_exists(pid))


def test_cancel_ends_the_worker_at_once(tmp_path, launcher):
    folder = folder_named(tmp_path, "long")
    launcher.submit(folder)
    pid, _, _ = told(folder)
    launcher.cancel(folder)
    wait_for(lambda: not psutil.pid_exists(pid))
    wait_for(lambda: launcher.failure(folder) != "")
    assert "signal 9" in launcher.failure(folder)


def test_cancel_by_pid_ends_a_worker_of_another_window(tmp_path, launcher):
    folder = folder_named(tmp_path, "long")
    launcher.submit(folder)
    pid, _, _ = told(folder)
    LocalLauncher().cancel(folder, pid)
    wait_for(lambda: not psutil.pid_exists(pid))


def test_cancel_spares_a_process_that_got_the_number_later(tmp_path, stub):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with other:
        LocalLauncher().cancel(tmp_path, other.pid)
        time.sleep(0.1)
        assert other.poll() is None
        other.kill()


def test_early_death_is_told_with_the_last_line(tmp_path, launcher):
    folder = folder_named(tmp_path, "crash")
    launcher.submit(folder)
    wait_for(lambda: launcher.failure(folder) != "")
    failure = launcher.failure(folder)
    assert failure == (
        "The training process ended with status 1: RuntimeError: the disk caught fire"
    )


def test_waiting_worker_takes_the_next_run_only(tmp_path, launcher):
    first, second = folder_named(tmp_path, "first"), folder_named(tmp_path, "second")
    launcher.warm_up("torch")
    launcher.submit(first, "torch")
    launcher.submit(second, "torch")
    assert told(first)[2] == "--wait"
    assert told(second)[2] == str(second)


def test_a_worker_that_waits_with_another_backend_is_left_alone(tmp_path, launcher):
    folder = folder_named(tmp_path, "other")
    launcher.warm_up("torch")
    launcher.submit(folder, "keras-jax")
    assert told(folder)[2] == str(folder)
    assert launcher.readiness("torch").state in ("warming", "ready")


def test_a_waiting_worker_tells_its_devices(launcher):
    assert launcher.readiness("torch").state == "none"
    launcher.warm_up("torch")
    wait_for(lambda: launcher.readiness("torch").state == "ready")
    assert [device.title for device in launcher.readiness("torch").devices] == ["Processor"]


def test_a_worker_that_dies_of_its_import_is_broken(tmp_path, launcher):
    launcher.warm_up("dies")
    wait_for(lambda: launcher.readiness("dies").state == "broken")
    assert "status 7" in launcher.readiness("dies").message
    folder = folder_named(tmp_path, "run")
    launcher.submit(folder, "dies")
    assert told(folder)[2] == str(folder)


def test_each_backend_has_one_waiting_worker_until_it_cools_down(launcher):
    launcher.warm_up("torch")
    process = launcher._waiting["torch"].process
    launcher.warm_up("torch")
    assert launcher._waiting["torch"].process is process
    launcher.warm_up("keras")
    assert process.poll() is None
    launcher.cool_down("torch")
    wait_for(lambda: process.poll() is not None)
    assert launcher.readiness("torch").state == "none"
    assert launcher._waiting["keras"].process.poll() is None


def test_waiting_worker_that_died_is_replaced(tmp_path, launcher):
    launcher.warm_up("torch")
    process = launcher._waiting["torch"].process
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: process.poll() is not None)
    folder = folder_named(tmp_path, "run")
    launcher.submit(folder, "torch")
    assert told(folder)[2] == str(folder)


def test_closing_ends_the_waiting_worker_and_no_other(tmp_path, launcher):
    folder = folder_named(tmp_path, "run")
    launcher.submit(folder)
    pid, _, _ = told(folder)
    launcher.warm_up("torch")
    waiting = launcher._waiting["torch"].process
    launcher.close()
    wait_for(lambda: waiting.poll() is not None)
    assert psutil.pid_exists(pid)


def test_waiting_worker_ends_with_its_window(tmp_path, stub):
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from plugins.launchers import local; local._MODULE = 'sleepy_worker'\n"
        "launcher = local.LocalLauncher(); launcher.warm_up('torch')\n"
        "print(launcher._waiting['torch'].process.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, os.getcwd()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as window:
        pid = int(window.stdout.readline())
        assert psutil.pid_exists(pid)
        window.kill()
    wait_for(lambda: not psutil.pid_exists(pid) or _is_zombie(pid))


def _is_zombie(pid):
    """Whether a process has ended, but nobody in this container waits for orphans."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_folder_that_is_gone_is_said_in_words(tmp_path, launcher):
    with pytest.raises(UserError, match="could not be started"):
        launcher.submit(tmp_path / "gone")


def test_long_logs_are_shortened(tmp_path):
    log = tmp_path / "stderr.log"
    log.write_bytes(b"x" * 2**20 + b"the end")
    shorten(log)
    assert log.stat().st_size < 2**18
    assert log.read_bytes().endswith(b"the end")
