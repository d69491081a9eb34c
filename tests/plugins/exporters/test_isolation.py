"""Processes of their own end when nobody waits for them, and say why they failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugins.exporters.child import last_line
from plugins.exporters.isolation import run_folders

ROOT = Path(__file__).parents[3]
SLEEPS = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(120)\n"


def folder_with(path, main):
    path.mkdir()
    (path / "main.py").write_text(main)
    return path


def pid_in(folder, seconds=20):
    """Return the process id that a sleeping script wrote."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (folder / "pid").exists() and (text := (folder / "pid").read_text()):
            return int(text)
        time.sleep(0.05)
    raise AssertionError("the script did not begin")


def is_gone(pid, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_failure_is_told_and_does_not_keep_back_the_next(tmp_path):
    bad = folder_with(tmp_path / "bad", "raise ValueError('no\\nsuch layer')\n")
    good = folder_with(tmp_path / "good", "open('done', 'w').close()\n")
    assert run_folders([bad, good]) == ["such layer", ""]
    assert (good / "done").exists()


def test_a_crash_is_told(tmp_path):
    crashing = folder_with(tmp_path / "a", "import os\nos.abort()\n")
    assert run_folders([crashing]) == ["the process was ended by SIGABRT"]


def test_what_takes_too_long_is_ended(tmp_path):
    folder = folder_with(tmp_path / "a", SLEEPS)
    assert run_folders([folder], seconds=3) == ["it ran longer than 3 s"]
    assert is_gone(pid_in(folder))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_cancelling_ends_the_process(how, tmp_path):
    """By Ctrl-C as well as by a kill that leaves the parent no time."""
    folder = folder_with(tmp_path / "a", SLEEPS)
    start = (  # what started the tests may ignore Ctrl-C, and a process inherits that
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\nfrom plugins.exporters.isolation import run_folders\n"
        f"run_folders([Path({str(folder)!r})])\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", start], cwd=ROOT, stderr=subprocess.DEVNULL)
    pid = pid_in(folder)
    os.kill(parent.pid, how)
    parent.wait(20)
    assert is_gone(pid)


def test_compilers_mark_their_errors():
    error = RuntimeError("<unknown>:0: error: loc(a(b)): 'tfl.prelu' failed\n<unknown>:0: note: c")
    assert last_line(error) == "'tfl.prelu' failed"
