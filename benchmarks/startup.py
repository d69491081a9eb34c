"""Process start to first paint: our window against a bare PySide6 window with a pyqtgraph plot."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

import psutil

from benchmarks.rows import Row

ROUNDS = 9
BAR = 1.4
BARE = """
import sys, time
import pyqtgraph
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Plot(pyqtgraph.PlotWidget):
    def paintEvent(self, event):
        super().paintEvent(event)
        print(time.monotonic(), flush=True)
        QTimer.singleShot(0, QApplication.quit)

app = QApplication(sys.argv)
window = QMainWindow()
window.setCentralWidget(Plot())
window.resize(1440, 900)
window.show()
app.exec()
"""
OURS = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from widgets import app as window_app

def painted():
    print(time.monotonic(), flush=True)
    QTimer.singleShot(0, QApplication.quit)

make_window = window_app.make_window

def watched():
    window = make_window()
    window.first_painted.connect(painted)
    return window

window_app.make_window = watched
window_app.run_window(example="digits-cnn")
"""


def run() -> list[Row]:
    """Open both in turn, warm caches, and compare medians of the pairwise ratios."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as home:
        _open(OURS, home), _open(BARE, home)
        pairs = [(_open(OURS, home), _open(BARE, home)) for _ in range(ROUNDS)]
    ratios = [ours / bare for ours, bare in pairs]
    ratio = statistics.median(ratios)
    ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    return [
        Row(
            "window opens, process start to first paint, against a bare PySide6 + pyqtgraph window",
            f"{ratio:.2f} ×",
            f"≤ {BAR} ×",
            ratio <= BAR,
            f"median of {ROUNDS} pairs, {min(ratios):.2f}–{max(ratios):.2f}; "
            f"{ours:.2f} s against {bare:.2f} s",
        )
    ]


def _open(script: str, home: str) -> float:
    """Return the seconds from starting Python to the first paint."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": home}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # ours would be compiled each time, Qt not
    _wait_for_rest(home)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(done.stdout.split()[0]) - start


def _wait_for_rest(home: str) -> None:
    """Wait until no worker is left that a window before has begun to warm up."""
    while any(_home_of(process) == home for process in psutil.process_iter()):
        time.sleep(0.1)


def _home_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("WORKBENCH_HOME", "")
    except psutil.Error:  # it has ended, or is somebody else's
        return ""
